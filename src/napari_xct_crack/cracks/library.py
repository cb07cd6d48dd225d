"""CGM2, a library of masks that experts drew."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import SettingsError
from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._augment import warped
from ._fields import Lean, Warp
from ._masks import Mask, opened, thinned
from ._polyline import LINE_FROM

Slice = tuple[NDArray[np.float32], Mask]
"""Coverage and target, shapes (y, x)."""


class LibraryCracks(CrackGenerator):
    """Masks of real cracks from a library file, flipped, turned and warped.

    In a stack of slices the masks are shifted from slice to slice by whole voxels, as a leaning sheet would be.
    """

    kind: Literal["library"] = "library"
    path: Path | None = Field(None, description="Library file, made by xct-crack library FOLDER LIBRARY.")
    count: tuple[int, int] = Field((1, 1), description="Fewest and most masks per patch; more where they are small.")
    fit: Literal["crop", "resize"] = Field(
        "crop",
        description="crop: a mask's pixel is a voxel, and a part with crack is cut out; resize: scaled to cover the patch.",
    )
    width: Length = Field(Length(0), description="Median width to which thicker cracks are thinned; 0 leaves them.")
    warp: Warp = 0.5
    lean: Lean = 0.4

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        """Draw cracks into an empty stack of slices.

        Raises
        ------
        SettingsError
            If no library is named, or the width is given in µm and `voxel_size` is unknown.
        InputError
            If the library is missing or damaged.
        """
        if self.path is None:
            raise SettingsError(
                "Setting path: the library generator needs a library file; make one with xct-crack library FOLDER LIBRARY."
            )
        masks, width = opened(self.path), self.width.voxels(voxel_size)[1]
        drawn = Drawn(np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
        for _ in range(int(rng.integers(self.count[0], max(self.count) + 1))):
            mask = np.rot90(masks[int(rng.integers(len(masks)))], int(rng.integers(4)))
            mask = mask[:, ::-1] if rng.random() < 0.5 else mask
            fitted = _resized(mask, shape[1:]) if self.fit == "resize" else (mask.astype(np.float32), mask)
            corner = _corner(fitted[1], shape[1:], rng)
            cut = _placed(fitted, corner, shape[1:])
            if width > 0:
                cut = thinned(cut[1], width)
            lean = rng.normal(0, self.lean, 2)
            for z in range(shape[0]):
                y, x = (round(step * (z - shape[0] // 2)) for step in lean)
                coverage, target = _placed(cut, (y, x), shape[1:])
                np.maximum(drawn.coverage[z], coverage, out=drawn.coverage[z])
                drawn.target[z] |= target
        return warped(drawn, rng) if rng.random() < self.warp else drawn


def _corner(mask: Mask, shape: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Where the mask's first pixel goes: a smaller mask anywhere in the patch, a larger one so that crack is seen."""
    seen = np.flatnonzero(mask)
    crack = np.unravel_index(int(seen[rng.integers(len(seen))]) if len(seen) else 0, mask.shape)
    corner = []
    for place, held, length in zip(crack, mask.shape, shape, strict=True):
        if held <= length:
            corner.append(int(rng.integers(0, length - held + 1)))
        else:
            first, last = max(0, int(place) - length + 1), min(int(place), held - length)
            corner.append(-int(rng.integers(first, last + 1)))
    return corner[0], corner[1]


def _placed(cut: Slice, corner: tuple[int, int], shape: tuple[int, int]) -> Slice:
    """A slice of that shape with coverage and target laid at a corner."""
    coverage, target = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    height, width = cut[1].shape
    there = tuple(slice(max(0, c), min(n, c + held)) for c, n, held in zip(corner, shape, (height, width), strict=True))
    here = tuple(
        slice(max(0, -c), max(0, min(held, n - c))) for c, n, held in zip(corner, shape, (height, width), strict=True)
    )
    coverage[there], target[there] = cut[0][here], cut[1][here]
    return coverage, target


def _resized(mask: Mask, shape: tuple[int, int]) -> Slice:
    """Scale a mask evenly so that it covers the patch; lines stay connected."""
    from PIL import Image
    from scipy import ndimage
    from skimage.morphology import skeletonize

    factor = max(n / held for n, held in zip(shape, mask.shape, strict=True))
    height, width = (max(n, round(held * factor)) for n, held in zip(shape, mask.shape, strict=True))
    grey = Image.fromarray(mask.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    coverage = np.clip(np.asarray(grey, np.float32), 0, 1)
    target = coverage >= 0.5
    if factor < 1:
        touched = np.zeros_like(target)
        y, x = np.nonzero(mask)
        touched[y * height // mask.shape[0], x * width // mask.shape[1]] = True
        target |= skeletonize(touched) & (ndimage.maximum_filter(coverage, 3) >= LINE_FROM)
    return coverage, target
