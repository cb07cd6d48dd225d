"""Cleaning as a few passes over a volume: each can compute any box, the global ones after having seen all of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..components import Components, find, stored
from ..errors import InputError
from ..events import Work
from ..volume import Box, Triple
from ._bridge import bridged
from ._morphology import Mask, Radii, closed, dilated, eroded, opened

Read = Callable[[Box], NDArray[Any]]
OnBox = Callable[[Box], Mask]
Action = Literal["closing", "bridging", "opening", "erosion", "dilation"]
_ACTIONS = {"closing": closed, "opening": opened, "erosion": eroded, "dilation": dilated}
_REACHES = {"closing": 2, "bridging": 3, "opening": 2, "erosion": 1, "dilation": 1}
"""How many of its radii a voxel's result looks around."""


def above(values: NDArray[Any], threshold: float) -> Mask:
    """Where the probability reaches a threshold; a boolean mask stays as it is.

    Raises
    ------
    InputError
        If the type is no probability.
    """
    if values.dtype.kind == "b":
        return values
    if values.dtype == np.uint8:
        result: Mask = (np.arange(256) / 255 >= threshold)[values]
        return result
    if values.dtype.kind == "f":
        return np.asarray(values >= threshold)
    raise InputError(
        f"A probability is uint8 (p = v / 255) or a float from 0 to 1; these values are of type {values.dtype}."
    )


@dataclass(frozen=True)
class Step:
    """A step whose result at a voxel depends on its surroundings only."""

    action: Action
    radii: Radii
    angle: float = 0.0
    """Of bridging, in degrees."""

    @property
    def halo(self) -> Triple:
        """How far the surroundings reach."""
        z, y, x = (_REACHES[self.action] * int(radius) for radius in self.radii)
        return (z, y, x)

    def __call__(self, mask: Mask) -> Mask:
        if self.action == "bridging":
            return bridged(mask, self.radii, self.angle)
        return _ACTIONS[self.action](mask, self.radii)


@dataclass(frozen=True)
class Local:
    """Steps on the surroundings of each voxel, one after the other."""

    threshold: float
    steps: tuple[Step, ...] = ()

    @property
    def halo(self) -> Triple:
        """How far they look around."""
        z, y, x = (sum(step.halo[axis] for step in self.steps) for axis in range(3))
        return (z, y, x)

    def begin(
        self, shape: Triple, read: Read, side: Triple, kept: Path | None = None, executor: Executor | None = None
    ) -> Work[OnBox]:
        """Nothing comes first."""
        return partial(self.on_box, shape, read)
        yield

    def on_box(self, shape: Triple, read: Read, box: Box) -> Mask:
        """The steps in one box of a volume of that shape."""
        around = box.grown(self.halo).intersection(Box.of(shape))
        mask = above(read(around), self.threshold)
        for step in self.steps:
            mask = step(mask)
        z, y, x = around.start
        return mask[box.shifted((-z, -y, -x)).slices]


@dataclass(frozen=True)
class Global:
    """A step that decides on whole components."""

    what: str
    structure: Mask
    split: Callable[[NDArray[Any], Box, Triple], tuple[Mask, Mask | None]]
    """What is labelled, and which voxels mark their component."""
    keeps: Callable[[Components], NDArray[np.bool_]]
    background: bool = False
    """Whether the background is labelled; what is not kept of it joins the mask."""

    def begin(
        self, shape: Triple, read: Read, side: Triple, kept: Path | None = None, executor: Executor | None = None
    ) -> Work[OnBox]:
        """Find the components, block by block; where `kept` names a file they are stored there and found once only."""
        divided = partial(self.divided, shape, read)
        if kept is None:
            found = yield from find(shape, divided, side=side, structure=self.structure, what=self.what)
            return lambda box: self.on_box(divided, found, box)
        if not kept.exists():
            found = yield from find(
                shape, divided, side=side, structure=self.structure, what=self.what, executor=executor
            )
            found.save(kept)
        return partial(self.on_stored, divided, kept, kept.stat().st_mtime_ns)

    def divided(self, shape: Triple, read: Read, box: Box) -> tuple[Mask, Mask | None]:
        """What is labelled in a box, and what marks."""
        return self.split(read(box), box, shape)

    def on_box(self, divided: Callable[[Box], tuple[Mask, Mask | None]], found: Components, box: Box) -> Mask:
        """The mask of one box, once all components are known."""
        chosen = found.chosen(box, divided(box)[0], self.keeps(found))
        return ~chosen if self.background else chosen

    def on_stored(self, divided: Callable[[Box], tuple[Mask, Mask | None]], path: Path, written: int, box: Box) -> Mask:
        """The same with the components of a file, which a process reads once."""
        return self.on_box(divided, stored(path, written), box)


def at_border(box: Box, shape: Triple, axes: tuple[int, ...]) -> Mask:
    """Voxels of a box that lie at an end of the volume along one of these axes; a single slice has no ends."""
    border = np.zeros(box.shape, bool)
    for axis in (axis for axis in axes if shape[axis] > 1):
        ends = np.arange(box.start[axis], box.stop[axis])
        at = (ends == 0) | (ends == shape[axis] - 1)
        border |= at.reshape([-1 if other == axis else 1 for other in range(3)])
    return border
