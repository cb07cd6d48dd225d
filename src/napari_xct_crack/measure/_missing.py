"""Void by the grey value that is missing: it tells openings thinner than a voxel, which a mask cannot."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..appearance import Noise, estimate, measure_noise, trusted
from ..detection import LENGTHS, gaussian_transfer, noise_spectrum, smallest_aperture, visibility
from ..errors import InputError
from ..metrics.void import AROUND, shortfall
from ..prepare import part_at, prepare
from ..response import dark_response, flat_field
from ..volume import Box, Volume
from ._limits import Seen

Mask = NDArray[np.bool_]

HALO = AROUND // 2 + 1
"""Voxels around, within the slice, whose metal counts."""
_SLICES, _SAMPLE = 16, 2**24
"""Slices in the middle of the scan, and at most so many of their voxels, that the contrast is taken from."""


def void(grey: NDArray[Any], near: Mask, metal: Mask, contrast: float) -> NDArray[np.float64]:
    """Void fraction (µ0 − µ) / Δµ of the voxels near cracks, shape (z, y, x); 0 elsewhere and where no metal is around.

    Parameters
    ----------
    grey
        Grey values µ.
    near
        Where it is wanted.
    metal
        Metal away from cracks; its mean around, within the slice, is µ0. What stands out from it is left out.
    contrast
        Δµ, grey value of metal minus that of air.
    """
    result = np.zeros(grey.shape)
    for plane, wanted, solid, out in zip(grey, near, metal, result, strict=True):
        if wanted.any() and solid.any():
            missing = shortfall(plane.astype(np.float32), solid)[wanted]
            out[wanted] = np.nan_to_num(missing / contrast)
    return result


def look(scan: Volume, part: Volume | None) -> tuple[Seen, Noise]:
    """Grey values of metal and air, what could be seen, and the noise, from slices in the middle of a scan.

    Parameters
    ----------
    part
        Mask of the part; it is found where none is given.

    Raises
    ------
    InputError
        If none of the part is there.
    """
    scan = prepare(scan, window=scan.window or (0.0, 1.0), part=part)
    z, y, x = scan.shape
    depth = max(1, min(z, _SLICES, _SAMPLE // (y * x)))
    box = Box(((z - depth) // 2, 0, 0), ((z - depth) // 2 + depth, y, x))
    inside, grey = part_at(scan, box), scan.read(box)
    if not inside.any():
        raise InputError(
            f"None of the part lies in the middle slices of {scan.name}, so metal cannot be told from air."
        )
    flat = flat_field(grey, inside)
    sound = trusted(dark_response(flat, inside, flattened=True), inside)
    seen = estimate(grey, inside, flat)
    smallest: dict[int, float] = {}
    for length in LENGTHS:
        with suppress(InputError):
            spectrum = noise_spectrum(flat, sound, length)
            smallest[length] = smallest_aperture(
                visibility(spectrum, gaussian_transfer(seen.point_spread), seen.contrast)
            )
    return Seen(seen, smallest), measure_noise(flat, sound if sound.any() else inside)


def error(noise: Noise, area: NDArray[np.float64], thickness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of a grey value summed across a sheet, averaged over the sheet; grey value times voxels.

    The sum over a slab of an `area` (voxels²) and a `thickness` (voxels) has the variance area · ∫ |t·sinc(t·f)|² N(f) df,
    with N the noise's power spectrum and f along the normal; that of the mean per area is area times smaller squared.
    """
    frequency = np.linspace(0, 0.5, 257)
    power = noise.power_at(frequency)
    across = thickness[:, None] * np.sinc(thickness[:, None] * frequency)
    variance = 2 * np.trapezoid(across**2 * power, frequency, axis=1)
    result: NDArray[np.float64] = np.sqrt(variance / np.maximum(area, 1))
    return result
