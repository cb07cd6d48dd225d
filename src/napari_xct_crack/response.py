"""How dark a voxel is against the metal around it, in units of the noise: a filter that needs no labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .volume import Triple

Sigma = tuple[float, float, float]
"""Standard deviations of a Gaussian along z, y, x in voxels."""

DARK = -2.5
"""Responses below it are dark beyond doubt of noise: the fixed threshold of the filter."""


def flat_field(
    grey: NDArray[np.generic], part: NDArray[np.bool_] | None = None, sigma: float = 20.0
) -> NDArray[np.float32]:
    """Grey values minus their local mean inside the part.

    The mean is Gaussian, taken over the voxels of the part only (normalised convolution) and computed on a grid binned
    by about a fifth of `sigma`, which is far finer than what it can resolve.

    Parameters
    ----------
    grey
        Shape (z, y, x), any number type.
    part
        Same shape, or none for all of it.
    sigma
        Standard deviation of the local mean in voxels, the same along all axes.

    Returns
    -------
    float32, same shape and units as `grey`; 0 outside the part.
    """
    values = np.asarray(grey, dtype=np.float32)
    inside = np.ones(values.shape, dtype=bool) if part is None else part
    level = float(values[inside].mean()) if inside.any() else 0.0
    values = np.where(inside, values - np.float32(level), np.float32(0))
    binning = _binning(values.shape, sigma)
    coarse = [sigma / step for step in binning]
    weight = ndimage.gaussian_filter(_binned(inside, binning), coarse, mode="constant")
    mean = ndimage.gaussian_filter(_binned(values, binning), coarse, mode="constant")
    mean = np.divide(mean, weight, out=np.zeros_like(mean), where=weight > 1e-6)
    fine = ndimage.zoom(mean, binning, order=1, mode="nearest", grid_mode=True)
    z, y, x = values.shape
    result: NDArray[np.float32] = np.where(inside, values - fine[:z, :y, :x], np.float32(0))
    return result


def dark_response(
    grey: NDArray[np.generic],
    part: NDArray[np.bool_] | None = None,
    sigma: Sigma = (2.0, 1.5, 1.5),
    flattened: bool = False,
) -> NDArray[np.float32]:
    """Response r of the label-free 3-D filter: negative where a place is darker than the metal around it.

    The flat-fielded volume is smoothed by a Gaussian, centred on its median and divided by 1.48 times its median
    absolute deviation, all inside the part; in pure noise r is then standard normal.

    Parameters
    ----------
    grey
        Shape (z, y, x); cracks darker than metal.
    part
        Same shape, or none for all of it.
    sigma
        Standard deviations of the Gaussian along z, y, x in voxels.
    flattened
        Whether `grey` already comes from :func:`flat_field`.

    Returns
    -------
    float32, same shape; 0 outside the part, and everywhere where the part is empty or of one grey value.
    """
    flat = np.asarray(grey, dtype=np.float32) if flattened else flat_field(grey, part)
    smooth = ndimage.gaussian_filter(flat, sigma, mode="reflect")
    inside = smooth.ravel() if part is None else smooth[part]
    if inside.size == 0:
        return np.zeros_like(smooth)
    centre = np.median(inside)
    spread = 1.48 * float(np.median(np.abs(inside - centre)))
    if spread == 0:
        return np.zeros_like(smooth)
    smooth -= centre
    smooth /= np.float32(spread)
    return smooth if part is None else np.where(part, smooth, np.float32(0))


def _binning(shape: tuple[int, ...], sigma: float) -> Triple:
    """Bin widths: a fifth of `sigma`, no wider than the axis."""
    z, y, x = (max(1, min(round(sigma / 5), side)) for side in shape)
    return (z, y, x)


def _binned(values: NDArray[np.generic], binning: Triple) -> NDArray[np.float32]:
    """Sums over bins; what lies beyond the array counts as 0, like all outside the part."""
    missing = [(0, -side % step) for side, step in zip(values.shape, binning, strict=True)]
    padded = np.pad(np.asarray(values, dtype=np.float32), missing)
    z, y, x = (side // step for side, step in zip(padded.shape, binning, strict=True))
    bz, by, bx = binning
    sums: NDArray[np.float32] = padded.reshape(z, bz, y, by, x, bx).sum(axis=(1, 3, 5), dtype=np.float32)
    return sums
