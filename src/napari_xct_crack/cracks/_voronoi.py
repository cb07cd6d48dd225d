"""Which of two groups of Voronoi seeds, those above a plane and those below it, is nearer; in compiled loops.

At a point p, in voxels from the crack's centre, the squared distance to a seed is what all seeds share and a *gap*
c − g·p. So the nearest seed has the smallest gap, and half-way between two seeds lies a plane. Seeds are rows of g and c,
those above the plane in the first of two arrays.
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled

PERIOD = 16
"""Grains along each axis after which the structure repeats."""
JITTER = 0.9
"""Seeds lie anywhere in the middle 90 % of their cell along each axis."""
HIGHEST = float(np.sqrt(3) * (0.5 + JITTER / 2))
"""No point is farther from its nearest seed, in cells, so the boundary leaves the plane by no more."""


@compiled(fastmath=True)
def around(space, box):  # type: ignore[no-untyped-def]
    """Cells of all seeds that can be nearest to a point in or beside a block, within the heights that the boundary has.

    Parameters
    ----------
    space
        Unit vector up from the plane, map from voxels to stretched cells (3, 3), its factor on heights, cells per voxel,
        the crack's centre in cells, the largest height in stretched cells.
    box
        Middle and half the sides of the block, in voxels from the crack's centre.

    Returns
    -------
    First and last + 1 cell along each axis.
    """
    up, into, stretch, scale, centre, top = space
    (z, y, x), (h0, h1, h2) = box
    w0, w1, w2 = (h0 + 1) * scale[0], (h1 + 1) * scale[1], (h2 + 1) * scale[2]
    q0 = into[0, 0] * z + into[0, 1] * y + into[0, 2] * x
    q1 = into[1, 0] * z + into[1, 1] * y + into[1, 2] * x
    q2 = into[2, 0] * z + into[2, 1] * y + into[2, 2] * x
    height = up[0] * q0 + up[1] * q1 + up[2] * q2
    rise = abs(up[0]) * w0 + abs(up[1]) * w1 + abs(up[2]) * w2
    first, last = max(height - stretch * rise, -top), min(height + stretch * rise, top)
    shift, thick = (first + last) / 2 - height, max(0.0, last - first) / 2 + rise
    return (
        _cells(q0 + shift * up[0] + centre[0], w0 + abs(up[0]) * thick),
        _cells(q1 + shift * up[1] + centre[1], w1 + abs(up[1]) * thick),
        _cells(q2 + shift * up[2] + centre[2], w2 + abs(up[2]) * thick),
    )


@compiled(fastmath=True)
def room(cells):  # type: ignore[no-untyped-def]
    """How many seeds there can be in a block's cells."""
    (i0, i1), (j0, j1), (k0, k1) = cells
    return (i1 - i0) * (j1 - j0) * (k1 - k0)


@compiled(fastmath=True)
def gather(seeds, space, cells, found):  # type: ignore[no-untyped-def]
    """All seeds of a block's cells, into an array that has room for them; their numbers above and below the plane."""
    up, into, centre = space[0], space[1], space[4]
    (i0, i1), (j0, j1), (k0, k1) = cells
    above, below = 0, 0
    for i in range(i0, i1):
        for j in range(j0, j1):
            for k in range(k0, k1):
                m, n, o = i & (PERIOD - 1), j & (PERIOD - 1), k & (PERIOD - 1)
                z, y, x = (
                    i + seeds[m, n, o, 0] - centre[0],
                    j + seeds[m, n, o, 1] - centre[1],
                    k + seeds[m, n, o, 2] - centre[2],
                )
                side = 0 if z * up[0] + y * up[1] + x * up[2] > 0 else 1
                row = below if side else above
                for axis in range(3):
                    found[side, row, axis] = 2 * (into[0, axis] * z + into[1, axis] * y + into[2, axis] * x)
                found[side, row, 3] = z * z + y * y + x * x
                above, below = above + 1 - side, below + side
    return above, below


@compiled(fastmath=True)
def _cells(middle, half):  # type: ignore[no-untyped-def]
    """First and last + 1 cell whose seed can be nearest to a point so near to the middle."""
    return int(np.floor(middle - half - HIGHEST)), int(np.floor(middle + half + HIGHEST)) + 1


@compiled(fastmath=True)
def _least(found, count, pz, py, px):  # type: ignore[no-untyped-def]
    """Smallest gap at a point and whose it is."""
    best, which = 1e18, 0
    for n in range(count):
        gap = found[n, 3] - found[n, 0] * pz - found[n, 1] * py - found[n, 2] * px
        if gap < best:
            best, which = gap, n
    return best, which


@compiled(fastmath=True)
def between(above, below, counts, pz, py, px):  # type: ignore[no-untyped-def]
    """By how much the smallest gap below exceeds that above, and whose they are: above the boundary it is positive."""
    high, a = _least(above, counts[0], pz, py, px)
    low, b = _least(below, counts[1], pz, py, px)
    return low - high, a, b


@compiled(fastmath=True)
def narrowed(found, counts, box, reach, kept):  # type: ignore[no-untyped-def]
    """Those seeds, arrays (2, n, 4), that can be nearest of their group in a block or beside it; their numbers.

    None where no voxel of the block is within `reach` of a plane half-way between two of them.
    """
    above, below = kept[0], kept[1]
    high, low = _kept(found[0], counts[0], box, above), _kept(found[1], counts[1], box, below)
    (z, y, x), (h0, h1, h2) = box
    for a in range(high):
        for b in range(low):
            g0, g1, g2 = below[b, 0] - above[a, 0], below[b, 1] - above[a, 1], below[b, 2] - above[a, 2]
            gap = abs(below[b, 3] - above[a, 3] - g0 * z - g1 * y - g2 * x)
            gap -= abs(g0) * h0 + abs(g1) * h1 + abs(g2) * h2
            if gap <= 0 or gap * gap <= reach * reach * (g0 * g0 + g1 * g1 + g2 * g2):
                return high, low
    return 0, 0


@compiled(fastmath=True)
def _kept(found, count, box, kept):  # type: ignore[no-untyped-def]
    """Copy the seeds that are nearer than the one nearest to the middle somewhere in a block or beside it."""
    (z, y, x), (h0, h1, h2) = box
    best = _least(found, count, z, y, x)[1]
    b0, b1, b2, b3 = found[best, 0], found[best, 1], found[best, 2], found[best, 3]
    total = 0
    for n in range(count):
        g0, g1, g2, c = found[n, 0], found[n, 1], found[n, 2], found[n, 3]
        gap = c - b3 - (g0 - b0) * z - (g1 - b1) * y - (g2 - b2) * x
        if gap <= abs(g0 - b0) * (h0 + 1) + abs(g1 - b1) * (h1 + 1) + abs(g2 - b2) * (h2 + 1):
            kept[total, 0], kept[total, 1], kept[total, 2], kept[total, 3] = g0, g1, g2, c
            total += 1
    return total


@compiled(fastmath=True)
def least(found, count, z, y, x, offsets, points, best, which):  # type: ignore[no-untyped-def]
    """Smallest gap, and whose it is, at the first so many points: offsets of shape (3, n) from z, y, x; without branches."""
    for v in range(points):
        best[v] = 1e18
    for n in range(count):
        g0, g1, g2 = found[n, 0], found[n, 1], found[n, 2]
        c = found[n, 3] - g0 * z - g1 * y - g2 * x
        for v in range(points):
            gap = c - g0 * offsets[0, v] - g1 * offsets[1, v] - g2 * offsets[2, v]
            which[v] = n if gap < best[v] else which[v]
            best[v] = gap if gap < best[v] else best[v]
