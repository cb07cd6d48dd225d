"""How much crack a generator draws into a stack of slices, and how open it is, by drawing many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..cracks._area import area_of, weighted_median
from ..cracks.random import RandomCracks
from ..cracks.sheet import SheetCracks
from ..settings import Length, VoxelSize
from ..volume import Triple

_CRACKS = 400
"""Cracks that are drawn to know their mean."""
_BORDER = 128
"""How far outside of a patch random cracks may start."""
_PIECES = 24.0
"""Points over a crack's radius."""


@dataclass(frozen=True)
class Drawing:
    """Pieces of many cracks in a stack; arrays of length n. An opening is that of its crack's centre times `share`."""

    share: NDArray[np.float64]
    rank: NDArray[np.float64]
    """Where the crack's centre lies between the smallest and the largest opening, 0..1."""
    area: NDArray[np.float64]
    """In voxels², for one crack that is tried."""
    voxels: int
    """Of the stack."""
    uniform: bool = False
    """Openings are drawn uniformly instead of log-uniformly."""

    def aperture(self, low: float, high: float) -> NDArray[np.float64]:
        """Openings for a range of openings at the centre."""
        if self.uniform:
            return (low + (high - low) * self.rank) * self.share
        result: NDArray[np.float64] = low * (high / low) ** self.rank * self.share
        return result

    def density(self, low: float, high: float, limit: float) -> float:
        """Area in a voxel at least so open, for one crack that is tried."""
        return float(self.area[self.aperture(low, high) >= limit].sum()) / self.voxels

    def median(self, low: float, high: float, limit: float) -> float:
        """Area-weighted median opening of what is at least so open; 0 if there is none."""
        aperture = self.aperture(low, high)
        held = aperture >= limit
        return weighted_median(aperture[held], self.area[held])

    def range_for(self, median: float, limit: float, low: float, widest: float) -> tuple[float, float]:
        """Smallest and largest opening with that median above the limit; the smallest is kept where that is possible."""
        widest = max(widest, low, 1.02 * limit)
        if self.median(low, widest, limit) >= median:
            return low, _solved(lambda high: self.median(low, high, limit), median, max(low, 1.02 * limit), widest)
        return _solved(lambda least: self.median(least, widest, limit), median, low, widest), widest


def drawing(generator: SheetCracks | RandomCracks, stack: Triple, voxel_size: VoxelSize | None) -> Drawing:
    """Many cracks of a generator in a stack of slices."""
    if isinstance(generator, SheetCracks):
        return _sheets(generator, stack, voxel_size)
    return _lines(generator, stack, voxel_size)


@lru_cache(maxsize=64)
def _sheets(generator: SheetCracks, stack: Triple, voxel_size: VoxelSize | None) -> Drawing:
    rng = np.random.default_rng(0)
    even = generator.model_copy(update={"aperture_min": Length(1), "aperture_max": Length(1)})
    found = area_of([even.sheet(stack, rng, voxel_size) for _ in range(_CRACKS)], stack, _PIECES)
    ranks = rng.permutation((np.arange(_CRACKS) + 0.5) / _CRACKS)
    return Drawing(found.aperture, ranks[found.sheet], found.area / _CRACKS, int(np.prod(stack)))


@lru_cache(maxsize=16)
def _lines(generator: RandomCracks, stack: Triple, voxel_size: VoxelSize | None) -> Drawing:
    rng = np.random.default_rng(0)
    ranks = rng.permutation((np.arange(_CRACKS) + 0.5) / _CRACKS)
    border = _BORDER if generator.border else 0
    reach = max(stack[1:]) + 2 * border
    share, rank, area = [], [], []
    for number in range(_CRACKS):
        # lying and upright ones by turns
        long, wide = (stack[2], stack[1]) if number % 2 else (stack[1], stack[2])
        along, offset, thickness = _grown(generator, reach, rng)
        along = along + rng.uniform(-border, long + border)
        across = offset + rng.uniform(-border, wide + border)
        steps = np.hypot(1, np.diff(offset, append=offset[-1:]))
        inside = (along >= 0) & (along < long) & (across >= 0) & (across < wide)
        share.append(thickness[inside])
        rank.append(np.full(int(inside.sum()), ranks[number]))
        area.append(steps[inside] * stack[0] / _CRACKS)
    return Drawing(
        np.concatenate(share),
        np.concatenate(rank),
        np.concatenate(area),
        int(np.prod(stack)),
        generator.t_law == "uniform",
    )


def _grown(generator: RandomCracks, reach: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Column, offset of the centre and share of the first thickness of one crack, by the law of its generator."""
    decay, smoothness = (
        float(np.exp(rng.uniform(np.log(low), np.log(high))))
        for low, high in ((generator.decay_min, generator.decay), (generator.smoothness_min, generator.smoothness))
    )
    kept = np.maximum(0, 1 - np.abs(rng.normal(0, decay, (2, reach))))
    wander = rng.normal(0, smoothness, (2, reach)).cumsum(axis=1)
    columns = np.arange(1.0, reach + 1)
    along = np.concatenate([-columns[::-1], [0.0], columns])
    share = kept.cumprod(axis=1)
    return (
        along,
        np.concatenate([wander[0, ::-1], [0.0], wander[1]]),
        np.concatenate([share[0, ::-1], [1.0], share[1]]),
    )


def per_voxel(generator: SheetCracks, stack: Triple, voxel_size: VoxelSize | None) -> float:
    """Mean area in a voxel of one sheet that is tried, whatever its opening."""
    # the number of cracks and their openings change no area: they would only miss the cache
    same = generator.model_copy(update={"count": (1, 1), "aperture_min": Length(1), "aperture_max": Length(1)})
    return float(_sheets(same, stack, voxel_size).area.sum()) / float(np.prod(stack))


def _solved(value: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a rising function of a length reaches a value, by halving its logarithm."""
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if value(middle) < wanted else (low, middle)
    return float(np.sqrt(low * high))
