"""A small picture of a whole volume, whatever its size: from a coarse level, else from some of its slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..volume import LazyArray, Triple, Volume

PLANES = 128
SIDE = 256
READ_VOXELS = 2**25
"""A level up to this size is read whole."""
DECODED_BYTES = 2**32
"""Of a larger one so many bytes are decoded at most, but never fewer than `FEWEST` slices."""
FEWEST = 9


@dataclass(frozen=True)
class Coarse:
    """Mean grey values of the cells of a regular grid over level 0.

    Parameters
    ----------
    grey
        Shape (z, y, x), float32; not finite voxels count as 0.
    factor
        Voxels of level 0 in a cell, along z, y, x.
    outside
        Cells in which every voxel has the lowest value: outside the field of view, if there are many of them.
    complete
        Whether a whole level was read, not only some slices of a large one.
    """

    grey: NDArray[np.float32]
    factor: Triple
    outside: NDArray[np.bool_]
    complete: bool


def coarse(volume: Volume) -> Coarse:
    """Average the slices of a level in their plane; every n-th slice stands for its neighbours."""
    level: Any = next((one for one in volume.levels if _voxels(one) <= READ_VOXELS), volume.levels[-1])
    complete = _voxels(level) <= READ_VOXELS
    most = (PLANES if complete else _affordable(level), SIDE, SIDE)
    if complete:
        level = np.asarray(level[:, :, :])
    dz, dy, dx = (_step(side, cells) for side, cells in zip(level.shape, most, strict=True))
    means, tops, lowest = [], [], np.inf
    for z in range(dz // 2, level.shape[0] + dz // 2, dz):
        at = min(z, level.shape[0] - 1)
        plane = np.nan_to_num(np.asarray(level[at : at + 1])[0].astype(np.float32, copy=False))
        means.append(_reduced(plane, dy, dx, np.add) / np.float32(dy * dx))
        tops.append(_reduced(plane, dy, dx, np.maximum))
        lowest = min(lowest, float(plane.min()))
    grey = np.stack(means)
    z, y, x = (-(-side // cells) for side, cells in zip(volume.levels[0].shape, grey.shape, strict=True))
    return Coarse(grey, (z, y, x), np.stack(tops) == lowest, complete)


def _voxels(level: LazyArray) -> int:
    return int(np.prod(level.shape, dtype=np.int64))


def _affordable(level: LazyArray) -> int:
    """How many slices may be read: one costs all the chunks it passes through."""
    depth = min(getattr(level, "chunks", (1,))[0], level.shape[0])
    slice_bytes = depth * level.shape[1] * level.shape[2] * level.dtype.itemsize
    return int(np.clip(DECODED_BYTES // slice_bytes, FEWEST, PLANES))


def _step(side: int, most: int) -> int:
    """The smallest step that makes as few cells as the step which keeps to `most`."""
    cells = -(-side // -(-side // most))
    return -(-side // cells)


def _reduced(plane: NDArray[np.float32], dy: int, dx: int, how: np.ufunc) -> NDArray[np.float32]:
    """Combine the voxels of each cell; cells that the plane does not fill repeat its last voxels."""
    missing = [(0, -plane.shape[0] % dy), (0, -plane.shape[1] % dx)]
    whole = np.pad(plane, missing, mode="edge")
    result: NDArray[np.float32] = whole[::dy, ::dx].copy()
    for place in range(1, dy * dx):
        how(result, whole[place // dx :: dy, place % dx :: dx], out=result)
    return result
