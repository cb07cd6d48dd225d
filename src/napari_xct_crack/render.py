"""Put cracks into grey values: missing attenuation, blurred by the scan's point spread, the noise left as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def margin(point_spread: float) -> int:
    """Slices on either side of a stack that its blur can reach."""
    return int(np.ceil(2.5 * point_spread))


def missing(coverage: NDArray[np.float32], point_spread: float) -> NDArray[np.float32]:
    """Blur of a void fraction by the point spread.

    Parameters
    ----------
    coverage
        Void fraction, shape (z, y, x), with :func:`margin` slices more on either side than wanted.
    point_spread
        Standard deviation in voxels.

    Returns
    -------
    Share of the attenuation that is missing, shape (z − 2·margin, y, x).
    """
    reach = margin(point_spread)
    position = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (position / max(point_spread, 1e-3)) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    depth = coverage.shape[0] - 2 * reach
    along_z = np.zeros((depth, *coverage.shape[1:]), np.float32)
    for offset, weight in enumerate(kernel):
        along_z += weight * coverage[offset : offset + depth]
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(along_z, (0, point_spread, point_spread), truncate=2.5)
    return blurred


def render(
    frames: NDArray[np.float32], coverage: NDArray[np.float32], contrast: float, point_spread: float
) -> NDArray[np.float32]:
    """Frames of real metal with cracks in them, shape (z, y, x); the frames' own noise stays.

    `contrast` is the grey value of metal minus that of air; see :func:`missing` for `coverage`.
    """
    return frames - np.float32(contrast) * missing(coverage, point_spread)


def paint(
    frames: NDArray[np.float32], coverage: NDArray[np.float32], air: float, point_spread: float
) -> NDArray[np.float32]:
    """Frames with the grey of air over their cracks, the blurred void as opacity: the noise does not stay in them."""
    opacity = missing(coverage, point_spread)
    return (1 - opacity) * frames + opacity * np.float32(air)


def swap_amplitude(frames: NDArray[np.float32], real: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Give frames the Fourier amplitudes of real ones up to `share` of the highest frequency along y and x.

    Both have the shape (z, y, x); phases and the mean grey of each slice stay. After Shi et al., "FreeCOS", ICCV 2023.
    """
    spectrum, other = np.fft.rfft2(frames), np.fft.rfft2(real)
    fy = np.abs(np.fft.fftfreq(frames.shape[1]))[:, None]
    fx = np.fft.rfftfreq(frames.shape[2])[None]
    low = (np.maximum(fy, fx) <= 0.5 * share) & (fy + fx > 0)
    size = np.abs(spectrum)
    factor = np.where(low, np.abs(other) / np.maximum(size, 1e-12), 1.0)
    swapped: NDArray[np.float32] = np.fft.irfft2(spectrum * factor, frames.shape[1:]).astype(np.float32)
    return swapped


def round_pores(shape: tuple[int, ...], mean: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Void fraction of a random number of round pores, radius log-uniform 0.7–4 voxels, in a stack of slices."""
    void = np.zeros(shape, np.float32)
    for _ in range(int(rng.poisson(mean))):
        radius = float(np.exp(rng.uniform(np.log(0.7), np.log(4.0))))
        centre = [float(rng.uniform(0, side)) for side in shape]
        low = [max(0, int(c - radius) - 1) for c in centre]
        high = [min(side, int(c + radius) + 3) for c, side in zip(centre, shape, strict=True)]
        grid = np.ogrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True)))
        box = void[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        np.maximum(box, np.clip(radius - distance + 0.5, 0, 1).astype(np.float32), out=box)
    return void
