"""Parallel-beam projection and filtered back-projection of a stack of slices, and what they do to noise.

A parallel-beam scan of a volume is a stack of two-dimensional ones, so all slices share the rotation of each view.
Distances are in voxels, which are as large as the detector's pixels; the axis is the middle of a slice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize, special
from torch.nn import functional

BATCH = 8
"""Slices that are rotated at once: more do not get faster."""


def angles(columns: int, per_column: float) -> NDArray[np.float64]:
    """Angles of the views over half a turn, `per_column` views for each detector column; π/2 samples all frequencies."""
    views = max(1, int(np.ceil(per_column * columns)))
    return np.arange(views) * np.pi / views


def project(slices: NDArray[np.float32], theta: NDArray[np.float64]) -> Iterator[NDArray[np.float32]]:
    """Line integrals of square slices, shape (z, y, x), a batch of slices at a time.

    Yields
    ------
    Shape (z, views, columns). The ray of column t at the angle θ runs through the points t·(cos θ, sin θ) + s·(−sin θ,
    cos θ) over x, y; it is summed over whole steps of s, between voxels bilinearly.
    """
    side = slices.shape[-1]
    across = _axis(side)
    for first in range(0, len(slices), BATCH):
        stack = torch.from_numpy(np.ascontiguousarray(slices[first : first + BATCH]))[None]
        rays = torch.empty(stack.shape[1], len(theta), side)
        for view, angle in enumerate(theta):
            c, s = float(np.cos(angle)), float(np.sin(angle))
            x, y = c * across - s * across[:, None], s * across + c * across[:, None]
            turned = functional.grid_sample(stack, torch.stack([x, y], -1)[None], align_corners=False)
            rays[:, view] = turned[0].sum(1)
        yield rays.numpy()


def reconstruct(
    rays: NDArray[np.float32], theta: NDArray[np.float64], smoothing: float
) -> Iterator[NDArray[np.float32]]:
    """Filtered back-projection of line integrals, shape (z, views, columns), a batch of slices at a time.

    Parameters
    ----------
    smoothing
        Standard deviation, in voxels, of the Gaussian that the ramp filter is combined with.

    Yields
    ------
    Shape (z, columns, columns): the integrand.
    """
    side = rays.shape[-1]
    across = _axis(side)
    for first in range(0, len(rays), BATCH):
        filtered = _filtered(torch.from_numpy(rays[first : first + BATCH]), smoothing)
        total = torch.zeros(len(filtered), side, side)
        for view, angle in enumerate(theta):
            t = float(np.cos(angle)) * across + float(np.sin(angle)) * across[:, None]
            grid = torch.stack([t, torch.zeros_like(t)], -1)[None]
            total += functional.grid_sample(filtered[None, :, view, None], grid, align_corners=False)[0]
        yield (total * (np.pi / len(theta))).numpy()


def matched_smoothing(detector: float) -> float:
    """Smoothing that makes reconstructed noise as correlated in the slice as the detector makes it from slice to slice.

    The ramp filter leaves less correlation between neighbours than the detector's blur, whose standard deviation in
    pixels is `detector`, has given them; that between slices it does not touch. 0 where no smoothing is needed.
    """
    kernel = _kernel(detector)
    wanted = float((kernel[1:] * kernel[:-1]).sum() / (kernel**2).sum())

    def excess(smoothing: float) -> float:
        frequency, power = _spectrum(detector, smoothing)
        return float((power * special.j0(2 * np.pi * frequency)).sum() / power.sum()) - wanted

    return float(optimize.brentq(excess, 0.0, 8.0)) if excess(0.0) < 0 < excess(8.0) else 0.0


def noise_gain(detector: float, smoothing: float, views: int) -> float:
    """Variance of a reconstructed voxel for line integrals whose noise, white before the detector's blur, has variance 1.

    References
    ----------
    .. [1] A. C. Kak, M. Slaney, "Principles of Computerized Tomographic Imaging", IEEE Press 1988, section 5.2.
    """
    frequency, power = _spectrum(detector, smoothing)
    # the detector also averages over slices
    across = float((_kernel(detector) ** 2).sum())
    return float(np.pi**2 / views * 2 * np.trapezoid(power, frequency)) * across


def _kernel(detector: float) -> NDArray[np.float64]:
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / max(detector, 1e-3)) ** 2)
    return np.asarray(kernel / kernel.sum())


def _spectrum(detector: float, smoothing: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in cycles per voxel and the power of a filtered projection's noise, interpolated linearly."""
    frequency = np.linspace(0, 3, 3001)
    folded = np.abs((frequency + 0.5) % 1 - 0.5)
    # a narrow blur is sampled by the pixels, so its transfer is not Gaussian
    kernel = _kernel(detector)
    detected = np.cos(2 * np.pi * np.multiply.outer(folded, np.arange(len(kernel)) - len(kernel) // 2)) @ kernel
    smooth = np.exp(-2 * (np.pi * smoothing * folded) ** 2)
    return frequency, (folded * detected * smooth) ** 2 * np.sinc(frequency) ** 4


def _filtered(rays: torch.Tensor, smoothing: float) -> torch.Tensor:
    side = rays.shape[-1]
    length = 1 << int(np.ceil(np.log2(2 * side)))
    # the ramp is sampled in space, where it ends, so that no constant is lost
    place = np.fft.fftfreq(length, 1 / length)
    odd = place % 2 == 1
    ramp = np.where(place == 0, 0.25, 0.0)
    ramp[odd] = -1 / (np.pi * place[odd]) ** 2
    response = np.fft.rfft(ramp).real * np.exp(-2 * (np.pi * smoothing * np.fft.rfftfreq(length)) ** 2)
    spectrum = torch.fft.rfft(rays, n=length) * torch.from_numpy(response.astype(np.float32))
    filtered: torch.Tensor = torch.fft.irfft(spectrum, n=length)[..., :side]
    return filtered.contiguous()


def _axis(side: int) -> torch.Tensor:
    """Centres of voxels from −1 to 1, which are the outer edges of the first and last one."""
    return (2 * torch.arange(side, dtype=torch.float32) + 1) / side - 1
