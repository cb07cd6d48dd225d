"""Area and opening of crack sheets, exactly as they are carved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..volume import Triple
from ._surface import Sheet, frame, front_factor, surface


@dataclass(frozen=True)
class Area:
    """Points on sheets, each standing for a piece of them; arrays of length n unless said."""

    place: NDArray[np.int64]
    """Voxel z, y, x; shape (3, n)."""
    aperture: NDArray[np.float64]
    """Opening in voxels."""
    area: NDArray[np.float64]
    """In voxels²."""
    sheet: NDArray[np.int64]
    """Which sheet, from 0."""

    def within(self, mask: NDArray[np.bool_]) -> Area:
        """The points inside a mask of shape (z, y, x)."""
        return self.chosen(mask[tuple(self.place)])

    def chosen(self, held: NDArray[np.bool_]) -> Area:
        """Some of the points."""
        return Area(self.place[:, held], self.aperture[held], self.area[held], self.sheet[held])


def area_of(sheets: list[Sheet], shape: Triple, pieces: float = np.inf) -> Area:
    """Sheets inside a volume of that shape, sampled every voxel, or at so many points over a radius."""
    found = [_points(sheet, shape, pieces) for sheet in sheets]
    if not found:
        return Area(np.zeros((3, 0), np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    place, aperture, area = (np.concatenate([points[k] for points in found], axis=-1) for k in range(3))
    number = np.repeat(np.arange(len(found)), [len(points[1]) for points in found])
    return Area(place, aperture, area, number)


def weighted_median(values: NDArray[np.floating], weights: NDArray[np.floating]) -> float:
    """Value at half of the weight; 0 if there is none."""
    if not len(values):
        return 0.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _points(
    sheet: Sheet, shape: Triple, pieces: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    step = max(1.0, sheet.radius / pieces)
    outer = sheet.radius * (1 + np.abs(sheet.front[::2]).sum())
    along = np.arange(-np.ceil(outer / step), np.ceil(outer / step)) * step + step / 2
    u, v = (axis.ravel() for axis in np.meshgrid(along, along, indexing="ij"))
    rho = np.hypot(u, v) / (sheet.radius * front_factor(np.arctan2(v, u), sheet.front))
    u, v, rho = u[rho < 1], v[rho < 1], rho[rho < 1]
    axes = frame(sheet.normal)
    tile = surface(sheet.hurst, sheet.tile)

    def height(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
        at = (u + sheet.shift[0], v + sheet.shift[1])
        rise: NDArray[np.float64] = sheet.roughness * ndimage.map_coordinates(tile, at, order=1, mode="grid-wrap")
        return rise

    line = np.asarray(sheet.centre)[:, None] + axes[1][:, None] * u + axes[2][:, None] * v
    place = np.rint(line + axes[0][:, None] * height(u, v)).astype(np.int64)
    held = ((place >= 0) & (place < np.array(shape)[:, None])).all(axis=0)
    if sheet.bridging > 0:
        # the same surface and level as in carving
        bridges = surface(0.3, sheet.tile + 1)
        at = (u * 2 + sheet.shift[1], v * 2 + sheet.shift[0])
        level = ndimage.map_coordinates(bridges, at, order=1, mode="grid-wrap")
        held &= level >= -1.5 + 2.2 * sheet.bridging
    u, v, rho, place = u[held], v[held], rho[held], place[:, held]
    slope_u = height(u + 0.5, v) - height(u - 0.5, v)
    slope_v = height(u, v + 0.5) - height(u, v - 0.5)
    area = step**2 * np.sqrt(1 + slope_u**2 + slope_v**2)
    return place, sheet.aperture * (1 - rho**2) ** sheet.blunting, area
