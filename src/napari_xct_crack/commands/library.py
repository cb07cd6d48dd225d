"""Make one library file of a folder of crack masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..errors import OutputError
from ..events import Finished, Work
from . import Command, Positional


class Library(Command):
    """Make one library file of all crack masks below a folder, for the crack generator "library"."""

    folder: Annotated[Path, Positional] = Field(description="Folder with mask images: PNG, TIFF, BMP, JPEG.")
    library: Annotated[Path, Positional] = Field(description="File to write, such as cracks.safetensors.")
    polarity: Literal["auto", "bright", "dark"] = Field(
        "auto", description="Which pixels are crack; auto: the fewer ones, counted over all images of one folder."
    )
    width: float | None = Field(None, gt=0, description="Median width, in pixels, to which thicker cracks are thinned.")
    overwrite: bool = Field(False, description="Replace a file that exists.")

    def run(self) -> Work[Path]:
        """Read all images, then write the library."""
        from ..cracks._masks import build

        if self.library.exists() and not self.overwrite:
            raise OutputError(f"{self.library} exists; name another file or use --overwrite.")
        if self.library.is_dir():
            raise OutputError(f"{self.library} is a folder; name a file.")
        yield from build(self.folder, self.library, self.polarity, self.width)
        yield Finished(str(self.library))
        return self.library
