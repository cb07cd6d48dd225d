"""Bridge gaps along cracks: pieces that end opposite each other are joined by straight lines, flanks are left as they are.

The voxels of a crack within a length of a voxel tell which way it runs there: axes of their covariance along which they
spread little lie across it. A line between two voxels at the surface joins them if it runs along the crack at both, all
between is background, and nothing of the mask lies within a quarter of the line's length of its middle: that tells a gap
from a bend, whose chord stays near the crack.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
    points = np.flatnonzero(mask & _at_surface(mask, axes))
    if not len(points):
        return mask.copy()
    scale = np.array([radii[axis] if axis in axes else 1.0 for axis in range(3)])
    window = _window(radii, axes)
    # Background around spares asking whether a place lies in the array.
    reach = window.max(axis=0)
    padded = np.pad(mask, [(side, side) for side in reach])
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    points = (np.stack(np.unravel_index(points, mask.shape), axis=1) + reach) @ strides
    across, is_crack = _across(_moments(padded.ravel(), points, window, window @ strides), scale, axes)
    result = padded.copy()
    _join(
        padded.ravel(),
        result.ravel(),
        points[is_crack],
        across[is_crack],
        window,
        strides,
        window / scale,
        np.sin(np.radians(angle)) ** 2,
    )
    return result[tuple(slice(side, side + length) for side, length in zip(reach, mask.shape, strict=True))]


def _at_surface(mask: Mask, axes: list[int]) -> Mask:
    """Voxels beside background along one of the axes; the ends of the array are no background."""
    found = np.zeros(mask.shape, bool)
    for axis in axes:
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        found[low] |= ~mask[high]
        found[high] |= ~mask[low]
    return found


def _window(radii: Radii, axes: list[int]) -> NDArray[np.int32]:
    """Offsets within the length, the nearest first, shape (n, 3)."""
    reach = [int(radii[axis]) if axis in axes else 0 for axis in range(3)]
    steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    far = np.sum([(steps[:, axis] / radii[axis]) ** 2 for axis in axes], axis=0)
    chosen = np.argsort(far, kind="stable")[: np.count_nonzero(far <= 1 + 1e-9)]
    return steps[chosen].astype(np.int32)


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


@njit(cache=True, nogil=True)
def _moments(mask, points, window, steps):  # type: ignore[no-untyped-def]
    """Number of voxels around each point, sums of their offsets and of the products of these: whole, so exact."""
    result = np.zeros((len(points), 13), np.int64)
    for row in range(len(points)):
        count, sz, sy, sx, zz, yy, xx, zy, zx, yx = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        for step in range(len(steps)):
            if mask[points[row] + steps[step]]:
                dz, dy, dx = window[step, 0], window[step, 1], window[step, 2]
                count, sz, sy, sx = count + 1, sz + dz, sy + dy, sx + dx
                zz, yy, xx = zz + dz * dz, yy + dy * dy, xx + dx * dx
                zy, zx, yx = zy + dz * dy, zx + dz * dx, yx + dy * dx
        result[row] = (count, sz, sy, sx, zz, zy, zx, zy, yy, yx, zx, yx, xx)
    return result


@njit(cache=True, nogil=True)
def _join(mask, result, points, across, window, strides, shares, lean):  # type: ignore[no-untyped-def]
    """Draw the lines between all pairs of points that may be joined; `shares` are the offsets over the length."""
    at = np.full(len(mask), -1, np.int32)
    for row in range(len(points)):
        at[points[row]] = row
    steps, halves = np.zeros(len(window), np.int64), np.zeros(len(window), np.int64)
    far, ahead = np.zeros(len(window)), np.zeros(len(window), np.bool_)
    for step in range(len(window)):
        dz, dy, dx = window[step]
        steps[step] = dz * strides[0] + dy * strides[1] + dx * strides[2]
        halves[step] = dz // 2 * strides[0] + dy // 2 * strides[1] + dx // 2 * strides[2]
        far[step] = (shares[step] ** 2).sum()
        ahead[step] = (dz, dy, dx) > (0, 0, 0) and max(abs(dz), abs(dy), abs(dx)) > 1
    for row in range(len(points)):
        start = points[row]
        for step in range(1, len(window)):
            other = at[start + steps[step]] if ahead[step] else -1
            if other < 0 or mask[start + halves[step]]:
                continue
            if not (
                _along(across[row], shares[step], lean * far[step])
                and _along(across[other], shares[step], lean * far[step])
            ):
                continue
            if _is_free(mask, start, window[step], strides) and _is_clear(
                mask, start + halves[step], steps, far, CLEAR**2 * far[step]
            ):
                _draw(result, start, window[step], strides)


@njit(cache=True, nogil=True)
def _along(across, share, lean):  # type: ignore[no-untyped-def]
    """Whether an offset leans little enough to a crack."""
    off = 0.0
    for i in range(3):
        for j in range(3):
            off += share[i] * across[i, j] * share[j]
    return off <= lean


@njit(cache=True, nogil=True)
def _on_line(start, step, strides, part, parts):  # type: ignore[no-untyped-def]
    """A voxel of the line; whole numbers only, so that it is the same wherever the line lies."""
    for axis in range(3):
        start += (2 * part * step[axis] + parts) // (2 * parts) * strides[axis]
    return start


@njit(cache=True, nogil=True)
def _is_free(mask, start, step, strides):  # type: ignore[no-untyped-def]
    parts = np.abs(step).max()
    for part in range(1, parts):  # noqa: SIM110 - compiled
        if mask[_on_line(start, step, strides, part, parts)]:
            return False
    return True


@njit(cache=True, nogil=True)
def _is_clear(mask, middle, steps, far, limit):  # type: ignore[no-untyped-def]
    """Whether nothing of the mask lies nearer than a limit, squared and as a share of the length."""
    for step in range(len(steps)):
        if far[step] >= limit:
            return True
        if mask[middle + steps[step]]:
            return False
    return True


@njit(cache=True, nogil=True)
def _draw(result, start, step, strides):  # type: ignore[no-untyped-def]
    parts = np.abs(step).max()
    for part in range(1, parts):
        result[_on_line(start, step, strides, part, parts)] = True
