"""Blocks of a scan held in memory for training, and which of their voxels are doubtful."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .appearance import Appearance, estimate
from .errors import InputError
from .prepare import part_at
from .response import DARK, dark_response, flat_field
from .volume import Box, Triple, Volume

_FAINT = -1.6
"""Response down to which a dark place is followed: the ends of cracks fade."""

_SPECK = 8
"""Longest side, in voxels, of what is taken for a pore."""


@dataclass(frozen=True)
class Slab:
    """A block of the scan in memory; arrays of shape (z, y, x)."""

    grey: NDArray[np.generic]
    part: NDArray[np.bool_]
    doubtful: NDArray[np.bool_]


def share_of(some: list[NDArray[np.bool_]], of: list[NDArray[np.bool_]]) -> float:
    """How many voxels the first masks have per voxel of the second."""
    return sum(int(a.sum()) for a in some) / max(1, sum(int(b.sum()) for b in of))


def typical(looks: list[Appearance]) -> Appearance:
    """The median look of the slabs; those that saw an edge count where there are any."""
    seen = [look for look in looks if not look.notes] or looks
    return replace(
        seen[0],
        metal=float(np.median([look.metal for look in seen])),
        contrast=float(np.median([look.contrast for look in seen])),
        point_spread=float(np.median([look.point_spread for look in seen])),
        noise=float(np.median([look.noise for look in seen])),
    )


def slab_boxes(volume: Volume, memory_mb: int, size: int, slices: int, rng: np.random.Generator) -> list[Box]:
    """All of a small scan; of a large one random slabs that hold part, as many as memory allows."""
    z, y, x = volume.shape
    voxel = volume.dtype.itemsize + 2
    if z * y * x * voxel <= memory_mb * 1e6:
        return [Box.of(volume.shape)]
    shape: Triple = (min(z, max(32, slices + 16)), min(y, 2 * size), min(x, 2 * size))
    count = max(1, int(memory_mb * 1e6 / (np.prod(shape) * voxel)))
    boxes: list[tuple[float, Box]] = []
    for _ in range(4 * count):
        corner = [int(rng.integers(side - part + 1)) for side, part in zip(volume.shape, shape, strict=True)]
        box = Box((0, 0, 0), shape).shifted((corner[0], corner[1], corner[2]))
        boxes.append((float(part_at(volume, box).mean()), box))
    boxes.sort(key=lambda entry: -entry[0])
    return [box for share, box in boxes[:count] if share > 0] or [boxes[0][1]]


def read_slab(volume: Volume, box: Box, size: int) -> tuple[Slab, Appearance]:
    """Read one block, padded to patches of `size`, and estimate its look and its doubt."""
    grey, part = volume.read(box), part_at(volume, box)
    if not part.any():
        raise InputError("The part mask is empty inside the crop; widen the crop or give --part.")
    lo, hi = volume.window or (0.0, 1.0)
    upright = grey if lo < hi else (lo + hi - grey.astype(np.float32))
    flat = flat_field(upright, part)
    look = estimate(upright, part, flat)
    doubtful = doubt(dark_response(flat, part, flattened=True), part, look.point_spread)
    missing = [(0, 0)] + [(0, max(0, size - side)) for side in grey.shape[1:]]
    return Slab(np.pad(grey, missing, mode="symmetric"), np.pad(part, missing), np.pad(doubtful, missing)), look


def doubt(response: NDArray[np.float32], part: NDArray[np.bool_], point_spread: float) -> NDArray[np.bool_]:
    """Voxels that may be crack: dark ones with all that is faintly dark beside them, grown by one.

    Small specks (pores) and the part's blurred rim are left out.

    All arrays have the shape (z, y, x).
    """
    labels, count = ndimage.label(part & (response < _FAINT), structure=np.ones((3, 3, 3)))
    longest = np.array([0] + [max(s.stop - s.start for s in place) for place in ndimage.find_objects(labels)])
    sure = np.bincount(labels[part & (response < DARK)], minlength=count + 1) > 0
    grown = ndimage.binary_dilation((sure & (longest > _SPECK))[labels], structure=np.ones((3, 3, 3)))
    rim = ndimage.distance_transform_edt(part) if not part.all() else None
    if rim is not None:
        grown &= rim > 2.5 * point_spread + 1
    result: NDArray[np.bool_] = grown & part
    return result
