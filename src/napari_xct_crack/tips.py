"""Where cracks end: tips of their traces in a slice, fronts of their sheets in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .metrics import predicted_tips
from .settings import VoxelSize

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

BEHIND = 8.0
"""Pixels behind a tip that its direction and its sharpness are taken from; three half widths of a wider crack."""
_STEP = 0.1
AROUND = 3.0
"""Standard deviation of the window in which the rim of a sheet is told from its inside, in shortest voxel sides."""
AHEAD, NEAR = 6.0, 3.0
"""A sheet goes on beyond a tear if cracks lie nearer than this to the place so far ahead of its rim, in these sides."""


@dataclass(frozen=True)
class Tips:
    """Tips of the cracks of one slice, one row each."""

    places: Floats
    """y, x in voxels, below a voxel; shape (n, 2)."""
    directions: Floats
    """Unit vectors y, x out of the crack."""
    sharpness: Floats
    """Length over mean width of the end of the crack; the length is 6 pixels, or 2¼ half widths of a wider crack."""


def slice_tips(mask: Mask, levels: NDArray[np.floating] | None = None, threshold: float = 0.5) -> Tips:
    """Tips of the cracks of a slice.

    Ends of the thinned mask (see :func:`napari_xct_crack.metrics.predicted_tips`) lie half a width inside the crack. From
    each the crack is followed on, along the main direction of its pixels behind, to where the level falls to the
    threshold.

    Parameters
    ----------
    mask
        Shape (y, x).
    levels
        What is followed, same shape: the probability 0..1, or if none the mask itself, whose level falls to a half at the
        edge of the last pixel.
    threshold
        Of `levels`.
    """
    # Thinning by layers eats diagonal bars of an even width whole, Lee's does not; what it leaves is thin already.
    found = predicted_tips(mask)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    field = mask.astype(np.float64) if levels is None else np.where(mask, np.maximum(levels, threshold), levels)
    rows = []
    for end in found:
        behind = max(BEHIND, 3 * float(depth[tuple(end)]))
        around = _around(mask, end, behind)
        direction = _direction(around, end)
        # The thinned line may run out into a corner of a blunt end; the middle of the pixels behind does not.
        middle = around.mean(axis=0)
        start = middle + ((end - middle) @ direction) * direction
        place = start + _followed(field, start, direction, behind, threshold) * direction
        rows.append((*place, *direction, _sharpness(around, place, direction, behind)))
    table = np.array(rows, np.float64).reshape(-1, 5)
    return Tips(table[:, :2], table[:, 2:4], table[:, 4])


def rim(mask: Mask, places: NDArray[np.int64], normals: Floats, size: VoxelSize) -> tuple[Mask, Floats]:
    """Which voxels in the middle of a sheet lie at its rim, and the direction out of the sheet there, shape (n, 3).

    The centre of the mask's voxels around, in a Gaussian window of standard deviation σ, lies off a voxel by
    σ²·∇ ln(window mean). Within the sheet's plane that is 0 far from its rim and 0.8 σ on a straight one; a voxel with
    more than 0.4 σ is at the rim if the mask has ended 2 voxels further out.

    Parameters
    ----------
    mask
        Shape (z, y, x).
    places, normals
        Of voxels in the middle of the sheet, shape (n, 3): position, and unit vector across the sheet.
    size
        Sides of a voxel along z, y, x.
    """
    finest = min(size)
    window = [AROUND * finest / side for side in size]
    mean = ndimage.gaussian_filter(mask.astype(np.float32), window, mode="nearest", truncate=3)
    where = tuple(places.T)
    inward = np.stack([part[where].astype(np.float64) for part in gradient_of(mean, size)], axis=1)
    inward *= (AROUND * finest) ** 2 / np.maximum(mean[where], 1e-6)[:, None]
    inward -= (inward * normals).sum(axis=1, keepdims=True) * normals
    off = np.linalg.norm(inward, axis=1)
    outward = -inward / np.maximum(off, 1e-9)[:, None]
    beyond = np.rint(places + 2 * finest * outward / np.array(size)).astype(np.int64)
    inside = ((beyond >= 0) & (beyond < mask.shape)).all(axis=1)
    ended = np.zeros(len(places), bool)
    ended[inside] = ~mask[tuple(beyond[inside].T)]
    return (off > 0.4 * AROUND * finest) & ended, outward


def goes_on(mask: Mask, places: NDArray[np.int64], outward: Floats, size: VoxelSize) -> Mask:
    """Of which voxels at a rim the crack goes on beyond: thin cracks come torn, and a tear is no front.

    Parameters
    ----------
    mask
        All cracks around, shape (z, y, x).
    places, outward
        Of the rim, shape (n, 3): position, and direction out of the sheet.
    size
        Sides of a voxel along z, y, x.
    """
    sides, finest = np.array(size), min(size)
    reach = (NEAR * finest / sides).astype(int)
    ball = np.stack(np.meshgrid(*(np.arange(-far, far + 1) for far in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    ball = ball[np.linalg.norm(ball * sides, axis=1) < NEAR * finest]
    ahead = np.rint(places + AHEAD * finest * outward / sides).astype(np.int64)
    met = np.zeros(len(places), bool)
    for offset in ball:
        at = ahead + offset
        inside = ((at >= 0) & (at < mask.shape)).all(axis=1)
        met[inside] |= mask[tuple(at[inside].T)]
    return met


def gradient_of(values: NDArray[np.float32], size: VoxelSize) -> list[NDArray[np.float32]]:
    """Slope along each axis, 0 along one of a single voxel; `size` are the sides of a voxel."""
    return [
        np.gradient(values, size[axis], axis=axis) if side > 1 else np.zeros_like(values)
        for axis, side in enumerate(values.shape)
    ]


def _around(mask: Mask, end: NDArray[np.int64], reach: float) -> Floats:
    """Pixels of the same crack within reach of its end, shape (n, 2)."""
    low = np.maximum(0, end - int(reach))
    near = mask[low[0] : end[0] + int(reach) + 1, low[1] : end[1] + int(reach) + 1]
    labels, _ = ndimage.label(near, np.ones((3, 3)))
    pixels = np.argwhere(labels == labels[tuple(end - low)]) + low
    close: Floats = pixels[np.hypot(*(pixels - end).T) <= reach].astype(np.float64)
    return close


def _direction(pixels: Floats, end: NDArray[np.int64]) -> Floats:
    """Main direction of the pixels, towards the end; from their mean to the end where they have none."""
    ahead = end - pixels.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(pixels.T))
    direction: Floats = vectors[:, 1] if values[1] > 2 * values[0] else ahead / max(float(np.hypot(*ahead)), 1e-9)
    return direction * (1.0 if direction @ ahead >= 0 else -1.0)


def _followed(field: Floats, start: Floats, direction: Floats, reach: float, threshold: float) -> float:
    """How far along a direction the level first falls below the threshold; between steps of a tenth it is a chord."""
    steps = np.arange(0, reach, _STEP)
    points = start[:, None] + steps * direction[:, None]
    along = ndimage.map_coordinates(field, points, order=1, mode="constant")
    below = np.flatnonzero(along < threshold)
    if not len(below) or below[0] == 0:
        return 0.0
    at = int(below[0])
    drop = float(along[at - 1] - along[at])
    return float(steps[at]) - _STEP * (threshold - float(along[at])) / drop


def _sharpness(pixels: Floats, place: Floats, direction: Floats, reach: float) -> float:
    """Length over mean width of the crack within a length behind its tip."""
    length = 0.75 * reach
    count = int(np.count_nonzero((place - pixels) @ direction <= length))
    return length**2 / max(count, 1)
