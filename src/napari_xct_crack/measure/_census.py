"""What can be counted of every component in one pass over the blocks: voxels, box, moments; and its number."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..blocks import boxes, each
from ..components import Components, Read
from ..components._labelling import labelled
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


@dataclass(frozen=True)
class _Tally:
    """What is counted in one block, a row for each of its labels; positions in voxels of the volume."""

    voxels: Ints
    first: Ints
    """Place, in the whole volume's order, of the voxel that is met first."""
    start: Ints
    stop: Ints
    sums: Floats
    """Of the positions off the middle of the volume: their squares stay small there, and differences exact."""
    products: Floats
    """Of the positions along two axes, the second not before the first; shape (n, 3, 3)."""


def _tally(read: Read, structure: NDArray[np.bool_], shape: Triple, box: Box) -> _Tally:
    labels, count = labelled(read(box)[0], structure)
    places = np.argwhere(labels)
    ids = labels[tuple(places.T)] - 1
    places += box.start
    _, firsts = np.unique(ids, return_index=True)
    found = [[(side.start, side.stop) for side in place] for place in ndimage.find_objects(labels)]
    ends = np.array(found, np.int64).reshape(count, 3, 2) + np.array(box.start)[:, None]
    off = (places - np.array(shape) // 2).astype(np.float64)
    sums, products = np.zeros((count, 3)), np.zeros((count, 3, 3))
    for axis in range(3):
        sums[:, axis] = np.bincount(ids, off[:, axis], minlength=count)
        for other in range(axis, 3):
            products[:, axis, other] = np.bincount(ids, off[:, axis] * off[:, other], minlength=count)
    return _Tally(
        np.bincount(ids, minlength=count),
        np.ravel_multi_index(tuple(places[firsts].T), shape),
        ends[:, :, 0],
        ends[:, :, 1],
        sums,
        products,
    )


class _Sums:
    """The tallies of all blocks added up by component; index 0 is the background."""

    def __init__(self, count: int, shape: Triple) -> None:
        self.voxels = np.zeros(count, np.int64)
        self.first = np.full(count, np.iinfo(np.int64).max)
        self.start = np.full((count, 3), np.iinfo(np.int64).max)
        self.stop = np.zeros((count, 3), np.int64)
        self.sums = np.zeros((count, 3))
        self.products = np.zeros((count, 3, 3))
        self._middle = np.array(shape) // 2

    def add(self, ids: Ints, tally: _Tally) -> None:
        """Take a block whose labels are parts of these components."""
        np.add.at(self.voxels, ids, tally.voxels)
        np.minimum.at(self.first, ids, tally.first)
        np.minimum.at(self.start, ids, tally.start)
        np.maximum.at(self.stop, ids, tally.stop)
        np.add.at(self.sums, ids, tally.sums)
        np.add.at(self.products, ids, tally.products)

    def census(self) -> Census:
        order = np.lexsort((self.first[1:], -self.voxels[1:])) + 1
        number = np.zeros(len(self.voxels), np.int64)
        number[order] = np.arange(1, len(number))
        voxels = self.voxels[order]
        mean = self.sums[order] / voxels[:, None]
        upper = self.products[order] / voxels[:, None, None] - mean[:, :, None] * mean[:, None, :]
        spread = np.triu(upper) + np.swapaxes(np.triu(upper, 1), 1, 2)
        return Census(number, voxels, self.start[order], self.stop[order], mean + self._middle, spread)


def census(shape: Triple, read: Read, components: Components, executor: Executor | None = None) -> Work[Census]:
    """Number the components of a mask and take their moments, block by block.

    Parameters
    ----------
    shape, read
        As they were for :func:`napari_xct_crack.components.find`.
    components
        What that found.
    executor
        Counts the blocks, several at a time; `read` must then be picklable, and small.
    """
    sums = _Sums(len(components.sizes), shape)
    grid = list(boxes(shape, components.side))
    counts = each(partial(_tally, read, components.structure, shape), grid, executor)
    for done, (box, tally) in enumerate(counts, start=1):
        sums.add(components.of(box, len(tally.voxels))[1:], tally)
        yield Progress(done, len(grid), "components counted")
    return sums.census()
