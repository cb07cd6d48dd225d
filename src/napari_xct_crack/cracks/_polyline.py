"""Cracks in a slice given as a line of points with a thickness at each."""

from __future__ import annotations

import numpy as np
from numba import njit

LINE_FROM = 0.3
"""Thickness, in voxels, from which the centre line belongs to the target."""


@njit(cache=True, nogil=True)
def rasterise(coverage, target, points, thickness):  # type: ignore[no-untyped-def]
    """Add one crack to a slice in place.

    Parameters
    ----------
    coverage, target
        float32 and bool, shape (y, x). Coverage is the overlap of the opening with each voxel across the line; the
        target gets the line itself, 8-connected, where it is thick enough, and all voxels at least half covered.
    points, thickness
        Shapes (n, 2) over y, x and (n,), in voxels.
    """
    height, width = coverage.shape
    for i in range(len(points) - 1):
        ay, ax, by, bx = points[i, 0], points[i, 1], points[i + 1, 0], points[i + 1, 1]
        dy, dx = by - ay, bx - ax
        length2 = dy * dy + dx * dx
        reach = max(thickness[i], thickness[i + 1]) / 2 + 1
        for y in range(max(0, int(min(ay, by) - reach)), min(height, int(max(ay, by) + reach) + 2)):
            for x in range(max(0, int(min(ax, bx) - reach)), min(width, int(max(ax, bx) + reach) + 2)):
                along = 0.0 if length2 == 0 else ((y - ay) * dy + (x - ax) * dx) / length2
                along = min(1.0, max(0.0, along))
                distance = np.hypot(y - ay - along * dy, x - ax - along * dx)
                half = (thickness[i] + along * (thickness[i + 1] - thickness[i])) / 2
                overlap = min(distance + 0.5, half) - max(distance - 0.5, -half)
                if overlap > coverage[y, x]:
                    coverage[y, x] = overlap
                    if overlap >= 0.5:
                        target[y, x] = True
        if min(thickness[i], thickness[i + 1]) >= LINE_FROM:
            _line(target, round(ay), round(ax), round(by), round(bx))


@njit(cache=True, nogil=True)
def _line(target, ay, ax, by, bx):  # type: ignore[no-untyped-def]
    """Bresenham's line between two voxels, both included."""
    height, width = target.shape
    steps = int(max(abs(by - ay), abs(bx - ax)))
    for k in range(steps + 1):
        share = 0.0 if steps == 0 else k / steps
        y, x = round(ay + share * (by - ay)), round(ax + share * (bx - ax))
        if 0 <= y < height and 0 <= x < width:
            target[y, x] = True


@njit(cache=True, nogil=True)
def walk(thickness, decay, smoothness, end, steps, shrink, wander):  # type: ignore[no-untyped-def]
    """One side of a random crack: t ← t·(1 − |N(0, decay)|), c ← c + N(0, smoothness), until t falls below `end`.

    Parameters
    ----------
    steps
        Most columns.
    shrink, wander
        Standard normal draws, shape (steps,).

    Returns
    -------
    Thickness and offset of the centre by column, the first column being the next to the start.
    """
    t, c = thickness, 0.0
    thick, offset = np.empty(steps), np.empty(steps)
    n = 0
    while n < steps:
        t *= max(0.0, 1 - abs(decay * shrink[n]))
        c += smoothness * wander[n]
        if t < end:
            break
        thick[n], offset[n] = t, c
        n += 1
    return thick[:n], offset[:n]
