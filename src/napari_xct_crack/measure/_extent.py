"""How far a body reaches: its length, and its shadow along the load. Both of a whole follow from those of its pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from ..settings import VoxelSize

Floats = NDArray[np.float64]
Points = NDArray[np.int64]

DIRECTIONS = 300
"""Directions in which a body's ends are looked for; the length is short by at most 0.5 %."""
_AT_ONCE = 20_000


def ends(places: Points, size: VoxelSize) -> Points:
    """The voxels of a body (positions, shape (n, 3)) that lie farthest out in some direction."""
    if len(places) <= 2:
        return places
    directions = _fibonacci(DIRECTIONS) * np.array(size)
    far: list[Points] = []
    for at in range(0, len(places), _AT_ONCE):
        some = places[at : at + _AT_ONCE]
        along = some @ directions.T
        far.append(some[np.unique(np.concatenate([along.argmax(axis=0), along.argmin(axis=0)]))])
    found = np.concatenate(far)
    return found if len(far) == 1 else ends(found, size)


def length(places: Points, size: VoxelSize) -> float:
    """The largest distance between voxels of a body (largest Feret diameter), with the extent of a voxel that way.

    `places` are positions or :func:`ends` of them, shape (n, 3).
    """
    sides = np.array(size)
    outer = ends(places, size)
    if len(outer) < 2:
        return float(sides.max())
    apart = pdist(outer * sides)
    i, j = np.unravel_index(int(squareform(apart).argmax()), (len(outer), len(outer)))
    along = (outer[i] - outer[j]) * sides
    return float(apart.max() + np.abs(along / np.linalg.norm(along)) @ sides)


class Shadow:
    """The projection of bodies along a direction, as cells of a plane across it."""

    def __init__(self, direction: tuple[float, float, float], size: VoxelSize) -> None:
        sides, along = np.array(size), np.abs(np.asarray(direction)) / np.linalg.norm(direction)
        across = [axis for axis in range(3) if along[axis] < 1e-9]
        if len(across) == 2:
            # Along an axis cells are faces of voxels, and the projection is exact.
            self._axes, self._cell = np.eye(3)[across], sides[across]
        else:
            unit = np.asarray(direction, float) / np.linalg.norm(direction)
            self._axes = np.linalg.svd(unit[None])[2][1:]
            self._cell = np.full(2, sides.min())
        self._sides = sides
        steps = (-0.25, 0.25)
        self._inner = np.array([(z, y, x) for z in steps for y in steps for x in steps])

    @property
    def cell(self) -> float:
        """Area of a cell."""
        return float(np.prod(self._cell))

    def cells(self, places: Points) -> Points:
        """Cells that the voxels of a body fall into, each once; shape (n,)."""
        found = np.zeros(0, np.int64)
        for inner in self._inner:
            at = (places + inner) * self._sides @ self._axes.T / self._cell
            whole = np.floor(at + 0.5).astype(np.int64)
            found = np.union1d(found, (whole[:, 0] << 32) + whole[:, 1])
        return found


def _fibonacci(count: int) -> Floats:
    """Directions spread evenly over half a sphere, shape (count, 3)."""
    at = np.arange(count) + 0.5
    height, turn = 1 - at / count, np.pi * (1 + 5**0.5) * at
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.sin(turn), radius * np.cos(turn)], axis=1)
