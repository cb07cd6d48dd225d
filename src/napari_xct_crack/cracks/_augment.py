"""The published augmentation of masks: a piecewise-affine warp, and a rotation of every second patch.

Both are one backward map that is affine on each triangle of a regular grid. Coverage is sampled through it bilinearly,
without averaging where the map compresses. Centre lines are carried forward link by link, so that they stay connected.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from . import Drawn
from ._polyline import _line

POINTS = 4
"""Control points a side."""
SCALE = (0.09, 0.13)
"""Range of the displacements' standard deviation, as a share of the patch's sides."""
ROTATION = 30.0
"""Largest rotation in degrees; half of the patches are rotated."""


def warped(drawn: Drawn, rng: np.random.Generator) -> Drawn:
    """Warp and rotate at random, all slices alike."""
    points = displaced(drawn.coverage.shape[1:], rng)
    angle = float(np.radians(rng.uniform(-ROTATION, ROTATION))) if rng.random() < 0.5 else 0.0
    return bent(drawn, points, angle)


def regular(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Control points at rest, voxels, shape (4, 4, 2) over y, x: the patch from edge to edge."""
    sides = [np.linspace(-0.5, side - 0.5, POINTS) for side in shape]
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)


def displaced(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Where each control point takes its voxel from, clipped to the patch, shape (4, 4, 2) over y, x."""
    points = regular(shape)
    points += rng.normal(0, rng.uniform(*SCALE), points.shape) * np.asarray(shape)
    return np.clip(points, -0.5, np.asarray(shape) - 0.5)


def bent(drawn: Drawn, points: NDArray[np.float64], angle: float) -> Drawn:
    """Draw a stack through a map.

    Parameters
    ----------
    drawn
        Coverage and target, shape (z, y, x).
    points
        Where each control point takes its voxel from, shape (4, 4, 2) over y, x.
    angle
        Rotation about the middle of the patch in radians.
    """
    from skimage.morphology import skeletonize

    maps = _maps(points, drawn.coverage.shape[1:])
    coverage = np.zeros_like(drawn.coverage)
    _sample(np.pad(drawn.coverage, ((0, 0), (1, 1), (1, 1))), coverage, maps, np.cos(angle), np.sin(angle))
    target = coverage >= 0.5
    for before, after in zip(drawn.target, target, strict=True):
        if before.any():
            _carry(skeletonize(before), after, maps, np.cos(angle), np.sin(angle))
    return Drawn(coverage, target)


def _maps(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Affine maps from grid coordinates (cells) to voxels: base, step along y, step along x; shape (3, 3, 2, 3, 2)."""
    low, right, down, far = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    cells = np.stack(np.meshgrid(np.arange(POINTS - 1), np.arange(POINTS - 1), indexing="ij"), axis=-1)[..., None]
    maps = np.empty((POINTS - 1, POINTS - 1, 2, 3, 2))
    for half, (corner, along_y, along_x) in enumerate(
        ((low, down - low, right - low), (down + right - far, far - right, far - down))
    ):
        maps[:, :, half, 0] = corner - cells[:, :, 0] * along_y - cells[:, :, 1] * along_x
        maps[:, :, half, 1], maps[:, :, half, 2] = along_y, along_x
    return maps


@compiled()
def _sample(source, result, maps, cos, sin):  # type: ignore[no-untyped-def]
    """Fill `result`, shape (z, y, x), by bilinear sampling of `source`, which has a border of one empty voxel in y, x."""
    depth, height, width = result.shape
    n = maps.shape[0]
    my, mx = (height - 1) / 2, (width - 1) / 2
    for y in range(height):
        for x in range(width):
            gy = (cos * (y - my) + sin * (x - mx) + my + 0.5) * n / height
            gx = (-sin * (y - my) + cos * (x - mx) + mx + 0.5) * n / width
            if gy < 0 or gx < 0 or gy > n or gx > n:
                continue
            i, j = min(int(gy), n - 1), min(int(gx), n - 1)
            m = maps[i, j, 1 if gy - i + gx - j > 1 else 0]
            sy = m[0, 0] + gy * m[1, 0] + gx * m[2, 0]
            sx = m[0, 1] + gy * m[1, 1] + gx * m[2, 1]
            y1, x1 = int(np.floor(sy)) + 1, int(np.floor(sx)) + 1
            if y1 < 0 or x1 < 0 or y1 > height or x1 > width:
                continue
            fy, fx = sy + 1 - y1, sx + 1 - x1
            for z in range(depth):
                total = (1 - fy) * ((1 - fx) * source[z, y1, x1] + fx * source[z, y1, x1 + 1])
                total += fy * ((1 - fx) * source[z, y1 + 1, x1] + fx * source[z, y1 + 1, x1 + 1])
                # less is rounding
                result[z, y, x] = min(total, 1.0) if total > 1e-6 else 0.0


@compiled()
def _carry(line, target, maps, cos, sin):  # type: ignore[no-untyped-def]
    """Draw the image of a one-voxel-wide line into `target`, shapes (y, x): each link by every triangle it meets."""
    height, width = line.shape
    for y in range(height):
        for x in range(width):
            if not line[y, x]:
                continue
            for dy, dx in ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1)):
                if 0 <= x + dx < width and y + dy < height and line[y + dy, x + dx]:
                    _link(y, x, y + dy, x + dx, target, maps, cos, sin)


@compiled()
def _link(ay, ax, by, bx, target, maps, cos, sin):  # type: ignore[no-untyped-def]
    height, width = target.shape
    n = maps.shape[0]
    my, mx = (height - 1) / 2, (width - 1) / 2
    for i in range(n):
        for j in range(n):
            for half in range(2):
                m = maps[i, j, half]
                det = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
                if abs(det) < 1e-9:
                    continue
                # ends of the link in grid coordinates
                py = ((ay - m[0, 0]) * m[2, 1] - (ax - m[0, 1]) * m[2, 0]) / det
                px = ((ax - m[0, 1]) * m[1, 0] - (ay - m[0, 0]) * m[1, 1]) / det
                qy = ((by - m[0, 0]) * m[2, 1] - (bx - m[0, 1]) * m[2, 0]) / det
                qx = ((bx - m[0, 1]) * m[1, 0] - (by - m[0, 0]) * m[1, 1]) / det
                first, last = _inside(py - i, px - j, qy - i, qx - j, half, 0.5 * n / max(height, width))
                if first > last:
                    continue
                y0, x0 = (
                    (py + first * (qy - py)) * height / n - 0.5 - my,
                    (px + first * (qx - px)) * width / n - 0.5 - mx,
                )
                y1, x1 = (py + last * (qy - py)) * height / n - 0.5 - my, (px + last * (qx - px)) * width / n - 0.5 - mx
                _line(
                    target,
                    round(cos * y0 - sin * x0 + my),
                    round(sin * y0 + cos * x0 + mx),
                    round(cos * y1 - sin * x1 + my),
                    round(sin * y1 + cos * x1 + mx),
                )


@compiled()
def _inside(py, px, qy, qx, half, slack):  # type: ignore[no-untyped-def]
    """First and last share of the way from p to q inside a unit cell's near (0) or far (1) triangle; none: first > last."""
    sign = 1.0 if half == 0 else -1.0
    shift = 0.0 if half == 0 else 1.0
    first, last = 0.0, 1.0
    for start, stop in (
        (sign * py + shift, sign * qy + shift),
        (sign * px + shift, sign * qx + shift),
        (sign * (1 - py - px), sign * (1 - qy - qx)),
    ):
        start, stop = start + slack, stop + slack
        if start < 0 and stop < 0:
            return 1.0, 0.0
        if start < 0:
            first = max(first, start / (start - stop))
        elif stop < 0:
            last = min(last, start / (start - stop))
    return first, last
