"""How wide a prediction draws the cracks that it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..volume import Triple
from .masks import ORIGIN, Mask, thinned, within
from .scores import units_of


@dataclass(frozen=True)
class Widths:
    """Areas and lengths of the parts of cracks that were found, one row per unit; those of two slabs may be added."""

    units: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    """Shape (n, 4): predicted area and length, true area and length, in voxels."""

    def __add__(self, other: Widths) -> Widths:
        units = np.union1d(self.units, other.units)
        sums = np.zeros((units.size, 4))
        for one in (self, other):
            sums[np.searchsorted(units, one.units)] += one.sums
        return Widths(units, sums)

    @property
    def error(self) -> float | None:
        """Mean predicted width minus mean true width in voxels, over all that was found; none if nothing was."""
        area, length, true_area, true_length = self.sums.sum(axis=0).tolist()
        return area / length - true_area / true_length if length and true_length else None

    @property
    def absolute_error(self) -> float | None:
        """The mean over units of the size of that error, each weighted by its true length; none if nothing was found."""
        area, length, true_area, true_length = self.sums[(self.sums[:, [1, 3]] > 0).all(axis=1)].T
        if not length.size:
            return None
        return float(np.average(np.abs(area / length - true_area / true_length), weights=true_length))


def widths(
    prediction: Mask, truth: NDArray[Any], tolerance: float = 2, ignore: Mask | None = None, start: Triple = ORIGIN
) -> Widths:
    """Width error: mean width of what was found of each crack, against that of the truth there.

    Only centre line within `tolerance` of the other mask's counts, so what is missed or invented does not enter. The
    mean width of a stretch is its area, the voxels that have it as their nearest centre line, over its length, with
    steps of 1 and √2. It tells about the drawn mask; openings are measured by missing grey value (see
    :class:`VoidSum`).

    Parameters
    ----------
    prediction, truth, ignore, start
        As in :func:`centreline_scores`.
    """
    kept = np.ones(truth.shape, dtype=bool) if ignore is None else ~ignore
    masks = (prediction, truth > 0)
    lines = [thinned(mask) for mask in masks]
    total = Widths()
    for side, mask in enumerate(masks):
        found = lines[side] & within(lines[1 - side], tolerance) & kept
        units = units_of(np.argwhere(found), truth, start)
        own, place = np.unique(units, return_inverse=True)
        sums = np.zeros((own.size, 4))
        for column, values in enumerate((_areas(mask, lines[side])[found], trace_lengths(lines[side])[found])):
            sums[:, 2 * side + column] = np.bincount(place, values, minlength=own.size)
        total += Widths(own, sums)
    return total


def _areas(mask: Mask, line: Mask) -> NDArray[np.float64]:
    """How many voxels of the mask each voxel of its centre line has around itself, slice by slice."""
    areas = np.zeros(mask.shape)
    for plane, thin, area in zip(mask, line, areas, strict=True):
        if thin.any():
            _, nearest = ndimage.distance_transform_edt(~thin, return_indices=True)
            np.add.at(area, (nearest[0][plane], nearest[1][plane]), 1)
    return areas


def trace_lengths(line: Mask) -> NDArray[np.float64]:
    """What each voxel adds to the length: half the steps to its neighbours, and half a voxel at an end.

    A diagonal neighbour that is also reached over a straight one is no step.
    """
    padded = np.pad(line, ((0, 0), (1, 1), (1, 1)))

    def moved(dy: int, dx: int) -> Mask:
        rows, columns = slice(1 + dy, padded.shape[1] - 1 + dy), slice(1 + dx, padded.shape[2] - 1 + dx)
        return padded[:, rows, columns]

    steps, length = np.zeros(line.shape), np.zeros(line.shape)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        steps += moved(dy, dx)
        length += moved(dy, dx)
    for dy, dx in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        step = moved(dy, dx) & ~moved(dy, 0) & ~moved(0, dx)
        steps += step
        length += step * np.sqrt(2)
    return (length + np.maximum(0, 2 - steps)) / 2 * line
