"""Noise of crack-free metal: its strength, its correlation and its power spectrum, from a region of any form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

_REACH = 16
"""Largest lag, in voxels, at which noise is looked at: longer waves are the flat field's."""


@dataclass(frozen=True)
class Noise:
    """Stationary noise, in the units of what it was measured on."""

    sigma: float
    """Standard deviation."""
    lags: NDArray[np.float64]
    """Lags in voxels, from 0."""
    correlation: NDArray[np.float64]
    """Autocorrelation along z, y, x at `lags`, shape (3, n)."""
    frequency: NDArray[np.float64]
    """Radial frequencies in cycles per voxel, 0 to the corner of the spectrum's cube."""
    power: NDArray[np.float64]
    """Power spectral density at `frequency`: variance times voxels."""

    @property
    def lengths(self) -> tuple[float, float, float]:
        """Correlation lengths along z, y, x in voxels: lags at which the autocorrelation has fallen to 1/e."""
        z, y, x = (_falls_to(self.lags, along, np.exp(-1)) for along in self.correlation)
        return (z, y, x)

    def power_at(self, frequency: NDArray[np.floating]) -> NDArray[np.float64]:
        """Power spectral density at radial frequencies."""
        power: NDArray[np.float64] = np.interp(frequency, self.frequency, self.power)
        return power

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
        """Gaussian noise of this spectrum, shape (z, y, x), periodic."""
        axes = [np.fft.fftfreq(side) for side in shape[:2]] + [np.fft.rfftfreq(shape[2])]
        radius = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2] ** 2)
        white = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
        drawn: NDArray[np.float32] = fft.irfftn(white * np.sqrt(self.power_at(radius)).astype(np.float32), shape)
        return drawn * np.float32(self.sigma / max(float(drawn.std()), 1e-12))


def trusted(dark: NDArray[np.float32], inside: NDArray[np.bool_], level: float = -2.5) -> NDArray[np.bool_]:
    """Voxels of metal that are not dark beyond doubt, three voxels around such left out; all shapes (z, y, x)."""
    doubtful = ndimage.binary_dilation(inside & (dark < level), iterations=3)
    result: NDArray[np.bool_] = inside & ~doubtful
    return result


def measure_noise(values: NDArray[np.floating], where: NDArray[np.bool_]) -> Noise:
    """Noise of the voxels of a region.

    Parameters
    ----------
    values
        Flat-fielded values, shape (z, y, x).
    where
        Same shape: the region, of any form.

    Notes
    -----
    The autocovariance at a lag is the mean product of all pairs of voxels of the region that are so far apart; sums of
    products and numbers of pairs both come from Fourier transforms. The power spectrum is its transform under a cosine
    window, so that gaps in the region leave no mark in it.
    """
    mean = float(values[where].mean())
    covariance = _autocovariance(np.where(where, values - mean, 0).astype(np.float32), where)
    reach = [min(_REACH, side - 1) for side in values.shape]
    nearby = covariance[np.ix_(*(np.arange(-r, r + 1) for r in reach))]
    centre = float(nearby[tuple(reach)])
    axes = np.zeros((3, _REACH + 1))
    for axis in range(3):
        at: list[slice | int] = list(reach)
        at[axis] = slice(reach[axis], None)
        axes[axis, : reach[axis] + 1] = nearby[tuple(at)] / max(centre, 1e-20)
    frequency = np.linspace(0, np.sqrt(3) / 2, 88)
    power = _transform(nearby, reach, frequency)
    return Noise(
        sigma=float(np.sqrt(max(centre, 0.0))),
        lags=np.arange(_REACH + 1.0),
        correlation=axes,
        frequency=frequency,
        power=np.maximum(power, 0),
    )


def _autocovariance(values: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    shape = [fft.next_fast_len(side + min(_REACH, side), real=True) for side in values.shape]
    products = fft.irfftn(np.abs(fft.rfftn(values, shape)) ** 2, shape)
    pairs = fft.irfftn(np.abs(fft.rfftn(where.astype(np.float32), shape)) ** 2, shape)
    covariance: NDArray[np.float32] = products / np.maximum(pairs, 1)
    return covariance


def _transform(nearby: NDArray[np.float32], reach: list[int], frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fourier transform of a covariance over lags, its mean over all directions: each lag adds c · sinc(2 f r)."""
    squares = [np.arange(-r, r + 1.0) ** 2 for r in reach]
    lag = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2])
    held = lag <= _REACH
    # lags of one length are added first: there are far fewer lengths than lags
    length, which = np.unique(lag[held], return_inverse=True)
    weighed = np.bincount(which, nearby[held]) * 0.5 * (1 + np.cos(np.pi * length / _REACH))
    return np.asarray(np.sinc(2 * frequency[:, None] * length) @ weighed, dtype=np.float64)


def _falls_to(lags: NDArray[np.float64], correlation: NDArray[np.float64], level: float) -> float:
    """First lag at which a correlation is below a level, between lags by a Gaussian through the two beside it."""
    below = np.flatnonzero(correlation < level)
    if not len(below) or below[0] == 0:
        return float(lags[-1])
    i = int(below[0])
    # ln of a Gaussian is linear in the square of the lag
    high, low = np.log(max(correlation[i - 1], 1e-6)), np.log(max(correlation[i], 1e-6))
    share = (high - np.log(level)) / (high - low)
    return float(np.sqrt(lags[i - 1] ** 2 + share * (lags[i] ** 2 - lags[i - 1] ** 2)))
