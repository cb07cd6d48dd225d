"""Bridge gaps along cracks: pieces that end opposite each other are joined by straight lines, flanks are left as they are.

The voxels of a crack within a length of a voxel tell which way it runs there: axes of their covariance along which they
spread little lie across it. A line between two voxels at the surface joins them if it runs along the crack at both, all
between is background, and nothing of the mask lies within a quarter of the line's length of its middle: that tells a gap
from a bend, whose chord stays near the crack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ._morphology import Mask, Radii

THIN = 0.045
"""Variance, as a share of the squared length, up to which a crack lies across an axis. At a straight end it is 0.07 along
the sheet, and across it that of a crack three quarters of the length thick."""
CLEAR = 0.25
"""Share of a line's length around its middle in which nothing of the mask may lie."""


def bridged(mask: Mask, radii: Radii, angle: float) -> Mask:
    """The mask with gaps bridged.

    Parameters
    ----------
    mask
        Shape (z, y, x).
    radii
        Longest gap along z, y, x in voxels; below 1 nothing is joined along that axis.
    angle
        Degrees by which a line may lean to the crack at either end.
    """
    axes = [axis for axis in range(3) if radii[axis] >= 1 and mask.shape[axis] > 1]
    if not axes or not mask.any():
        return mask.copy()
    scale = np.array([radii[axis] if axis in axes else 1.0 for axis in range(3)])
    window = _window(radii, axes)
    # Background around spares asking whether a place lies in the array.
    reach = window.max(axis=0)
    padded, surface = (np.pad(array, [(side, side) for side in reach]) for array in (mask, _at_surface(mask, axes)))
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    share = window / scale
    far = (share**2).sum(axis=1)
    order, half = np.lexsort(window.T[::-1]), len(window) // 2
    pairs = _pairs(padded.ravel(), np.flatnonzero(surface), window, strides, far, *_rows(window, order[half + 1 :]))
    points, rows = np.unique(pairs[:, :2], return_inverse=True)
    moments = _moments(np.flatnonzero(padded), points, window, strides, *_rows(window, order))
    across, is_crack = _across(moments, scale, axes)
    rows, step = rows.reshape(-1, 2), pairs[:, 2]
    off = np.einsum("ni,npij,nj->np", share[step], across[rows], share[step])
    joined = (is_crack[rows] & (off <= np.sin(np.radians(angle)) ** 2 * far[step, None])).all(axis=1)
    result = padded.copy()
    _draw(result.ravel(), pairs[joined, 0], window[step[joined]], strides)
    return result[tuple(slice(side, side + length) for side, length in zip(reach, mask.shape, strict=True))]


def _at_surface(mask: Mask, axes: list[int]) -> Mask:
    """Voxels of a mask beside background along one of the axes; the ends of the array are no background."""
    found = np.zeros(mask.shape, bool)
    for axis in axes:
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        found[low] |= ~mask[high]
        found[high] |= ~mask[low]
    return found & mask


def _window(radii: Radii, axes: list[int]) -> NDArray[np.int32]:
    """Offsets within the length, the nearest first, shape (n, 3)."""
    reach = [int(radii[axis]) if axis in axes else 0 for axis in range(3)]
    steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    far = np.sum([(steps[:, axis] / radii[axis]) ** 2 for axis in axes], axis=0)
    chosen = np.argsort(far, kind="stable")[: np.count_nonzero(far <= 1 + 1e-9)]
    return steps[chosen].astype(np.int32)


def _rows(window: NDArray[np.int32], order: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some of a window in the order z, y, x: that order, and at which of it each row along x begins, with its end."""
    places = window[order, :2]
    begins = np.flatnonzero((places[1:] != places[:-1]).any(axis=1)) + 1
    return order, np.concatenate([[0], begins, [len(order)]])


def _across(
    moments: NDArray[np.int64], scale: NDArray[np.float64], axes: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """By point the projection onto the directions across the crack, shape (n, 3, 3), and whether there is a crack."""
    count = moments[:, 0, None, None].astype(np.float64)
    mean = moments[:, 1:4] / count[:, 0]
    cov = moments[:, 4:].reshape(-1, 3, 3) / count - mean[:, :, None] * mean[:, None, :]
    cov /= scale[:, None] * scale
    values, vectors = np.linalg.eigh(cov[:, axes][:, :, axes])
    thin = values < THIN
    inner = np.einsum("nik,nk,njk->nij", vectors, thin.astype(np.float64), vectors)
    across = np.zeros_like(cov)
    for row, axis in enumerate(axes):
        across[:, axis, axes] = inner[:, row]
    return across, np.asarray(thin.any(axis=1) & ~thin.all(axis=1))


@compiled()
def _moments(mask, points, window, strides, order, begins):  # type: ignore[no-untyped-def]
    """Number of voxels around each point, sums of their offsets and of the products of these: whole, so exact.

    `mask` and `points` are places in ascending order.
    """
    result, nearest = np.zeros((len(points), 13), np.int64), np.zeros(len(begins), np.int64)
    for row in range(len(points)):
        count, sz, sy, sx, zz, yy, xx, zy, zx, yx = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        for line in range(len(begins) - 1):
            low = points[row] + _flat(window[order[begins[line]]], strides)
            at = _from(mask, nearest[line], low)
            nearest[line] = at
            while at < len(mask) and mask[at] < low + begins[line + 1] - begins[line]:
                step = order[begins[line] + mask[at] - low]
                dz, dy, dx = window[step, 0], window[step, 1], window[step, 2]
                count, sz, sy, sx = count + 1, sz + dz, sy + dy, sx + dx
                zz, yy, xx = zz + dz * dz, yy + dy * dy, xx + dx * dx
                zy, zx, yx = zy + dz * dy, zx + dz * dx, yx + dy * dx
                at += 1
        result[row] = (count, sz, sy, sx, zz, zy, zx, zy, yy, yx, zx, yx, xx)
    return result


@compiled()
def _pairs(mask, surface, window, strides, far, order, begins):  # type: ignore[no-untyped-def]
    """Voxels at the surface with a clear line between them: places of both and the offset's row in the window.

    `surface` are places in ascending order: along each row of the window the first that counts only ever moves on.
    """
    steps, halves, parts = np.zeros((3, len(window)), np.int64)
    for step in range(len(window)):
        steps[step], halves[step] = _flat(window[step], strides), _flat(window[step] // 2, strides)
        parts[step] = np.abs(window[step]).max()
    nearest, found = np.zeros(len(begins), np.int64), []
    for start in surface:
        for line in range(len(begins) - 1):
            low = start + steps[order[begins[line]]]
            at = _from(surface, nearest[line], low)
            nearest[line] = at
            while at < len(surface) and surface[at] < low + begins[line + 1] - begins[line]:
                end = surface[at]
                step = order[begins[line] + end - low]
                middle = start + halves[step]
                if (
                    not mask[middle]
                    and parts[step] > 1
                    and _is_free(mask, start, window[step], parts[step], strides)
                    and _is_clear(mask, middle, steps, far, CLEAR**2 * far[step])
                ):
                    found.append((start, end, step))
                at += 1
    result = np.zeros((len(found), 3), np.int64)
    for row in range(len(found)):
        result[row] = found[row]
    return result


@compiled()
def _flat(offset, strides):  # type: ignore[no-untyped-def]
    return offset[0] * strides[0] + offset[1] * strides[1] + offset[2] * strides[2]


@compiled()
def _from(places, at, low):  # type: ignore[no-untyped-def]
    """The first place from a certain one on that is not below another."""
    while at < len(places) and places[at] < low:
        at += 1
    return at


@compiled()
def _on_line(start, step, strides, part, parts):  # type: ignore[no-untyped-def]
    """A voxel of the line; whole numbers only, so that it is the same wherever the line lies."""
    for axis in range(3):
        start += (2 * part * step[axis] + parts) // (2 * parts) * strides[axis]
    return start


@compiled()
def _is_free(mask, start, step, parts, strides):  # type: ignore[no-untyped-def]
    for part in range(1, parts):  # noqa: SIM110 - compiled
        if mask[_on_line(start, step, strides, part, parts)]:
            return False
    return True


@compiled()
def _is_clear(mask, middle, steps, far, limit):  # type: ignore[no-untyped-def]
    """Whether nothing of the mask lies nearer than a limit, squared and as a share of the length."""
    for step in range(len(steps)):
        if far[step] >= limit:
            return True
        if mask[middle + steps[step]]:
            return False
    return True


@compiled()
def _draw(result, starts, steps, strides):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        parts = np.abs(steps[row]).max()
        for part in range(1, parts):
            result[_on_line(starts[row], steps[row], strides, part, parts)] = True
