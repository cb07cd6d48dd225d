"""The step from air to metal at the part's edge: grey value of air and point spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

_SMOOTH = 1.5
"""Standard deviation, in voxels, of the smoothing that locates the part's edge below a voxel."""


def edge(values: NDArray[np.float32], part: NDArray[np.bool_], metal: float) -> tuple[float, float] | None:
    """Grey value of air and point spread from the part's edge, or none where too little of it is in view."""
    beyond = ndimage.distance_transform_edt(~part)
    # zero is what reconstructions write outside of the field of view
    air_voxels = values[(beyond > 6) & (beyond < 20) & (values > 0)]
    if air_voxels.size < 2000:
        return None
    air = float(np.median(air_voxels))
    if metal - air <= 0:
        return None
    masked = ndimage.binary_dilation(values == 0, iterations=6) if (values == 0).any() else np.zeros(part.shape, bool)
    smooth = ndimage.gaussian_filter(values, (0, _SMOOTH, _SMOOTH))
    slope = np.hypot(ndimage.sobel(smooth, 1), ndimage.sobel(smooth, 2)) / 8
    steep = (metal - air) / (np.sqrt(2 * np.pi) * np.hypot(6.0, _SMOOTH))
    near = (np.abs(smooth - (metal + air) / 2) < 0.2 * (metal - air)) & (slope > steep) & (beyond < 8) & ~masked
    if near.sum() < 500:
        return None
    return air, _width_of_step(values, near, smooth, slope, (air, metal))


def _width_of_step(
    values: NDArray[np.float32],
    near: NDArray[np.bool_],
    smooth: NDArray[np.float32],
    slope: NDArray[np.float32],
    levels: tuple[float, float],
) -> float:
    """Standard deviation of the error function across the edge, sampled along the gradient from sub-voxel edge points."""
    z, y, x = np.nonzero(near)
    if z.size > 20000:
        pick = np.linspace(0, z.size - 1, 20000).astype(int)
        z, y, x = z[pick], y[pick], x[pick]
    steepness = slope[z, y, x]
    ny = ndimage.sobel(smooth, 1)[z, y, x] / 8 / steepness
    nx = ndimage.sobel(smooth, 2)[z, y, x] / 8 / steepness
    shift = (sum(levels) / 2 - smooth[z, y, x]) / steepness
    distance = np.arange(-6, 6.01, 0.5)
    rows = (y + shift * ny)[:, None] + distance * ny[:, None]
    columns = (x + shift * nx)[:, None] + distance * nx[:, None]
    planes = np.broadcast_to(z[:, None], rows.shape)
    profile = ndimage.map_coordinates(values, (planes, rows, columns), order=1, mode="nearest").mean(axis=0)

    def step(d: NDArray[np.float64], low: float, high: float, at: float, sigma: float) -> NDArray[np.float64]:
        curve: NDArray[np.float64] = low + (high - low) * 0.5 * (1 + special.erf((d - at) / (np.sqrt(2) * sigma)))
        return curve

    fit, _ = optimize.curve_fit(step, distance, profile, p0=(*levels, 0.0, 1.5), maxfev=4000)
    # linear interpolation between voxels blurs by about a sixth of a voxel's variance
    return float(np.sqrt(max(fit[3] ** 2 - 1 / 6, 0.2**2)))
