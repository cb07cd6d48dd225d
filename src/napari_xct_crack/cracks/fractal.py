"""CGM1, fractal trees: bars that spawn perpendicular bars, warped."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import SettingsError
from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._augment import warped
from ._fields import Lean, Warp
from ._polyline import LINE_FROM, _line

CANVAS = 512
"""Side of the canvas on which trees are defined."""
TRUNK = 17.0
"""Mean thickness of a trunk on that canvas."""
_SMALLEST = 16.0


class Bar(NamedTuple):
    """An upright rectangle on the canvas."""

    top: float
    left: float
    length: int
    thickness: float
    lying: bool

    @property
    def height(self) -> float:
        return self.thickness if self.lying else self.length

    @property
    def width(self) -> float:
        return self.length if self.lying else self.thickness


class FractalCracks(CrackGenerator):
    """Trees of perpendicular bars, warped and turned, as they were published for blood vessels.

    A patch smaller than the canvas is cut from it at random, a larger one is covered by several trees.
    In a stack of slices the tree is shifted from slice to slice, as a leaning sheet would be.

    References
    ----------
    .. [1] Y. Ma et al., "Self-Supervised Vessel Segmentation via Adversarial Learning", ICCV 2021.
    """

    kind: Literal["fractal"] = "fractal"
    depth: tuple[int, int] = Field((3, 4), description="Fewest and most levels of a tree; 3 are 7 bars, 4 are 15.")
    thickness: Length = Field(
        Length(8.5), description="Mean thickness of the trunks; the published one is 17 on a canvas of 512."
    )
    canvas: Length = Field(Length(256), description="Side of the square that holds a tree.")
    warp: Warp = 1.0
    lean: Lean = 0.4

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        side = self.canvas.voxels(voxel_size)[1]
        if side < _SMALLEST:
            raise SettingsError(f"Setting canvas is {side:.3g} voxels; a tree needs at least {_SMALLEST:.0f}.")
        scale = side / CANVAS
        thickness = self.thickness.voxels(voxel_size)[1] / (TRUNK * scale)
        drawn = Drawn(np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
        trees = [max(1, int(np.ceil(length / side))) for length in shape[1:]]
        corner = [-rng.uniform(0, count * side - length) for count, length in zip(trees, shape[1:], strict=True)]
        lean = rng.normal(0, self.lean, 2)
        for number in np.ndindex(*trees):
            tree = bars(rng, int(rng.integers(self.depth[0], max(self.depth) + 1)), thickness)
            for z in range(shape[0]):
                start = np.asarray(corner) + np.asarray(number) * side + lean * (z - shape[0] // 2)
                for bar in tree:
                    _fill(drawn.coverage[z], drawn.target[z], bar, scale, start)
        return warped(drawn, rng) if rng.random() < self.warp else drawn


def bars(rng: np.random.Generator, depth: int, thickness: float = 1.0) -> list[Bar]:
    """A tree of 2**depth − 1 bars on the canvas, level by level.

    Parameters
    ----------
    depth
        Levels of bars.
    thickness
        Factor on the published thicknesses; places and lengths stay.
    """
    top, left = _draw(rng, 10, 249), _draw(rng, 2, 79)
    level = [Bar(top, left, thickness=_draw(rng, 15, 19), length=_draw(rng, 350, 449), lying=True)]
    tree = list(level)
    for _ in range(depth - 1):
        level = [child for parent in level for child in _pair(parent, rng)]
        tree += level
    return [bar._replace(thickness=bar.thickness * thickness) for bar in tree]


def _pair(parent: Bar, rng: np.random.Generator) -> tuple[Bar, Bar]:
    """Two perpendicular bars that start from a parent, one towards the canvas' origin and one away from it."""
    pair = []
    for backward in (True, False):
        length = _draw(rng, parent.length // 4, 3 * parent.length // 4)
        thickness = _draw(rng, int(parent.thickness) // 4, 3 * int(parent.thickness) // 4)
        third = parent.lying and backward
        along = parent.length / 3 if third else _draw(rng, 1, 5 * parent.length // 6)
        across = -length if backward else 0
        top, left = (across, along) if parent.lying else (along, across)
        # what would start before the canvas starts at its edge, so that its coverage is the published one
        pair.append(Bar(max(0.0, parent.top + top), max(0.0, parent.left + left), length, thickness, not parent.lying))
    return pair[0], pair[1]


def _draw(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from low to high, and at least 1."""
    return int(rng.integers(max(1, low), max(1, low, high) + 1))


def _fill(
    coverage: NDArray[np.float32], target: NDArray[np.bool_], bar: Bar, scale: float, start: NDArray[np.float64]
) -> None:
    """Add a bar to a slice: its exact share of each voxel, and its middle line where it is thick enough."""
    (top, bottom), (left, right) = (
        (start[axis] + scale * first, start[axis] + scale * min(first + extent, CANVAS))
        for axis, (first, extent) in enumerate(((bar.top, bar.height), (bar.left, bar.width)))
    )
    shares, places = [], []
    for low, high, length in ((top, bottom, coverage.shape[0]), (left, right, coverage.shape[1])):
        first, last = max(0, int(np.floor(low))), min(length, int(np.ceil(high)))
        voxel = np.arange(first, max(first, last))
        shares.append(np.clip(np.minimum(voxel + 1, high) - np.maximum(voxel, low), 0, 1))
        places.append(slice(first, max(first, last)))
    box = (places[0], places[1])
    np.maximum(coverage[box], shares[0][:, None] * shares[1][None, :], out=coverage[box], casting="same_kind")
    target[box] |= coverage[box] >= 0.5
    if min(bottom - top, right - left) >= LINE_FROM:
        ends = np.array([[top, left], [bottom, right]])
        across = 0 if bar.lying else 1
        ends[:, across] = ends[:, across].mean()
        ends[1, 1 - across] -= 1
        _line(target, *(int(value) for value in np.floor(ends).ravel()))
