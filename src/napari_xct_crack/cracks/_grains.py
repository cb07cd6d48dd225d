"""Cracks along the boundaries of a Voronoi grain structure.

A plane parts the grains into those whose seeds lie above it and those below; the crack is the boundary between the two.
Along the plane's normal the seeds of the grains that a line meets rise one after the other, so the line meets that
boundary once: it is the graph of a function over the plane, without holes or islands, and a front cuts one piece from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ._carved import Carved
from ._polyline import LINE_FROM
from ._specks import sweep
from ._surface import farthest, frame, reached, waves
from ._voronoi import HIGHEST, JITTER, PERIOD, around, between, gather, least, narrowed, room

_LOWEST = 0.5
"""A boundary that leaves its plane by less than this, in voxels, is taken for the plane."""
_BLOCK, _PIECE = 8, 4
"""Sides, in voxels, of the blocks for which seeds are gathered and of the pieces that are filled if the boundary passes."""
_USUAL = 4096
"""Seeds about a block for which room is made beforehand."""


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
    return Grains((1 - JITTER) / 2 + JITTER * rng.random((PERIOD, PERIOD, PERIOD, 3)), cell)


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
    height = flat * HIGHEST * float(up @ (cell * up))
    plane = height < _LOWEST
    stretch = 1.0 if plane else 1 / flat
    into = (np.eye(3) + (stretch - 1) * np.outer(up, up)) / cell
    reach = max(1.0, crack.aperture / 2 + 0.5)
    top = HIGHEST + stretch / min(grains.cell) * (reach + 1)
    straight = np.array([[*2 * up / cell, 1.0], [*-2 * up / cell, 1.0]]) if plane else np.empty((0, 4))
    _crack(
        straight,
        grains.seeds,
        (up, into, stretch, 1 / cell, centre / cell, top),
        np.vstack([axes, cell * up / (axes[0] @ (cell * up))]),
        centre,
        (crack.radius, crack.aperture, crack.blunting, reach, reach + (0 if plane else height)),
        waves(crack.front),
        (volume.coverage, volume.target, volume.aperture, volume.ids),
        number,
    )


@compiled(fastmath=True)
def _crosses(above, below, counts, pz, py, px, here):  # type: ignore[no-untyped-def]
    """Whether the boundary passes between a voxel and one of its six neighbours, and nearer to the voxel."""
    for dz, dy, dx in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)):
        there = between(above, below, counts, pz + dz, py + dy, px + dx)[0]
        if here * there <= 0 and abs(here) <= abs(there):
            return True
    return False


@compiled(fastmath=True)
def _opening(axes, pz, py, px, shape, front):  # type: ignore[no-untyped-def]
    """Aperture at a point of the boundary, seen along the direction in which that is a graph; 0 beyond the front."""
    height = axes[0, 0] * pz + axes[0, 1] * py + axes[0, 2] * px
    rz, ry, rx = pz - height * axes[3, 0], py - height * axes[3, 1], px - height * axes[3, 2]
    pu = axes[1, 0] * rz + axes[1, 1] * ry + axes[1, 2] * rx
    pv = axes[2, 0] * rz + axes[2, 1] * ry + axes[2, 2] * rx
    rho = reached(pu, pv, shape[0], front)
    return 0.0 if rho >= 1 else shape[1] * (1 - rho * rho) ** shape[2]


@compiled(fastmath=True)
def _crack(straight, seeds, space, axes, centre, shape, front, arrays, number):  # type: ignore[no-untyped-def]
    bound = shape[4]
    outer = shape[0] * farthest(front) + bound * np.sqrt((axes[3] ** 2).sum())
    found = np.empty((3, 2, _USUAL, 4))
    for row in range(len(straight)):
        found[0, row, 0] = straight[row]
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        first[axis] = max(0, int(centre[axis] - outer))
        last[axis] = min(arrays[0].shape[axis], int(centre[axis] + outer) + 2)
    offsets, gaps, whose = np.empty((3, _PIECE**3)), np.empty((2, _PIECE**3)), np.zeros((2, _PIECE**3), np.int64)
    for v in range(_PIECE**3):
        offsets[0, v], offsets[1, v], offsets[2, v] = v // _PIECE**2, v // _PIECE % _PIECE, v % _PIECE
    work = (offsets, gaps[0], gaps[1], whose[0], whose[1])
    marked = [(0, 0, 0)]
    for z in range(first[0], last[0], _BLOCK):
        for y in range(first[1], last[1], _BLOCK):
            for x in range(first[2], last[2], _BLOCK):
                counts = (1, 1)
                box = _block(centre, (z, y, x), last, _BLOCK)
                if _beyond(axes, box, outer, bound):
                    continue
                if len(straight) == 0:
                    cells = around(space, box)
                    if room(cells) > found.shape[2]:
                        found = np.empty((3, 2, room(cells), 4))
                    counts = gather(seeds, space, cells, found[0])
                _pieces(found, work, counts, axes, centre, shape, front, arrays, number, (z, y, x), last, marked)
    sweep(arrays, number, marked)


@compiled(fastmath=True)
def _block(centre, low, last, side):  # type: ignore[no-untyped-def]
    """Middle, from the centre, and half the sides of a block's voxels between the first and the last centre."""
    h0, h1, h2 = (
        (min(side, last[0] - low[0]) - 1) / 2,
        (min(side, last[1] - low[1]) - 1) / 2,
        (min(side, last[2] - low[2]) - 1) / 2,
    )
    return (low[0] + h0 - centre[0], low[1] + h1 - centre[1], low[2] + h2 - centre[2]), (h0, h1, h2)


@compiled(fastmath=True)
def _beyond(axes, box, outer, bound):  # type: ignore[no-untyped-def]
    """Whether a block lies beyond the front or the largest height."""
    (z, y, x), (h0, h1, h2) = box
    height = abs(axes[0, 0] * z + axes[0, 1] * y + axes[0, 2] * x)
    rise = abs(axes[0, 0]) * h0 + abs(axes[0, 1]) * h1 + abs(axes[0, 2]) * h2
    z, y, x = max(0.0, abs(z) - h0), max(0.0, abs(y) - h1), max(0.0, abs(x) - h2)
    return height > bound + rise or z * z + y * y + x * x > outer * outer


@compiled(fastmath=True)
def _pieces(found, work, counts, axes, centre, shape, front, arrays, number, low, last, marked):  # type: ignore[no-untyped-def]
    """Fill those pieces of a block that the boundary passes, each with the few seeds that can be nearest in it."""
    counts = narrowed(found[0], counts, _block(centre, low, last, _BLOCK), shape[3], found[1])
    if counts[0] == 0:
        return
    for z in range(low[0], min(low[0] + _BLOCK, last[0]), _PIECE):
        for y in range(low[1], min(low[1] + _BLOCK, last[1]), _PIECE):
            for x in range(low[2], min(low[2] + _BLOCK, last[2]), _PIECE):
                fewer = narrowed(found[1], counts, _block(centre, (z, y, x), last, _PIECE), shape[3], found[2])
                if fewer[0] > 0:
                    _fill(found[2], work, fewer, axes, centre, shape, front, arrays, number, (z, y, x), last, marked)


@compiled(fastmath=True)
def _fill(found, work, counts, axes, centre, shape, front, arrays, number, low, last, marked):  # type: ignore[no-untyped-def]
    """Add a crack's overlap with the voxels of a block."""
    above, below = found[0], found[1]
    offsets, high, deep, which, whose = work
    coverage, target, aperture, ids = arrays
    reach, bound = shape[3], shape[4]
    z0, y0, x0 = low[0] - centre[0], low[1] - centre[1], low[2] - centre[2]
    # offsets go slice by slice, and a thin stack holds only the first ones
    points = min(_PIECE, last[0] - low[0]) * _PIECE**2
    least(above, counts[0], z0, y0, x0, offsets, points, high, which)
    least(below, counts[1], z0, y0, x0, offsets, points, deep, whose)
    for v in range(points):
        a, b, gap = which[v], whose[v], deep[v] - high[v]
        nz, ny, nx = above[a, 0] - below[b, 0], above[a, 1] - below[b, 1], above[a, 2] - below[b, 2]
        steep = nz * nz + ny * ny + nx * nx
        if gap * gap > reach * reach * steep:
            continue
        pz, py, px = z0 + offsets[0, v], y0 + offsets[1, v], x0 + offsets[2, v]
        z, y, x = low[0] + int(offsets[0, v]), low[1] + int(offsets[1, v]), low[2] + int(offsets[2, v])
        if y >= last[1] or x >= last[2]:
            continue
        if abs(axes[0, 0] * pz + axes[0, 1] * py + axes[0, 2] * px) > bound:
            continue
        foot, distance = gap / steep, gap / np.sqrt(steep)
        w = _opening(axes, pz - foot * nz, py - foot * ny, px - foot * nx, shape, front)
        overlap = min(distance + 0.5, w / 2) - max(distance - 0.5, -w / 2)
        if w > 0 and overlap > 0:
            coverage[z, y, x] = min(1.0, coverage[z, y, x] + overlap)
        if (w > 0 and overlap >= 0.5) or (w >= LINE_FROM and _crosses(above, below, counts, pz, py, px, gap)):
            target[z, y, x] = True
            if w > aperture[z, y, x]:
                aperture[z, y, x], ids[z, y, x] = w, number
                marked.append((z, y, x))
