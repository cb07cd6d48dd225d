"""Connected components of a mask that is larger than memory: label blocks, join their faces, look up.

Only one layer of blocks has its faces in memory, and one number per component of a block. The labels themselves are not
kept: labelling a block again gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import groupby, product
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from ..blocks import boxes, each
from ..errors import writing
from ..events import Progress, Work
from ..files import replacing
from ..volume import Box, Triple
from ._labelling import Labels, labelled

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
        labels, count = labelled(foreground, self.structure)
        result: Ids = self.of(box, count)[labels]
        return result

    def chosen(self, box: Box, foreground: NDArray[np.bool_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The voxels of a labelled block whose component is kept, given which are."""
        labels, count = labelled(foreground, self.structure)
        result: NDArray[np.bool_] = (kept[self.of(box, count)] & (np.arange(count + 1) > 0))[labels]
        return result

    def save(self, path: Path) -> None:
        """Write all of it to one file, which appears complete or not at all."""
        starts, before = np.array(list(self.first), np.int64).reshape(-1, 3), np.array(list(self.first.values()))
        rest = {name: getattr(self, name) for name in ("structure", "component", "sizes", "marked")}
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, side=self.side, starts=starts, before=before, **rest)

    @classmethod
    def load(cls, path: Path) -> Components:
        """Inverse of :meth:`save`."""
        with np.load(path, allow_pickle=False) as file:
            z, y, x = file["side"].tolist()
            first = {
                (a, b, c): before
                for (a, b, c), before in zip(file["starts"].tolist(), file["before"].tolist(), strict=True)
            }
            return cls((z, y, x), file["structure"], first, file["component"], file["sizes"], file["marked"])

    def of(self, box: Box, count: int) -> Ids:
        """By label within a block that has `count` of them: its component; of label 0 the background."""
        first = self.first[box.start]
        return np.concatenate([np.zeros(1, np.int64), self.component[first + 1 : first + count + 1]])


@lru_cache(1)
def stored(path: Path, written: int) -> Components:
    """Components of a file as it was `written` at that time (ns), read once by each process."""
    return Components.load(path)


@dataclass(frozen=True)
class _Block:
    """What is kept of one labelled block; its labels count from 1."""

    sizes: Ids
    """By label, without the background; so is `marked`."""
    marked: NDArray[np.bool_]
    faces: dict[tuple[int, int], Labels]
    """By axis and end (0, -1): the labels there."""


def _block(read: Read, structure: NDArray[np.bool_], box: Box) -> _Block:
    foreground, marks = read(box)
    labels, count = labelled(foreground, structure)
    marked = np.zeros(count + 1, bool)
    if marks is not None:
        marked[labels[marks]] = True
    sizes = np.bincount(labels[foreground], minlength=count + 1)[1:].astype(np.int64)
    faces = {(axis, at): np.moveaxis(labels, axis, 0)[at].copy() for axis, at in product(range(3), (0, -1))}
    return _Block(sizes, marked[1:], faces)


@dataclass
class _Pieces:
    """What is collected while blocks are labelled."""

    count: int = 0
    first: dict[Triple, int] = field(default_factory=dict)
    sizes: list[Ids] = field(default_factory=lambda: [np.zeros(1, np.int64)])
    marked: list[NDArray[np.bool_]] = field(default_factory=lambda: [np.zeros(1, bool)])
    pairs: list[Ids] = field(default_factory=list)

    def add(self, box: Box, block: _Block) -> None:
        """Take a block; the numbers of its pieces count on from those before."""
        self.first[box.start] = self.count
        self.sizes.append(block.sizes)
        self.marked.append(block.marked)
        self.count += len(block.sizes)

    def join(self, before: Ids, after: Ids, across: NDArray[np.bool_]) -> None:
        """Pair the pieces of two planes that touch; `across` (3×3) says at which shifts within the plane."""
        for shift in zip(*np.nonzero(across), strict=True):
            a, b = before, after
            for axis, by in enumerate(int(step) - 1 for step in shift):
                a, b = _shifted(a, b, axis, by)
            both = (a > 0) & (b > 0)
            if both.any():
                self.pairs.append(np.unique(np.stack([a[both], b[both]]), axis=1))


def find(
    shape: Triple,
    read: Read,
    *,
    side: Triple,
    structure: NDArray[np.bool_],
    what: str,
    executor: Executor | None = None,
) -> Work[Components]:
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
    executor
        Labels the blocks, several at a time; `read` must then be picklable, and small.
    """
    pieces = _Pieces()
    total = int(np.prod([-(-length // step) for length, step in zip(shape, side, strict=True)]))
    ending: Ids | None = None
    blocks = each(partial(_block, read, structure), boxes(shape, side), executor)
    for _, layer in groupby(blocks, key=lambda pair: pair[0].start[0]):
        faces = _Faces(shape, side)
        for box, block in layer:
            pieces.add(box, block)
            faces.keep(box, block, pieces.first[box.start])
            yield Progress(len(pieces.first), total, what)
        if ending is not None:
            pieces.join(ending, faces.begin, structure[2])
        for axis, before, after in faces.pairs():
            pieces.join(before, after, np.moveaxis(structure, axis, 0)[2])
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

    def keep(self, box: Box, block: _Block, first: int) -> None:
        """Take the faces of a block whose labels count on from `first`."""
        self.begin[box.slices[1:]] = _numbers(block.faces[0, 0], first)
        self.end[box.slices[1:]] = _numbers(block.faces[0, -1], first)
        for axis, at in product((1, 2), (0, -1)):
            position = box.start[axis] if at == 0 else box.stop[axis] - 1
            other = 3 - axis
            plane = self._planes.setdefault((axis, position), np.zeros((box.shape[0], self._shape[other]), np.int64))
            plane[:, box.slices[other]] = _numbers(block.faces[axis, at], first)

    def pairs(self) -> Iterator[tuple[int, Ids, Ids]]:
        for axis in (1, 2):
            for start in range(self._side[axis], self._shape[axis], self._side[axis]):
                yield axis, self._planes[axis, start - 1], self._planes[axis, start]


def _numbers(labels: Labels, first: int) -> Ids:
    return np.where(labels > 0, labels + np.int64(first), 0)


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
