"""Dark sheets in a block of metal, found by plates of every heading: the linear observer of a crack.

A plate is the best linear filter for a sheet in noise of the block's own spectrum: along its normal the sheet's blurred
profile divided by the noise's power, within it a Gaussian. Its response is scaled to the opening of the sheet, so that
it measures missing attenuation and not how wide a ridge looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ..appearance import Noise

ROSE = 5.0
"""Signal to noise from which a plate counts: the Rose convention."""

_THINNEST = 0.25
"""Smallest response that counts, however little noise there is: shading is as faint, and no target is thinner (0.3 voxels)."""
_HEADINGS = 64
"""Normals that are tried, spread over half a sphere."""
_REACH = 4.0
"""Standard deviation of a plate, in point spreads …"""
_NARROWEST = 3.5
"""… but no fewer voxels."""
_FAINT = 0.7
"""Share of the limit down to which a ridge is followed before its response is averaged along it."""
_FRONT = 0.5
"""Share of the largest response within a plate's reach below which a place lies beyond the sheet's front."""
_TAIL = 0.12
"""Share of the largest response within three reaches that the tails of a plate can still show of it."""
_FLOOR = 0.05
"""Share of its largest power below which the noise is not trusted to fall."""
_SMALLEST = 4.0
"""Smallest area of a crack, in squares of a plate's standard deviation: pores and noise make smaller ones."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Plates:
    """The filters of one noise and point spread."""

    noise: Noise
    point_spread: float

    @property
    def reach(self) -> float:
        """Standard deviation of a plate in voxels."""
        return max(_REACH * self.point_spread, _NARROWEST)

    @property
    def _frequency(self) -> NDArray[np.float64]:
        return np.linspace(0, 0.5, 501)

    def _transfer(self) -> NDArray[np.float64]:
        """Scanner's transfer over noise power along the normal, scaled to respond 1 to a sheet of opening 1."""
        spread = self._spread()
        power = self.noise.power_at(self._frequency)
        along = spread / np.maximum(power, _FLOOR * power.max())
        result: NDArray[np.float64] = along / (2 * np.trapezoid(spread * along, self._frequency))
        return result

    def _spread(self) -> NDArray[np.float64]:
        result: NDArray[np.float64] = np.exp(-0.5 * (2 * np.pi * self._frequency * self.point_spread) ** 2)
        return result

    def opening(self, response: NDArray[np.floating]) -> NDArray[np.float64]:
        """Opening of an even sheet that responds so; a wide one responds less than its opening."""
        openings = np.linspace(0, 12, 241)
        box = openings[:, None] * np.sinc(openings[:, None] * self._frequency)
        curve = np.asarray(2 * np.trapezoid(box * self._spread() * self._transfer(), self._frequency, axis=1))
        rising = int(np.argmax(curve)) + 1
        opening: NDArray[np.float64] = np.interp(response, curve[:rising], openings[:rising])
        return opening

    def respond(self, missing: Values) -> tuple[Values, NDArray[np.uint8], float]:
        """Largest response of any plate and its heading at every voxel, and the responses' noise.

        Parameters
        ----------
        missing
            Missing share of attenuation, zero mean in metal, shape (z, y, x).
        """
        # a sheet that leaves the block is taken to go on beyond its face
        before = [min(int(1.5 * self.reach), side) for side in missing.shape]
        shape = [fft.next_fast_len(side + 2 * p, real=True) for side, p in zip(missing.shape, before, strict=True)]
        beyond = [(p, a - b - p) for p, a, b in zip(before, shape, missing.shape, strict=True)]
        image = fft.rfftn(np.pad(missing, beyond, mode="symmetric"))
        axes = [np.fft.fftfreq(side).astype(np.float32) for side in shape[:2]] + [
            np.fft.rfftfreq(shape[2]).astype(np.float32)
        ]
        fz, fy, fx = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
        squared = fz**2 + fy**2 + fx**2
        radius = np.sqrt(squared)
        along = np.interp(radius, self._frequency, self._transfer()).astype(np.float32)
        image *= along
        wide = np.float32(-0.5 * (2 * np.pi * self.reach) ** 2)
        best, heading = np.full(missing.shape, -np.inf, np.float32), np.zeros(missing.shape, np.uint8)
        held = tuple(slice(p, p + side) for p, side in zip(before, missing.shape, strict=True))
        sigma = 0.0
        for number, (nz, ny, nx) in enumerate(headings().astype(np.float32)):
            plate = np.exp(wide * (squared - (nz * fz + ny * fy + nx * fx) ** 2))
            if number == 0:
                power = self.noise.power_at(radius)
                # the half spectrum stands for both halves, its first plane for itself
                sigma = float(np.sqrt((power * np.where(fx > 0, 2, 1) * (plate * along) ** 2).sum() / np.prod(shape)))
            response = fft.irfftn(image * plate, shape)[held]
            larger = response > best
            best[larger] = response[larger]
            heading[larger] = number
        return best, heading, sigma


@dataclass(frozen=True)
class Ridges:
    """Points on the middle of dark sheets; arrays of length n unless said."""

    place: NDArray[np.int64]
    """z, y, x; shape (3, n)."""
    normal: NDArray[np.float64]
    """Shape (3, n)."""
    response: NDArray[np.float64]
    """Of the plates there, averaged along the sheet, in voxels of opening."""
    area: NDArray[np.float64]
    """Of the sheet that the point stands for, in voxels²."""
    crack: NDArray[np.int64]
    """Number of the connected sheet, from 0."""
    limit: float
    """Response from which points count."""

    @property
    def count(self) -> int:
        """Number of sheets."""
        return int(self.crack.max()) + 1 if len(self.crack) else 0


def headings() -> NDArray[np.float64]:
    """Unit normals spread evenly over half a sphere, shape (n, 3)."""
    index = np.arange(_HEADINGS) + 0.5
    up = index / _HEADINGS
    turn = np.pi * (1 + np.sqrt(5)) * index
    across = np.sqrt(1 - up**2)
    return np.stack([up, across * np.sin(turn), across * np.cos(turn)], axis=1)


def find(missing: Values, inside: NDArray[np.bool_], plates: Plates) -> Ridges:
    """Sheets in a block whose missing share of attenuation is given, shape (z, y, x), within a mask of that shape."""
    response, heading, sigma = plates.respond(missing)
    limit = max(ROSE * sigma, _THINNEST)
    normals = headings()
    main = np.abs(normals).argmax(axis=1)[heading]
    ridge = np.zeros(missing.shape, np.bool_)
    for axis in range(3):
        before, after = (_shifted(response, axis, by) for by in (1, -1))
        ridge |= (main == axis) & (response >= before) & (response > after)
    # beyond the front of a sheet its plates still see half of it
    near, far = (ndimage.maximum_filter(response, 2 * round(by * plates.reach) + 1) for by in (1, 3))
    ridge &= inside & (response >= np.maximum(_FAINT * limit, np.maximum(_FRONT * near, _TAIL * far)))
    response = _along(response, ridge, plates.reach / 2)
    ridge &= response >= limit
    labels, count = ndimage.label(ridge, structure=np.ones((3, 3, 3)))
    place = np.array(np.nonzero(ridge))
    number = labels[tuple(place)]
    chosen = heading[tuple(place)]
    # lines along the main axis pierce a sheet so often per area
    area = 1 / np.abs(normals).max(axis=1)[chosen]
    large = np.bincount(number, area, minlength=count + 1) >= _SMALLEST * plates.reach**2
    held = large[number]
    renumbered = np.cumsum(large) - 1
    return Ridges(
        place=place[:, held],
        normal=normals[chosen[held]].T,
        response=response[tuple(place)][held].astype(np.float64),
        area=area[held],
        crack=renumbered[number[held]],
        limit=limit,
    )


def _along(response: Values, ridge: NDArray[np.bool_], sigma: float) -> Values:
    """Gaussian mean of the response over the ridge around each of its voxels."""
    weight = ndimage.gaussian_filter(ridge.astype(np.float32), sigma)
    mean = ndimage.gaussian_filter(np.where(ridge, response, np.float32(0)), sigma)
    return np.asarray(np.divide(mean, weight, out=np.zeros_like(mean), where=ridge), dtype=np.float32)


def _shifted(values: Values, axis: int, by: int) -> Values:
    """Neighbours along an axis; nothing beyond the ends."""
    moved = np.roll(values, by, axis)
    end: list[slice | int] = [slice(None)] * 3
    end[axis] = 0 if by > 0 else -1
    moved[tuple(end)] = -np.inf
    return moved
