"""A command with every type of field."""

import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from napari_xct_crack.commands import Command, Positional
from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.errors import InputError
from napari_xct_crack.events import Finished, Progress, Said, Warned, Work
from napari_xct_crack.settings import Length, Settings

from ..cracks.alpha import Alpha


class Look(Settings):
    """Nested settings that are no kind."""

    near: int = Field(3, ge=0, description="Near.")
    far: float | None = Field(7.5, description="Far.")


class Walk(Command):
    """Walk through a scan.

    Says so.
    """

    source: Annotated[str, Positional] = Field(description="Scan.")
    out: Annotated[Path, Positional] = Field(description="Where to.")
    cracks: CrackGenerator = Field(Alpha(decay=0.3), description="Cracks.")
    spare: CrackGenerator | None = Field(None, description="Spare cracks.")
    look: Look = Field(Look(near=4), description="How to look.")
    crop: tuple[int, int, int, int, int, int] | None = Field(None, description="Z0 Y0 X0 Z1 Y1 X1.")
    window: tuple[float, float] | None = Field((0.0, 1.0), description="Grey values.")
    axes: tuple[str, ...] = Field(("c=0",), description="Axes.")
    method: Literal["fast", "slow"] = Field("fast", description="Which way.")
    closing: Length | None = Field(None, description="Closing.")
    title: str = Field("", description="Title.")
    minutes: float | None = Field(5.0, gt=0, description="Budget.")
    seed: int = Field(0, description="Seed.")
    pause: float = Field(0.0, description="Seconds between steps.")
    steps: int = Field(3, description="Steps.")
    trouble: Literal["no", "user", "bug"] = Field("no", description="How it ends.")
    keep: bool = Field(True, description="Keep.")
    overwrite: bool = Field(False, description="Replace.")
    maybe: bool | None = Field(None, description="Whether.")
    json_: bool = Field(False, alias="json", description="As JSON.")

    def run(self) -> Work[None]:
        """Walk; the file `out` counts the steps that were saved."""
        yield Said(f"Walking through {self.source}.")
        for step in range(self.steps):
            self.out.write_text(str(step))
            time.sleep(self.pause)
            self.out.write_text(str(step + 1))
            yield Progress(step + 1, self.steps, "walk")
        if self.trouble == "user":
            raise InputError("The path ends here; give a longer one.")
        if self.trouble == "bug":
            raise RuntimeError("a bug")
        yield Warned("Mind the gap.")
        yield Finished(str(self.out))
