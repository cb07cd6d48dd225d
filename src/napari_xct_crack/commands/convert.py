"""Turn a scan, a probability or a mask into an OME-Zarr pyramid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..events import Finished, Work
from ..volume import Role, Volume
from . import Positional, ReadsVolume
from ._shared import Shared


class Convert(Shared, ReadsVolume):
    """Write a volume as a sharded OME-Zarr pyramid, lazily and resumably."""

    out: Annotated[Path, Positional] = Field(description="Where to write it: a folder that ends in .ome.zarr.")
    role: Role | None = Field(None, description="What it is, where the file does not say.")
    overwrite: bool = Field(False, description="Replace an output that exists.")

    def run(self) -> Work[Volume]:
        """Convert, going on where an earlier call was stopped."""
        from ..convert import ConvertSettings, convert

        volume = self.open()
        settings = ConvertSettings(role=self.role)
        result = yield from self.shared(
            lambda volume, out, overwrite, executor: convert(
                volume, out, settings, overwrite=overwrite, executor=executor
            ),
            volume,
            self.out,
            self.overwrite,
        )
        yield Finished(str(self.out))
        return result
