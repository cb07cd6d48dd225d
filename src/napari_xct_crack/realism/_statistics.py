"""What the dark sheets of a scan are like, with how sure that is, and the grey of the metal around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..appearance import measure_noise, trusted
from ..cracks._area import weighted_median
from ._block import Block, dark
from ._plates import Ridges

_PROFILES = 200
"""Most places at which one sheet's profile is taken."""
_DRAWS = 400
"""Resamplings behind an interval."""
Column = NDArray[np.float64]


@dataclass(frozen=True)
class Sheets:
    """What was found in all blocks of a scan: a row for each sheet, arrays of length n unless said."""

    area: Column
    """In voxels²."""
    opening: Column
    """Area-weighted median, in voxels."""
    width: Column
    """Of its grey profile at half its depth, in voxels."""
    depth: Column
    """Of its grey profile, as a share of metal minus air."""
    length: Column
    """Mean length of its trace in a slice, in voxels."""
    lean: Column
    """Root mean square angle against upright on the slices, in degrees."""
    profile: NDArray[np.float64]
    """Mean missing share along the normal, a row for each sheet."""
    openings: Column
    """Of all places on all sheets …"""
    areas: Column
    """… and the area that each stands for."""
    voxels: int
    """Metal that was looked at."""
    limit: float
    """Opening of the thinnest even sheet that is found, in voxels."""

    @property
    def total(self) -> float:
        """Area of all sheets in voxels²."""
        return float(self.area.sum())

    def counted(self, limit: float) -> tuple[float, float]:
        """Area of all places at least so open, and its median opening."""
        held = self.openings >= limit
        return float(self.areas[held].sum()), weighted_median(self.openings[held], self.areas[held])

    def median(self, name: str) -> float:
        """Area-weighted median over the sheets of one of their columns."""
        return weighted_median(getattr(self, name), self.area)


def sheets(blocks: list[Block], ridges: list[Ridges]) -> Sheets:
    """Gather what was found in the blocks of one scan."""
    rows, profiles, openings, areas = [], [], [], []
    for block, ridge in zip(blocks, ridges, strict=True):
        opening = block.plates.opening(ridge.response)
        openings.append(opening)
        areas.append(ridge.area)
        for number in range(ridge.count):
            own = ridge.crack == number
            profile, along = _profile(block, ridge.place[:, own], ridge.normal[:, own])
            rows.append([*_row(ridge, own, opening), *_shape(profile, along)])
            profiles.append(profile)
    table = np.array(rows).reshape(-1, 6).T
    longest = max((len(p) for p in profiles), default=1)
    return Sheets(
        table[0], table[1], table[5], table[4], table[2], table[3],
        np.array([_padded(p, longest) for p in profiles]).reshape(-1, longest),
        np.concatenate(openings), np.concatenate(areas),
        sum(block.volume for block in blocks),
        float(np.mean([block.plates.opening(np.array([r.limit]))[0] for block, r in zip(blocks, ridges, strict=True)])),
    )  # fmt: skip


def interval(found: Sheets, statistic: Callable[[Sheets, NDArray[np.int64]], float]) -> tuple[float, float]:
    """95 % interval of a statistic when other sheets had been met: Poisson numbers of each of them.

    `statistic` takes the sheets and how often each counts.
    """
    rng = np.random.default_rng(0)
    values = []
    for _ in range(_DRAWS):
        times = rng.poisson(1.0, len(found.area))
        if times.any():
            values.append(statistic(found, times))
    if not values:
        return (np.nan, np.nan)
    low, high = np.quantile(values, (0.025, 0.975))
    return (float(low), float(high))


def tiles(blocks: list[Block], statistic: Callable[[Block], float]) -> tuple[float, float, float]:
    """Mean of a statistic over eighths of the blocks and its 95 % interval from how they differ."""
    values = [statistic(part) for block in blocks for part in _eighths(block)]
    values = [value for value in values if np.isfinite(value)]
    mean = float(np.mean(values)) if values else np.nan
    half = 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return mean, mean - half, mean + half


def darkest(block: Block) -> float:
    """Missing share that a hundredth of the metal exceeds."""
    values = block.missing[block.inside]
    return float(np.quantile(values, 0.99)) if values.size else np.nan


def noise(block: Block, what: str) -> float:
    """Standard deviation (`sigma`) or correlation length along an axis (`z`, `y`, `x`) of a block's noise."""
    where = trusted(dark(block.missing, block.inside), block.inside)
    if where.sum() < 1000 or min(block.missing.shape) < 4:
        return np.nan
    measured = measure_noise(block.missing, where)
    return measured.sigma if what == "sigma" else measured.lengths["zyx".index(what)]


def _row(ridge: Ridges, own: NDArray[np.bool_], opening: Column) -> list[float]:
    area, upright = ridge.area[own], 1 - ridge.normal[0, own] ** 2
    slices = len(np.unique(ridge.place[0, own]))
    lean = np.arcsin(np.clip(np.abs(ridge.normal[0, own]), 0, 1))
    return [
        float(area.sum()),
        weighted_median(opening[own], area),
        # a sheet of height h and trace length l has the area h·l over the cosine of its lean
        float((area * np.sqrt(upright)).sum()) / slices,
        float(np.degrees(np.sqrt(np.average(lean**2, weights=area)))),
    ]


def _profile(block: Block, place: NDArray[np.int64], normal: NDArray[np.float64]) -> tuple[Column, Column]:
    """Mean missing share along the normal of one sheet, and where it was taken."""
    if place.shape[1] > _PROFILES:
        pick = np.linspace(0, place.shape[1] - 1, _PROFILES).astype(int)
        place, normal = place[:, pick], normal[:, pick]
    reach = np.ceil(4 * block.plates.point_spread + 4)
    along = np.arange(-reach, reach + 0.5, 0.5)
    at = place[:, :, None] + normal[:, :, None] * along
    values = ndimage.map_coordinates(block.missing, at.reshape(3, -1), order=1, mode="nearest")
    profile: Column = values.reshape(at.shape[1:]).mean(axis=0)
    return profile - np.median(profile[np.abs(along) > 0.7 * reach]), along


def _shape(profile: Column, along: Column) -> tuple[float, float]:
    """Depth and full width at half of it; a Gaussian's is 0.94 times its area over its height."""
    middle = np.abs(along) <= 1
    depth = float(profile[middle].max())
    near = np.abs(along) <= 0.7 * along[-1]
    area = float(np.trapezoid(profile[near], along[near]))
    return depth, 0.94 * area / depth if depth > 0 else 0.0


def _padded(profile: Column, length: int) -> Column:
    missing = (length - len(profile)) // 2
    return np.pad(profile, missing)


def _eighths(block: Block) -> list[Block]:
    halves = [(slice(0, side // 2), slice(side // 2, side)) for side in block.inside.shape]
    parts = [(a, b, c) for a in halves[0] for b in halves[1] for c in halves[2]]
    return [block.part(box) for box in parts]
