"""How thin a crack an ideal linear observer could see in a scan: a limit that no method can beat on a straight crack.

The observer knows the crack's place, direction and the scan's blur, and weighs every frequency across the crack by
signal over noise. A straight crack of aperture w (voxels) and length L in a slice then has

    SNR² = (Δµ·w)² · L · ∫ |T(f)|² / N(f) df,

with Δµ the grey value of metal minus that of air, T the transfer function, N the power spectrum of the noise (grey
value² · voxel²) and f the frequency across the crack in cycles per voxel. For white noise of standard deviation σₙ and a
Gaussian blur of σ voxels it is (Δµ/σₙ)·w·√(L/(2√π·σ)).

References
----------
.. [1] H. H. Barrett, K. J. Myers, "Foundations of Image Science", Wiley 2004, chapter 13: the prewhitening observer.
.. [2] A. Rose, "Vision: Human and Electronic", Plenum 1973: an SNR of 5 as what is seen for certain.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

ROSE = 5.0
"""SNR at which a thing is taken to be seen."""
LENGTHS = (20, 60)
"""Lengths of cracks, in voxels, that limits are stated for."""
TOGETHER = 5
"""Neighbouring slices that are looked at together by a network, and that a second limit is stated for."""
_WINDOW = 64
"""Length, in voxels, of the lines across a crack over which noise is measured."""
_FEWEST = 32
"""Lines that a spectrum is averaged over at least."""


@dataclass(frozen=True)
class Spectrum:
    """Power of the noise of means over a part of a crack, times its voxels: what the crack competes with."""

    frequency: NDArray[np.float64]
    """Across the crack, 0 to 0.5 cycles per voxel."""
    power: NDArray[np.float64]
    """Grey value² · voxel²; constant and the variance of a voxel if the noise is white."""
    extent: int
    """Voxels of the crack that means are over: its length times its slices."""


def gaussian_transfer(point_spread: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Transfer function of a Gaussian blur, whose standard deviation in voxels is that of a fit to the part's edge."""
    return lambda frequency: np.exp(-2 * (np.pi * point_spread * frequency) ** 2)


def noise_spectrum(flat: NDArray[np.floating], metal: NDArray[np.bool_], length: int, slices: int = 1) -> Spectrum:
    """Noise of crack-free metal as a straight crack of some length meets it, along x and along y.

    Parameters
    ----------
    flat
        Grey values minus their local mean, shape (z, y, x).
    metal
        Metal free of cracks and pores, same shape.
    length
        In voxels.
    slices
        Neighbouring slices that the crack, upright in them, is looked at together.

    Raises
    ------
    InputError
        If the metal holds fewer than 32 bands of `length` by 32 voxels.

    Notes
    -----
    Grey values are averaged over `length` voxels along the crack, so that the noise's correlation along it counts. Each
    line of averages has its mean removed and is tapered (Hann) before its power is taken; the frequency 0, which is lost
    with the mean, takes the power of the next one.
    """
    flat, metal = _together(flat, metal, slices)
    for window in (_WINDOW, _WINDOW // 2):
        along_x, along_y = (
            _lines(flat.transpose(axes), metal.transpose(axes), length, window) for axes in ((0, 1, 2), (0, 2, 1))
        )
        lines = np.concatenate([along_x, along_y])
        if len(lines) >= _FEWEST:
            break
    else:
        raise InputError(
            f"Noise cannot be measured for cracks of {length} voxels: the metal without cracks holds only {len(lines)} "
            f"bands of {length} by {_WINDOW // 2} voxels, and {_FEWEST} are needed."
        )
    taper = np.hanning(window + 1)[:-1]
    lines = (lines - lines.mean(axis=1, keepdims=True)) * taper
    power: NDArray[np.float64] = (np.abs(np.fft.rfft(lines, axis=1)) ** 2).mean(axis=0) * length / (taper**2).sum()
    power[:2] = power[2]
    return Spectrum(np.linspace(0, 0.5, len(power)), power, length * slices)


def visibility(
    spectrum: Spectrum, transfer: Callable[[NDArray[np.float64]], NDArray[np.float64]], contrast: float
) -> float:
    """SNR of a crack of one voxel's aperture."""
    frequency = np.linspace(0, 0.5, 1001)
    power = np.interp(frequency, spectrum.frequency, spectrum.power)
    integral = 2 * np.trapezoid(transfer(frequency) ** 2 / power, frequency)
    return float(contrast * np.sqrt(spectrum.extent * integral))


def smallest_aperture(visibility: float, snr: float = ROSE) -> float:
    """Aperture in voxels at which a crack reaches an SNR."""
    return snr / visibility


def white_visibility(contrast: float, noise: float, point_spread: float, length: float) -> float:
    """SNR of a crack of one voxel's aperture in white noise under a Gaussian blur, in closed form."""
    return float(contrast / noise * np.sqrt(length / (2 * np.sqrt(np.pi) * point_spread)))


def limits(
    flat: NDArray[np.floating], metal: NDArray[np.bool_], contrast: float, point_spread: float, slices: int = 1
) -> dict[int, float]:
    """Smallest aperture in voxels that reaches an SNR of 5, by the crack's length: 20 and 60 voxels.

    A length that the metal is too small for is left out.

    Parameters
    ----------
    flat, metal, slices
        As for :func:`noise_spectrum`.
    contrast, point_spread
        From :func:`napari_xct_crack.appearance.estimate`.
    """
    transfer, found = gaussian_transfer(point_spread), {}
    for length in LENGTHS:
        with suppress(InputError):
            found[length] = smallest_aperture(
                visibility(noise_spectrum(flat, metal, length, slices), transfer, contrast)
            )
    return found


def _together(
    flat: NDArray[np.floating], metal: NDArray[np.bool_], slices: int
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Sums over neighbouring slices over the root of their number, and where 70 % of these are metal."""
    if slices == 1:
        return flat, metal
    depth = max(0, len(flat) - slices + 1)
    held = np.where(metal, flat, 0)
    sums, count = np.zeros((depth, *flat.shape[1:])), np.zeros((depth, *flat.shape[1:]), int)
    for first in range(slices):
        sums += held[first : first + depth]
        count += metal[first : first + depth]
    return sums / np.sqrt(np.maximum(count, 1)), count >= 0.7 * slices


def _lines(flat: NDArray[np.floating], metal: NDArray[np.bool_], length: int, window: int) -> NDArray[np.float64]:
    """Means along y over `length` voxels, in bands of `window` voxels along x, shape (n, window).

    Bands overlap by half: a taper gives what lies at their ends little weight. Every mean of a band has to have 70 % of
    its voxels in metal; it is scaled to the noise that the mean of all of them would have.
    """
    found = [np.zeros((0, window))]
    height, width = flat.shape[1:]
    for y in range(0, height - length + 1, length):
        held = metal[:, y : y + length]
        count = held.sum(axis=1)
        sums = np.where(held, flat[:, y : y + length], 0).sum(axis=1, dtype=np.float64)
        means, solid = sums / np.sqrt(np.maximum(count, 1) * length), count >= 0.7 * length
        for x in range(0, width - window + 1, window // 2):
            found.append(means[:, x : x + window][solid[:, x : x + window].all(axis=1)])
    return np.concatenate(found)
