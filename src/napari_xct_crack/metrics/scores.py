"""Precision, recall and F1 from counts per unit, and the interval of a margin between two predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..volume import Triple

CELL = 64
"""Side of a background cell in voxels."""
BLOCK = 8
"""Slices of a block, the unit where cracks have no ids."""
NEAR = 16.0
"""A prediction farther than this from every crack of its slice belongs to its background cell."""


@dataclass(frozen=True)
class Scores:
    """Counts of matched items (voxels, tips), one row per unit; the scores pool all rows.

    A share of nothing is 1: precision without predicted items, recall without true ones. F1 is the harmonic mean of
    both, hence 1 if nothing is true and nothing predicted, 0 if only one of the two is empty.

    Parameters
    ----------
    units
        Shape (n,), ascending: crack ids (positive), background cells or blocks of slices (negative).
    counts
        Shape (n, 4): right among the predicted, predicted, found among the true, true.
    """

    units: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def tally(
        cls, predicted: NDArray[np.int64], right: NDArray[np.bool_], true: NDArray[np.int64], found: NDArray[np.bool_]
    ) -> Scores:
        """Count items: the units of predicted and true ones, and which of them have a partner."""
        units = np.unique(np.concatenate([predicted, true]))
        counts = np.zeros((units.size, 4), dtype=np.int64)
        for column, (owner, hit) in enumerate([(predicted, right), (true, found)]):
            place = np.searchsorted(units, owner)
            counts[:, 2 * column] = np.bincount(place[hit], minlength=units.size)
            counts[:, 2 * column + 1] = np.bincount(place, minlength=units.size)
        return cls(units, counts)

    @classmethod
    def none(cls) -> Scores:
        """Nothing counted yet."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros((0, 4), dtype=np.int64))

    def __add__(self, other: Scores) -> Scores:
        """Counts of two parts of the same volume."""
        units = np.union1d(self.units, other.units)
        return Scores(units, self.over(units) + other.over(units))

    def over(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts, shape (len(units), 4), for ascending units that include this one's own."""
        counts = np.zeros((units.size, 4), dtype=np.int64)
        counts[np.searchsorted(units, self.units)] = self.counts
        return counts

    @property
    def precision(self) -> float:
        """Share of the predicted items that have a true partner."""
        return float(_precision(self.counts.sum(axis=0)))

    @property
    def recall(self) -> float:
        """Share of the true items that have a predicted partner."""
        return float(_recall(self.counts.sum(axis=0)))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return float(_f1(self.counts.sum(axis=0)))

    @property
    def volume_ratio(self) -> float:
        """Number of predicted over number of true items; 1 if both are 0, infinite if only the true ones are."""
        _, predicted, _, true = (int(value) for value in self.counts.sum(axis=0))
        if true == 0:
            return 1.0 if predicted == 0 else float("inf")
        return predicted / true


@dataclass(frozen=True)
class Margin:
    """F1 of one prediction minus F1 of another, with its paired interval."""

    value: float
    low: float
    high: float
    units: int
    """Number of units that were resampled."""


def margin(ours: Scores, theirs: Scores, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Margin:
    """Paired bootstrap of the difference of two F1 values of one volume: :func:`pooled_margin` of that one."""
    return pooled_margin([ours], [theirs], level=level, draws=draws, seed=seed)


def pooled_margin(
    ours: Sequence[Scores],
    theirs: Sequence[Scores],
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
    volumes: bool = False,
) -> Margin:
    """Paired bootstrap of the difference of two F1 values, each of the counts of all volumes together.

    In each volume, units that hold a crack and units of background are drawn with replacement, each kind from its own,
    the same draw for both predictions; the interval is the central `level` of the differences [1]_. With fewer than two
    units it is -1 to 1, for nothing can be said.

    Parameters
    ----------
    ours, theirs
        One per volume, in the same order. Where two trainings were scored on the same volume, add their scores
        first: a crack is then drawn for both at once.
    volumes
        Whether the volumes are drawn with replacement too, and then the units of each one drawn: the interval then
        also speaks of volumes that were not scored. It takes several.

    References
    ----------
    .. [1] Davison and Hinkley, Bootstrap Methods and their Application, Cambridge 1997, sections 2.4 and 3.8.
    """
    rng = np.random.default_rng(seed)
    times = np.ones((draws, len(ours)), dtype=np.int64)
    if volumes:
        times = rng.multinomial(len(ours), np.full(len(ours), 1 / len(ours)), size=draws)
    drawn, given, number = np.zeros((2, draws, 4)), np.zeros((2, 4)), 0
    for one, other, repeats in zip(ours, theirs, times.T, strict=True):
        units = np.union1d(one.units, other.units)
        counts = np.stack([one.over(units), other.over(units)])
        cracked = counts[..., 3].sum(axis=0) > 0
        for kind in (np.flatnonzero(cracked), np.flatnonzero(~cracked)):
            if kind.size:
                weights = rng.multinomial(repeats * kind.size, np.full(kind.size, 1 / kind.size))
                drawn += weights @ counts[:, kind]
        given += counts.sum(axis=1)
        number += int(units.size)
    value = float(_f1(given[0]) - _f1(given[1]))
    if number < 2:
        return Margin(value, -1.0, 1.0, number)
    low, high = np.quantile(_f1(drawn[0]) - _f1(drawn[1]), [(1 - level) / 2, (1 + level) / 2])
    return Margin(value, float(low), float(high), number)


def units_of(points: NDArray[np.int64], truth: NDArray[Any], start: Triple) -> NDArray[np.int64]:
    """Unit of each voxel (z, y, x) of `points`, shape (n, 3), inside the array `truth`.

    Where `truth` holds crack ids (an integer type) it is the nearest crack of the slice within 16 voxels, else the
    background cell of 64³ voxels; where `truth` is a bool mask it is the block of eight slices. `start` is the
    position of voxel 0 in the volume.
    """
    z, y, x = points.T
    if truth.dtype == bool:
        blocks: NDArray[np.int64] = -1 - (z + start[0]) // BLOCK
        return blocks
    units: NDArray[np.int64] = truth[z, y, x].astype(np.int64)
    for plane in np.unique(z[units == 0]):
        lost = (z == plane) & (units == 0)
        units[lost] = _nearest(truth[plane], y[lost], x[lost])
    cell = ((z + start[0]) // CELL * 2**20 + (y + start[1]) // CELL) * 2**20 + (x + start[2]) // CELL
    return np.where(units == 0, -1 - cell, units)


def _nearest(ids: NDArray[Any], y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Id of the nearest crack of a slice, 0 where none is within reach."""
    if not ids.any():
        return np.zeros(y.size, dtype=np.int64)
    distance, nearest = ndimage.distance_transform_edt(ids == 0, return_indices=True)
    owner = ids[nearest[0][y, x], nearest[1][y, x]].astype(np.int64)
    return np.where(distance[y, x] <= NEAR, owner, 0)


def _precision(counts: NDArray[Any]) -> NDArray[np.float64]:
    return _share(counts[..., 0], counts[..., 1])


def _recall(counts: NDArray[Any]) -> NDArray[np.float64]:
    return _share(counts[..., 2], counts[..., 3])


def _f1(counts: NDArray[Any]) -> NDArray[np.float64]:
    precision, recall = _precision(counts), _recall(counts)
    both = precision + recall
    f1: NDArray[np.float64] = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return f1


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """part / whole, and 1 where the whole is 0."""
    whole = np.asarray(whole, dtype=np.float64)
    share: NDArray[np.float64] = np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)
    return share
