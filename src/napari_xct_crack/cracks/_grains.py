"""Cracks along the boundaries of a Voronoi grain structure.

A plane parts the grains into those whose seeds lie above it and those below; the crack is the boundary between the two.
Along the plane's normal the seeds of the grains that a line meets rise one after the other, so the line meets that
boundary once: it is the graph of a function over the plane, without holes or islands, and a front cuts one piece from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ._carved import Carved
from ._polyline import LINE_FROM
from ._specks import sweep
from ._surface import _front_factor, frame

PERIOD = 16
"""Grains along each axis after which the structure repeats."""
_JITTER = 0.9
"""Seeds lie anywhere in the middle 90 % of their cell along each axis."""
_HIGHEST = np.sqrt(3) * (0.5 + _JITTER / 2)
"""No point is farther from its nearest seed, in cells, so the boundary leaves the plane by no more."""
_LOWEST = 0.5
"""A boundary that leaves its plane by less than this, in voxels, is taken for the plane."""
_CELLS = 1.0
"""How much of a cell a block may span, for more seeds can be nearest in a larger one."""
_BLOCK = 8
"""Largest side of the blocks that share their candidates for the nearest seed, voxels."""


@dataclass(frozen=True)
class Grains:
    """A Voronoi structure: one seed in each cell of a grid."""

    seeds: NDArray[np.float64]
    """Places in their cells, 0..1, shape (PERIOD, PERIOD, PERIOD, 3)."""
    cell: tuple[float, float, float]
    """Sides of a cell in voxels along z, y, x: the mean size of a grain."""


@dataclass(frozen=True)
class GrainCrack:
    """One crack along the boundaries near a plane; lengths in voxels."""

    centre: tuple[float, float, float]
    normal: tuple[float, float, float]
    radius: float
    aperture: float
    """Opening at the centre."""
    blunting: float
    """Exponent β of the aperture law w0·(1 − ρ²)^β."""
    front: tuple[float, ...]
    """Amplitudes and phases of the front's harmonics 2, 3, 4, … in turn."""
    straight: float = 0.0
    """How much the boundary is drawn into the plane: 0 not at all, 1 into a plane across the grains."""


def grown(rng: np.random.Generator, cell: tuple[float, float, float]) -> Grains:
    """A random structure."""
    return Grains((1 - _JITTER) / 2 + _JITTER * rng.random((PERIOD, PERIOD, PERIOD, 3)), cell)


def crack_grains(crack: GrainCrack, grains: Grains, volume: Carved, number: int) -> None:
    """Add one crack to a volume in place, as :func:`~napari_xct_crack.cracks._surface.carve` adds a sheet.

    The centre line is marked where the boundary passes between a voxel and any of its six neighbours and is nearer to
    the voxel, so that the target of a whole crack is one object in three dimensions.
    """
    cell, centre = np.asarray(grains.cell), np.asarray(crack.centre)
    axes = frame(crack.normal)
    up = axes[0] * cell / np.linalg.norm(axes[0] * cell)
    # from voxels to cells, with heights over the plane stretched: that presses the boundary into the plane
    flat = 1 - crack.straight
    height = flat * _HIGHEST * float(up @ (cell * up))
    plane = height < _LOWEST
    into = (np.eye(3) + (0 if plane else 1 / flat - 1) * np.outer(up, up)) / cell
    rate, reach = float(np.linalg.norm(into, 2)), max(1.0, crack.aperture / 2 + 0.5)
    _crack(
        np.stack([centre / cell + up, centre / cell - up]) if plane else np.empty((0, 3)),
        grains.seeds,
        (up, into, np.vstack([axes, cell * up / (axes[0] @ (cell * up))]), centre / cell, centre),
        (crack.radius, crack.aperture, crack.blunting, rate, reach, reach + (0 if plane else height)),
        np.asarray(crack.front, dtype=np.float64),
        (volume.coverage, volume.target, volume.aperture, volume.ids),
        number,
        int(np.clip(_CELLS / rate, 2, _BLOCK)),
    )


@njit(cache=True, fastmath=True, nogil=True)
def _at(space, pz, py, px):  # type: ignore[no-untyped-def]
    """A point relative to the centre, from voxels to stretched cells."""
    into, middle = space[1], space[3]
    return (
        middle[0] + into[0, 0] * pz + into[0, 1] * py + into[0, 2] * px,
        middle[1] + into[1, 0] * pz + into[1, 1] * py + into[1, 2] * px,
        middle[2] + into[2, 0] * pz + into[2, 1] * py + into[2, 2] * px,
    )


@njit(cache=True, fastmath=True, nogil=True)
def _gather(seeds, space, q, extent, radius, near, found):  # type: ignore[no-untyped-def]
    """The seeds that can be nearest, above or below the plane, to a point of a block about `q`.

    Returns their numbers; none where the boundary stays farther than `near` from all of the block.
    """
    up, middle = space[0], space[3]
    level = middle[0] * up[0] + middle[1] * up[1] + middle[2] * up[2]
    total = 0
    best = [1e9, 1e9]
    for i in range(int(np.floor(q[0] - extent[0])), int(np.floor(q[0] + extent[0])) + 1):
        for j in range(int(np.floor(q[1] - extent[1])), int(np.floor(q[1] + extent[1])) + 1):
            for k in range(int(np.floor(q[2] - extent[2])), int(np.floor(q[2] + extent[2])) + 1):
                m, n, o = i & (PERIOD - 1), j & (PERIOD - 1), k & (PERIOD - 1)
                s0, s1, s2 = i + seeds[m, n, o, 0], j + seeds[m, n, o, 1], k + seeds[m, n, o, 2]
                distance = np.sqrt((q[0] - s0) ** 2 + (q[1] - s1) ** 2 + (q[2] - s2) ** 2)
                side = 0 if s0 * up[0] + s1 * up[1] + s2 * up[2] > level else 1
                if distance < best[side] + 2 * radius and total < len(found):
                    best[side] = min(best[side], distance)
                    found[total, 0], found[total, 1], found[total, 2], found[total, 3] = s0, s1, s2, distance
                    found[total, 4] = side
                    total += 1
    if abs(best[0] - best[1]) > 2 * radius + near:
        return 0
    kept = 0
    for number in range(total):
        if found[number, 3] <= best[int(found[number, 4])] + 2 * radius:
            found[kept] = found[number]
            kept += 1
    return kept


@njit(cache=True, fastmath=True, nogil=True)
def _nearest(found, total, q):  # type: ignore[no-untyped-def]
    """By how much, in cells, the nearest seed above the plane is nearer than that below, and the numbers of the two."""
    above, below, a, b = 1e9, 1e9, 0, 0
    for number in range(total):
        square = (q[0] - found[number, 0]) ** 2 + (q[1] - found[number, 1]) ** 2 + (q[2] - found[number, 2]) ** 2
        if found[number, 4] < 0.5:
            if square < above:
                above, a = square, number
        elif square < below:
            below, b = square, number
    return np.sqrt(below) - np.sqrt(above), a, b


@njit(cache=True, fastmath=True, nogil=True)
def _crosses(found, total, into, q, here):  # type: ignore[no-untyped-def]
    """Whether the boundary passes between a voxel and one of its six neighbours, and nearer to the voxel."""
    for axis in range(3):
        for step in (-1.0, 1.0):
            beside = (q[0] + step * into[0, axis], q[1] + step * into[1, axis], q[2] + step * into[2, axis])
            there = _nearest(found, total, beside)[0]
            if here * there <= 0 and abs(here) <= abs(there):
                return True
    return False


@njit(cache=True, fastmath=True, nogil=True)
def _foot(q, a, b, into):  # type: ignore[no-untyped-def]
    """Distance, in voxels, to the plane half-way between two seeds, and the plane's unit normal over z, y, x."""
    d0, d1, d2 = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    gap = d0 * (q[0] - (a[0] + b[0]) / 2) + d1 * (q[1] - (a[1] + b[1]) / 2) + d2 * (q[2] - (a[2] + b[2]) / 2)
    nz = d0 * into[0, 0] + d1 * into[1, 0] + d2 * into[2, 0]
    ny = d0 * into[0, 1] + d1 * into[1, 1] + d2 * into[2, 1]
    nx = d0 * into[0, 2] + d1 * into[1, 2] + d2 * into[2, 2]
    steep = np.sqrt(nz * nz + ny * ny + nx * nx)
    return gap / steep, nz / steep, ny / steep, nx / steep


@njit(cache=True, fastmath=True, nogil=True)
def _opening(axes, pz, py, px, shape, front):  # type: ignore[no-untyped-def]
    """Aperture at a point of the boundary, seen along the direction in which that is a graph; 0 beyond the front."""
    n, u, v, along = axes[0], axes[1], axes[2], axes[3]
    height = n[0] * pz + n[1] * py + n[2] * px
    rz, ry, rx = pz - height * along[0], py - height * along[1], px - height * along[2]
    pu, pv = u[0] * rz + u[1] * ry + u[2] * rx, v[0] * rz + v[1] * ry + v[2] * rx
    rho = np.sqrt(pu * pu + pv * pv) / (shape[0] * _front_factor(np.arctan2(pv, pu), front))
    return 0.0 if rho >= 1 else shape[1] * (1 - rho * rho) ** shape[2]


@njit(cache=True, fastmath=True, nogil=True)
def _crack(pair, seeds, space, shape, front, arrays, number, side):  # type: ignore[no-untyped-def]
    into, axes, centre = space[1], space[2], space[4]
    rate, reach, bound = shape[3], shape[4], shape[5]
    outer = shape[0] * (1 + np.abs(front[::2]).sum()) + bound * np.sqrt((axes[3] ** 2).sum())
    found = np.empty((4096, 5))
    for row, place in enumerate(pair):  # of a plane: two seeds at the same distance on both sides
        found[row, :3], found[row, 4] = place, row
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        first[axis] = max(0, int(centre[axis] - outer))
        last[axis] = min(arrays[0].shape[axis], int(centre[axis] + outer) + 2)
    for z in range(first[0], last[0], side):
        for y in range(first[1], last[1], side):
            for x in range(first[2], last[2], side):
                low = (z, y, x)
                high = (min(z + side, last[0]), min(y + side, last[1]), min(x + side, last[2]))
                half = (np.array(high) - np.array(low) + 1) / 2
                middle = (np.array(low) + np.array(high) - 1) / 2 - centre
                wide = np.sqrt((half * half).sum())
                if abs((axes[0] * middle).sum()) > bound + wide or (middle * middle).sum() > (outer + wide) ** 2:
                    continue
                total = len(pair)
                if total == 0:
                    extent = np.abs(into) @ (half + reach) + _HIGHEST
                    q = _at(space, middle[0], middle[1], middle[2])
                    total = _gather(seeds, space, q, extent, wide * rate, 2 * rate * reach, found)
                if total > 0:
                    _fill(found, total, space, shape, front, arrays, number, (low, high))
    sweep(arrays, number, first, last)


@njit(cache=True, fastmath=True, nogil=True)
def _fill(found, total, space, shape, front, arrays, number, box):  # type: ignore[no-untyped-def]
    """Add a crack's overlap with the voxels of a box."""
    into, axes, centre = space[1], space[2], space[4]
    coverage, target, aperture, ids = arrays
    for z in range(box[0][0], box[1][0]):
        for y in range(box[0][1], box[1][1]):
            for x in range(box[0][2], box[1][2]):
                pz, py, px = z - centre[0], y - centre[1], x - centre[2]
                q = _at(space, pz, py, px)
                side, a, b = _nearest(found, total, q)
                distance, nz, ny, nx = _foot(q, found[a], found[b], into)
                if abs(distance) >= shape[1] / 2 + 0.5 and abs(side) > shape[3]:
                    continue
                w = _opening(axes, pz - distance * nz, py - distance * ny, px - distance * nx, shape, front)
                overlap = min(distance + 0.5, w / 2) - max(distance - 0.5, -w / 2)
                if w > 0 and overlap > 0:
                    coverage[z, y, x] = min(1.0, coverage[z, y, x] + overlap)
                if (w > 0 and overlap >= 0.5) or (
                    w >= LINE_FROM and abs(side) <= shape[3] and _crosses(found, total, into, q, side)
                ):
                    target[z, y, x] = True
                    if w > aperture[z, y, x]:
                        aperture[z, y, x], ids[z, y, x] = w, number
