"""Blocks of a scan held in memory for training, and which of their voxels are doubtful."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .appearance import SHOWN_BY, Appearance, estimate
from .doubt import doubt
from .errors import InputError
from .prepare import part_at
from .response import flat_field
from .volume import Box, Triple, Volume


@dataclass(frozen=True)
class Slab:
    """A block of the scan in memory; arrays of shape (z, y, x), padded to the size of a patch."""

    box: Box
    """Its voxels without the padding, counted from the crop's corner."""
    grey: NDArray[np.generic]
    part: NDArray[np.bool_]
    suspected: NDArray[np.bool_]
    """What may be crack by its grey values alone."""
    doubtful: NDArray[np.bool_]
    """What is not taught as metal."""
    found: NDArray[np.bool_]
    """What a net that has looked over it is sure to be crack."""

    def padded(self, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A map of its box with the padding."""
        return np.pad(found, [(0, a - b) for a, b in zip(self.part.shape, found.shape, strict=True)])


def share_of(some: list[NDArray[np.bool_]], of: list[NDArray[np.bool_]]) -> float:
    """How many voxels the first masks have per voxel of the second."""
    return sum(int(a.sum()) for a in some) / max(1, sum(int(b.sum()) for b in of))


def typical(looks: list[Appearance]) -> Appearance:
    """The median look of the slabs, of those whose point spread is known best."""
    best = min((look.shown_by for look in looks), key=SHOWN_BY.index)
    seen = [look for look in looks if look.shown_by == best]
    return replace(
        seen[0],
        metal=float(np.median([look.metal for look in seen])),
        contrast=float(np.median([look.contrast for look in seen])),
        point_spread=float(np.median([look.point_spread for look in seen])),
        softest=float(np.median([look.softest for look in seen])),
        noise=float(np.median([look.noise for look in seen])),
    )


def slab_boxes(volume: Volume, memory_mb: int, size: int, slices: int, rng: np.random.Generator) -> list[Box]:
    """All of a small scan; of a large one random slabs that hold part, as many as memory allows."""
    z, y, x = volume.shape
    voxel = volume.dtype.itemsize + 4
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
    suspected = doubt(flat, part, look.point_spread)
    missing = [(0, 0)] + [(0, max(0, size - side)) for side in grey.shape[1:]]
    suspected = np.pad(suspected, missing)
    held = (np.pad(grey, missing, mode="symmetric"), np.pad(part, missing))
    return Slab(box, *held, suspected, suspected, np.zeros_like(suspected)), look
