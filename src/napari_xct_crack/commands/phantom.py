"""Make a simulated scan with cracks whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..events import Finished, Work
from ..phantom import PhantomSettings, make
from . import Command, Positional


class Phantom(PhantomSettings, Command):
    """Make a simulated scan with cracks whose truth is known: scan.ome.zarr, truth.ome.zarr and truth.json."""

    folder: Annotated[Path, Positional] = Field(description="Folder to write into; made if it is not there.")

    def run(self) -> Work[Path]:
        """Make it, or keep the same one that is there."""
        settings = PhantomSettings.checked({name: getattr(self, name) for name in PhantomSettings.model_fields})
        folder = yield from make(settings, self.folder)
        yield Finished(str(folder))
        return folder
