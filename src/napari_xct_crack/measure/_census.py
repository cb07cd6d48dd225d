"""What can be counted of every component in one pass over the blocks: voxels, box, moments; and its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..blocks import boxes
from ..components import Components, Read
from ..events import Progress, Work
from ..volume import Box, Triple

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Census:
    """One row per component, the largest first and of equal ones the one met first along z, y, x: row i has number i + 1.

    The order follows from the mask alone, so the same mask gets the same numbers however it is stored.
    """

    number: Ints
    """By component of :class:`Components`: its number, 0 for the background."""
    voxels: Ints
    start: Ints
    """First voxel of the bounding box, shape (n, 3)."""
    stop: Ints
    """One beyond its last voxel."""
    centre: Floats
    """Mean position in voxels, shape (n, 3)."""
    spread: Floats
    """Covariance of the positions in voxels², shape (n, 3, 3), without the extent of the voxels themselves."""

    def __len__(self) -> int:
        return len(self.voxels)

    def box(self, row: int) -> Box:
        """Bounding box of one component."""
        (a, b, c), (d, e, f) = self.start[row].tolist(), self.stop[row].tolist()
        return Box((a, b, c), (d, e, f))


class _Sums:
    """What is added up while blocks are seen; index 0 is the background."""

    def __init__(self, count: int, shape: Triple) -> None:
        self.voxels = np.zeros(count, np.int64)
        self.first = np.full(count, np.iinfo(np.int64).max)
        self.start = np.full((count, 3), np.iinfo(np.int64).max)
        self.stop = np.zeros((count, 3), np.int64)
        self.sums = np.zeros((count, 3))
        self.products = np.zeros((count, 3, 3))
        self._shape = shape
        # Counted from the middle of the volume, squares of positions stay small and their differences exact.
        self._middle = np.array(shape) // 2

    def add(self, box: Box, labels: Ints) -> None:
        places = np.argwhere(labels)
        if not len(places):
            return
        ids = labels[tuple(places.T)]
        places += box.start
        self.voxels += np.bincount(ids, minlength=len(self.voxels))
        np.minimum.at(self.first, ids, np.ravel_multi_index(tuple(places.T), self._shape))
        seen, rows = np.unique(ids, return_inverse=True)
        off = (places - self._middle).astype(np.float64)
        for axis in range(3):
            np.minimum.at(self.start[:, axis], ids, places[:, axis])
            np.maximum.at(self.stop[:, axis], ids, places[:, axis] + 1)
            self.sums[seen, axis] += np.bincount(rows, off[:, axis])
            for other in range(axis, 3):
                self.products[seen, axis, other] += np.bincount(rows, off[:, axis] * off[:, other])

    def census(self) -> Census:
        order = np.lexsort((self.first[1:], -self.voxels[1:])) + 1
        number = np.zeros(len(self.voxels), np.int64)
        number[order] = np.arange(1, len(number))
        voxels = self.voxels[order]
        mean = self.sums[order] / voxels[:, None]
        upper = self.products[order] / voxels[:, None, None] - mean[:, :, None] * mean[:, None, :]
        spread = np.triu(upper) + np.swapaxes(np.triu(upper, 1), 1, 2)
        return Census(number, voxels, self.start[order], self.stop[order], mean + self._middle, spread)


def census(shape: Triple, read: Read, components: Components) -> Work[Census]:
    """Number the components of a mask and take their moments, block by block.

    Parameters
    ----------
    shape, read
        As they were for :func:`napari_xct_crack.components.find`.
    components
        What that found.
    """
    sums = _Sums(len(components.sizes), shape)
    grid = list(boxes(shape, components.side))
    for done, box in enumerate(grid):
        sums.add(box, components.labels(box, read(box)[0]))
        yield Progress(done + 1, len(grid), "components counted")
    return sums.census()
