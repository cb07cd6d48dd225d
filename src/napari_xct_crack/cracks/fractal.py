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
    height: float
    width: float


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
    warp: float = Field(
        1.0, ge=0, le=1, description="Share of the patches that are warped; half of them are turned too."
    )
    lean: float = Field(
        0.4,
        ge=0,
        le=5,
        description="Standard deviation of the shift from slice to slice, in voxels.",
        json_schema_extra={"advanced": True},
    )

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
    """A tree of 2**depth − 1 bars on the canvas.

    Parameters
    ----------
    depth
        Levels of bars.
    thickness
        Factor on the published thicknesses; places and lengths stay.
    """
    found: list[Bar] = []

    def grow(top: float, left: float, length: int, across: int, level: int) -> None:
        lying = level % 2 == 0
        # one that would begin before the canvas is pushed in, one that would end behind it is cut
        top, left = max(0.0, top), max(0.0, left)
        thick = across * thickness
        found.append(Bar(top, left, thick, length) if lying else Bar(top, left, length, thick))
        if level + 1 == depth:
            return
        for second in (False, True):
            child, slim = _draw(rng, length // 4, 3 * length // 4), _draw(rng, across // 4, 3 * across // 4)
            offset = length / 3 if lying and not second else _draw(rng, 1, 5 * length // 6)
            if lying:
                grow(top if second else top - child, left + offset, child, slim, level + 1)
            else:
                grow(top + offset, left + thick if second else left - child, child, slim, level + 1)

    grow(_draw(rng, 10, 249), _draw(rng, 2, 79), _draw(rng, 350, 449), _draw(rng, 15, 19), 0)
    return found


def _draw(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from low to high, and at least 1."""
    return int(rng.integers(max(1, low), max(1, low, high) + 1))


def _fill(
    coverage: NDArray[np.float32], target: NDArray[np.bool_], bar: Bar, scale: float, start: NDArray[np.float64]
) -> None:
    """Add a bar to a slice: its exact share of each voxel, and its middle line where it is thick enough."""
    (top, bottom), (left, right) = (
        (start[axis] + scale * bar[axis], start[axis] + scale * min(bar[axis] + bar[axis + 2], CANVAS))
        for axis in (0, 1)
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
        across = 0 if bar.height < bar.width else 1
        ends[:, across] = ends[:, across].mean()
        ends[1, 1 - across] -= 1
        _line(target, *(int(value) for value in np.floor(ends).ravel()))
