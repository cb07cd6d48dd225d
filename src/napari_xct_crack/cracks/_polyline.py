"""Lines of voxels in a slice."""

from __future__ import annotations

from ..compiled import compiled

LINE_FROM = 0.3
"""Thickness, in voxels, from which the centre line belongs to the target."""


@compiled()
def _line(target, ay, ax, by, bx):  # type: ignore[no-untyped-def]
    """Bresenham's line between two voxels, both included."""
    height, width = target.shape
    steps = int(max(abs(by - ay), abs(bx - ax)))
    for k in range(steps + 1):
        share = 0.0 if steps == 0 else k / steps
        y, x = round(ay + share * (by - ay)), round(ax + share * (bx - ax))
        if 0 <= y < height and 0 <= x < width:
            target[y, x] = True
