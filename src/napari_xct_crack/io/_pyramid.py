"""How a pyramid is laid out: level shapes, chunks, shards, and one step from a level to the next coarser one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..volume import Role, Triple

COARSEST = 512
"""Halving goes on until no side is longer: that level fits the 3-D texture of any graphics card."""
_CHUNK_VOXELS = 64**3
_CHUNK_SIDE = 512
_SHARD_BYTES = 32 * 2**20


def level_shapes(shape: Triple) -> list[Triple]:
    """Shapes of all levels, the data first; each side is halved and rounded up."""
    shapes = [shape]
    while max(shapes[-1]) > COARSEST:
        z, y, x = shapes[-1]
        shapes.append((-(-z // 2), -(-y // 2), -(-x // 2)))
    return shapes


def factors(shape: Triple, level: int) -> Triple:
    """How many voxels of level 0 one voxel of `level` spans along z, y, x; a side of one voxel is not halved."""
    z, y, x = (min(2**level, _covering(side)) for side in shape)
    return (z, y, x)


def layout(shape: Triple, itemsize: int) -> tuple[Triple, Triple]:
    """Chunk and shard of level 0: chunks of 64³ voxels, shards of 32–64 MB, both flatter where there are few slices."""
    most = [_covering(side) for side in shape]
    chunk = [min(64, side) for side in most]
    _grow(chunk, [min(side, _CHUNK_SIDE) for side in most], _CHUNK_VOXELS)
    shard = list(chunk)
    _grow(shard, most, _SHARD_BYTES // itemsize)
    return (chunk[0], chunk[1], chunk[2]), (shard[0], shard[1], shard[2])


def slab_layout(shape: Triple, itemsize: int, most_bytes: int) -> tuple[Triple, Triple]:
    """Chunk and shard for work on slabs of whole slices: the tallest shard, up to 64 slices, whose slab fits.

    Its chunks are half as tall, so that a slab holds whole shards of the next level too.
    """
    fits = max(1, most_bytes // (shape[1] * shape[2] * itemsize))
    tall = min(64, _covering(shape[0]), _covering(fits + 1) // 2)
    chunk = layout((min(32, tall), *shape[1:]), itemsize)[0]
    shard = [tall, *chunk[1:]]
    most = [tall, _covering(shape[1]), _covering(shape[2])]
    _grow(shard, most, _SHARD_BYTES // itemsize)
    return chunk, (shard[0], shard[1], shard[2])


def _covering(side: int) -> int:
    """The smallest power of two that is not below `side`."""
    return 1 << (side - 1).bit_length()


def _grow(sides: list[int], most: list[int], voxels: int) -> None:
    """Double the shortest side (x before y before z) until the box holds `voxels` or is at its limits."""
    while np.prod(sides) < voxels:
        free = [axis for axis in (2, 1, 0) if sides[axis] < most[axis]]
        if not free:
            return
        sides[min(free, key=lambda axis: sides[axis])] *= 2


def shard_of_level(chunk: Triple, shard: Triple, level: int) -> Triple:
    """Level 0's shard halved `level` times, but never below one chunk."""
    z, y, x = (max(c, s >> level) for c, s in zip(chunk, shard, strict=True))
    return (z, y, x)


def halved(array: NDArray[Any], role: Role) -> NDArray[Any]:
    """The next coarser level, shape rounded up: mean of 2×2×2 (image, probability) or maximum (mask, labels).

    Voxels beyond an odd end do not count.
    """
    mean = role in ("image", "probability")
    if array.dtype.kind in "iu":
        from ._halving import halved_integers

        return halved_integers(array, mean)
    for axis in range(3):
        if array.shape[axis] > 1:
            array = _halved_along(array, axis, mean)
    return array


def _halved_along(array: NDArray[Any], axis: int, mean: bool) -> NDArray[Any]:
    first = array[(slice(None),) * axis + (slice(0, None, 2),)]
    second = array[(slice(None),) * axis + (slice(1, None, 2),)]
    result = first.copy()
    paired = result[(slice(None),) * axis + (slice(0, second.shape[axis]),)]
    if mean:
        paired += (second - paired) / 2
    else:
        np.maximum(paired, second, out=paired)
    return result
