"""Connected components of a mask that is larger than memory: label blocks, join their faces, look up.

Only one layer of blocks has its faces in memory, and one number per component of a block. The labels themselves are not
kept: labelling a block again gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from .blocks import boxes
from .events import Progress, Work
from .volume import Box, Triple

Dimensions = Literal["3d", "2d"]
Ids = NDArray[np.int64]
Read = Callable[[Box], tuple[NDArray[np.bool_], NDArray[np.bool_] | None]]
"""The foreground of a box, and within it the voxels that mark their component (or none)."""


def neighbours(dimensions: Dimensions, diagonal: bool) -> NDArray[np.bool_]:
    """Which voxels of the 3×3×3 around a voxel touch it: 26 or 6 in 3-D, 8 or 4 of its own slice in 2-D."""
    structure = ndimage.generate_binary_structure(3, 3 if diagonal else 1)
    if dimensions == "2d":
        structure[[0, 2]] = False
    return np.asarray(structure, bool)


@dataclass(frozen=True)
class Components:
    """What is known of every component; component 0 is the background."""

    side: Triple
    """Shape of the blocks that were labelled."""
    structure: NDArray[np.bool_]
    first: dict[Triple, int]
    """By a block's start: what to add to its own labels to get its pieces' numbers."""
    component: Ids
    """By piece (piece 0 is the background): its component."""
    sizes: Ids
    """By component: number of voxels."""
    marked: NDArray[np.bool_]
    """By component: whether any of its voxels was marked."""

    def labels(self, box: Box, foreground: NDArray[np.bool_]) -> Ids:
        """Component of every voxel of one of the labelled blocks, given that block's foreground again."""
        labels = _labelled(foreground, self.structure)[0]
        numbers = self.component[self.first[box.start] :]
        own: Ids = np.concatenate([[0], numbers[1 : labels.max() + 1]])[labels]
        return own


@dataclass
class _Pieces:
    """What is collected while blocks are labelled."""

    count: int = 0
    first: dict[Triple, int] = field(default_factory=dict)
    sizes: list[Ids] = field(default_factory=lambda: [np.zeros(1, np.int64)])
    marked: list[NDArray[np.bool_]] = field(default_factory=lambda: [np.zeros(1, bool)])
    pairs: list[Ids] = field(default_factory=list)

    def add(self, box: Box, foreground: NDArray[np.bool_], marks: NDArray[np.bool_] | None, structure: Any) -> Ids:
        """Label a block; returns its pieces' numbers."""
        labels, count = _labelled(foreground, structure)
        marked = np.zeros(count + 1, bool)
        if marks is not None:
            marked[labels[marks]] = True
        self.first[box.start] = self.count
        self.sizes.append(np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.int64))
        self.marked.append(marked[1:])
        numbers: Ids = np.where(labels > 0, labels + np.int64(self.count), 0)
        self.count += count
        return numbers

    def join(self, before: Ids, after: Ids, across: NDArray[np.bool_]) -> None:
        """Pair the pieces of two planes that touch; `across` (3×3) says at which shifts within the plane."""
        for shift in zip(*np.nonzero(across), strict=True):
            a, b = before, after
            for axis, by in enumerate(int(step) - 1 for step in shift):
                a, b = _shifted(a, b, axis, by)
            both = (a > 0) & (b > 0)
            if both.any():
                self.pairs.append(np.unique(np.stack([a[both], b[both]]), axis=1))


def find(shape: Triple, read: Read, *, side: Triple, structure: NDArray[np.bool_], what: str) -> Work[Components]:
    """Label a mask block by block and join what touches across the blocks' faces.

    Parameters
    ----------
    shape
        Of the whole mask.
    read
        Gives one block.
    side
        Shape of the blocks; any gives the same components.
    structure
        From :func:`neighbours`.
    what
        Named in the progress events.
    """
    pieces = _Pieces()
    total = int(np.prod([-(-length // step) for length, step in zip(shape, side, strict=True)]))
    ending: Ids | None = None
    for _, layer in groupby(boxes(shape, side), key=lambda box: box.start[0]):
        faces = _Faces(shape, side)
        for box in layer:
            foreground, marks = read(box)
            faces.keep(box, pieces.add(box, foreground, marks, structure))
            yield Progress(len(pieces.first), total, what)
        if ending is not None:
            pieces.join(ending, faces.begin, structure.take(2, axis=0))
        for axis, before, after in faces.pairs():
            pieces.join(before, after, structure.take(2, axis=axis))
        ending = faces.end
    return _joined(pieces, side, structure)


class _Faces:
    """The faces of one layer of blocks, put together to planes through the whole mask.

    A pair that touches diagonally across two faces at once is found within one of these planes.
    """

    def __init__(self, shape: Triple, side: Triple) -> None:
        self._side, self._shape = side, shape
        self.begin = np.zeros(shape[1:], np.int64)
        self.end = np.zeros(shape[1:], np.int64)
        self._planes: dict[tuple[int, int], Ids] = {}

    def keep(self, box: Box, numbers: Ids) -> None:
        self.begin[box.slices[1:]] = numbers[0]
        self.end[box.slices[1:]] = numbers[-1]
        for axis, at in product((1, 2), (0, -1)):
            position = box.start[axis] if at == 0 else box.stop[axis] - 1
            other = 3 - axis
            plane = self._planes.setdefault(
                (axis, position), np.zeros((numbers.shape[0], self._shape[other]), np.int64)
            )
            plane[:, box.slices[other]] = numbers.take(at, axis=axis)

    def pairs(self) -> Iterator[tuple[int, Ids, Ids]]:
        for axis in (1, 2):
            for start in range(self._side[axis], self._shape[axis], self._side[axis]):
                yield axis, self._planes[axis, start - 1], self._planes[axis, start]


def _labelled(foreground: NDArray[np.bool_], structure: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    labels = np.zeros(foreground.shape, np.int32)
    count = int(ndimage.label(foreground, structure, output=labels)) if foreground.any() else 0
    return labels, count


def _shifted(a: Ids, b: Ids, axis: int, by: int) -> tuple[Ids, Ids]:
    """The parts of two planes where a voxel of `b` lies `by` further along `axis` than one of `a`."""
    length = a.shape[axis]
    here, there = range(max(0, -by), length - max(0, by)), range(max(0, by), length - max(0, -by))
    return a.take(here, axis=axis), b.take(there, axis=axis)


def _joined(pieces: _Pieces, side: Triple, structure: NDArray[np.bool_]) -> Components:
    pairs = np.concatenate(pieces.pairs, axis=1) if pieces.pairs else np.zeros((2, 0), np.int64)
    nodes = pieces.count + 1
    graph = sparse.coo_array((np.ones(pairs.shape[1], np.int8), (pairs[0], pairs[1])), shape=(nodes, nodes))
    count, component = sparse.csgraph.connected_components(graph, directed=False)
    sizes = np.zeros(count, np.int64)
    np.add.at(sizes, component, np.concatenate(pieces.sizes))
    marked = np.zeros(count, bool)
    np.logical_or.at(marked, component, np.concatenate(pieces.marked))
    return Components(side, structure, pieces.first, component.astype(np.int64), sizes, marked)
