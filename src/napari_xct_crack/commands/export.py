"""Write a mask or numbered components for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..events import Finished, Work
from . import Command, Positional


class Export(Command):
    """Write a mask or numbered components for other programs: a TIFF stack, or a surface as STL or PLY."""

    source: Annotated[str, Positional] = Field(
        description="Mask that clean wrote, or cracks.ome.zarr that measure wrote."
    )
    out: Annotated[Path, Positional] = Field(description="The file to write; ends in .tif, .stl or .ply.")
    voxel_size_um: tuple[float, float, float] | None = Field(
        None, description="Voxel size in µm along z, y, x, where the file does not state it."
    )
    overwrite: bool = Field(False, description="Replace a file that exists.")

    def run(self) -> Work[Path]:
        """Write the file."""
        from ..export import export
        from ..io import read

        result = yield from export(read(self.source, voxel_size=self.voxel_size_um), self.out, overwrite=self.overwrite)
        yield Finished(str(self.out))
        return result
