"""Draw synthetic cracks: a contact sheet, a stack or arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ..cracks import CrackGenerator, Drawn
from ..cracks.sheet import SheetCracks
from ..errors import OutputError, writing
from ..events import Finished, Progress, Said, Warned, Work
from . import Command, Positional

_GAP = 2
"""Pixels between two pictures of a contact sheet."""


class Cracks(Command):
    """Draw synthetic cracks: a contact sheet (png), a stack of masks (tif) or arrays (npz)."""

    out: Annotated[Path, Positional] = Field(description="File to write; it ends in .png, .tif or .npz.")
    cracks: CrackGenerator = Field(SheetCracks(), description="Crack generation module.")
    mechanism: str | None = Field(None, description="Mechanism of cracking whose settings of the cracks to start from.")
    count: int = Field(16, ge=1, le=100_000, description="How many patches to draw.")
    size: tuple[int, int] = Field((256, 256), description="Height and width of a patch in voxels.")
    slices: int = Field(1, ge=1, le=1024, description="Slices of a patch.")
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    voxel_size_um: tuple[float, float, float] | None = Field(
        None, description="Voxel size in µm along z, y, x, for settings in µm."
    )
    overwrite: bool = Field(False, description="Replace a file that exists.")

    @field_validator("out")
    @classmethod
    def _known(cls, out: Path) -> Path:
        if out.suffix.lower() not in _WRITERS:
            raise ValueError(f"the file must end in one of {', '.join(_WRITERS)}")
        return out

    @field_validator("size")
    @classmethod
    def _positive(cls, size: tuple[int, int]) -> tuple[int, int]:
        if not all(8 <= side <= 16384 for side in size):
            raise ValueError("height and width must lie between 8 and 16384")
        return size

    def run(self) -> Work[Path]:
        """Draw and write; patch n is the same whatever the count."""
        if self.out.exists() and not self.overwrite:
            raise OutputError(f"{self.out} exists; name another file or use --overwrite.")
        yield from (Warned(text) for text in self.cracks.warnings(self.voxel_size_um))
        drawn: list[Drawn] = []
        for number in range(self.count):
            rng = np.random.default_rng((self.seed, number))
            drawn.append(self.cracks.draw((self.slices, *self.size), rng, self.voxel_size_um))
            yield Progress(number + 1, self.count, "cracks")
        share = float(np.mean([patch.target.mean() for patch in drawn]))
        empty = sum(not patch.target.any() for patch in drawn)
        yield Said(f"{share:.2%} of the voxels are crack; {empty} of {self.count} patches are empty.")
        with writing(self.out):
            _WRITERS[self.out.suffix.lower()](self.out, drawn, self)
        yield Finished(str(self.out))
        return self.out


def contact_sheet(masks: list[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Masks of one shape side by side, as square as they go: crack white, metal black, grey between them."""
    height, width = masks[0].shape
    columns = math.ceil(math.sqrt(len(masks) * height / width))
    rows = math.ceil(len(masks) / columns)
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP), 64, np.uint8)
    for number, mask in enumerate(masks):
        y, x = (number // columns) * (height + _GAP), (number % columns) * (width + _GAP)
        sheet[y : y + height, x : x + width] = np.where(mask, 255, 0)
    return sheet


def _write_png(path: Path, drawn: list[Drawn], command: Cracks) -> None:
    from PIL import Image

    Image.fromarray(contact_sheet([patch.target[patch.target.shape[0] // 2] for patch in drawn])).save(path)


def _write_tif(path: Path, drawn: list[Drawn], command: Cracks) -> None:
    import tifffile

    masks = np.concatenate([patch.target for patch in drawn]).astype(np.uint8) * 255
    tifffile.imwrite(path, masks, photometric="minisblack", compression="zlib")


def _write_npz(path: Path, drawn: list[Drawn], command: Cracks) -> None:
    arrays: dict[str, Any] = {
        "coverage": np.stack([patch.coverage for patch in drawn]),
        "target": np.stack([patch.target for patch in drawn]),
        "settings": np.array(command.cracks.model_dump_json()),
    }
    np.savez_compressed(path, **arrays)


_WRITERS: dict[str, Callable[[Path, list[Drawn], Cracks], None]] = {
    ".png": _write_png,
    ".tif": _write_tif,
    ".tiff": _write_tif,
    ".npz": _write_npz,
}
