"""Scores of a predicted mask against a true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..thinning import centre_line
from ..volume import Triple
from .scores import Scores, units_of

Mask = NDArray[np.bool_]
ORIGIN: Triple = (0, 0, 0)


def thinned(mask: Mask) -> Mask:
    """Centre lines: each slice of a (z, y, x) mask thinned to 8-connected lines one voxel wide."""
    return np.stack([centre_line(plane) for plane in mask]) if mask.any() else np.zeros_like(mask, dtype=bool)


def within(mask: Mask, distance: float) -> Mask:
    """Voxels whose Euclidean distance in their slice to the (z, y, x) mask is at most `distance` voxels."""
    near = np.zeros_like(mask, dtype=bool)
    reach = int(distance)
    _, height, width = mask.shape
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dy * dy + dx * dx <= distance * distance and abs(dy) < height and abs(dx) < width:
                to = (slice(None), slice(max(0, dy), height + min(0, dy)), slice(max(0, dx), width + min(0, dx)))
                of = (slice(None), slice(max(0, -dy), height + min(0, -dy)), slice(max(0, -dx), width + min(0, -dx)))
                near[to] |= mask[of]
    return near


def centreline_scores(
    prediction: Mask, truth: NDArray[Any], tolerance: float = 2, ignore: Mask | None = None, start: Triple = ORIGIN
) -> Scores:
    """Centre-line precision, recall and F1, the headline.

    Both masks are thinned slice by slice. Precision is the share of the predicted centre line within `tolerance` of the
    true one, recall the reverse; since both are thin, thickening a prediction gains nothing.

    Parameters
    ----------
    prediction
        Bool, shape (z, y, x).
    truth
        Same shape: crack ids (an integer type; the cracks are then the units) or a bool mask (blocks of eight slices).
    tolerance
        Euclidean distance in the slice, in voxels.
    ignore
        Voxels that count neither way; a prediction that only matches ignored truth does not count either.
    start
        Position of voxel 0 in the volume, where slabs of one are scored and added.
    """
    return _scored(thinned(prediction), thinned(truth > 0), truth, tolerance, ignore, start)


def voxel_scores(
    prediction: Mask, truth: NDArray[Any], tolerance: float = 2, ignore: Mask | None = None, start: Triple = ORIGIN
) -> Scores:
    """Precision, recall and F1 on all voxels: as :func:`centreline_scores` without thinning.

    A prediction may gain by being thick, so it is always told with its `volume_ratio`.
    """
    return _scored(prediction, truth > 0, truth, tolerance, ignore, start)


def _scored(
    predicted: Mask, true: Mask, truth: NDArray[Any], tolerance: float, ignore: Mask | None, start: Triple
) -> Scores:
    counted = true if ignore is None else true & ~ignore
    near_true = within(counted, tolerance)
    found = within(predicted, tolerance)[counted]
    if ignore is not None:
        predicted = predicted & ~ignore & (near_true | ~within(true & ignore, tolerance))
    mine, theirs = (units_of(np.argwhere(mask), truth, start) for mask in (predicted, counted))
    return Scores.tally(mine, near_true[predicted], theirs, found)


def cl_dice(prediction: Mask, truth: NDArray[Any], ignore: Mask | None = None, start: Triple = ORIGIN) -> Scores:
    """Centre-line Dice: the F1 of these counts, pooled over slices.

    Precision is the share of the predicted centre line that lies inside the true mask, recall that of the true centre
    line inside the predicted mask [1]_. Lines are those of slices, for the skeleton of a sheet in 3-D says nothing.
    Unlike :func:`centreline_scores` it depends on how thick both masks are.

    Parameters
    ----------
    prediction, truth, ignore, start
        As in :func:`centreline_scores`.

    References
    ----------
    .. [1] Shit et al., clDice: a novel topology-preserving loss function for tubular structure segmentation, CVPR 2021.
    """
    true = truth > 0
    kept = np.ones_like(true) if ignore is None else ~ignore
    lines = (thinned(prediction) & kept, thinned(true) & kept)
    mine, theirs = (units_of(np.argwhere(line), truth, start) for line in lines)
    return Scores.tally(mine, true[lines[0]], theirs, prediction[lines[1]])


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of two masks, without any tolerance."""

    both: int = 0
    predicted: int = 0
    true: int = 0

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.both + other.both, self.predicted + other.predicted, self.true + other.true)

    @property
    def dice(self) -> float:
        """2·both / (predicted + true); 1 if both masks are empty."""
        total = self.predicted + self.true
        return 2 * self.both / total if total else 1.0

    @property
    def iou(self) -> float:
        """both / either; 1 if both masks are empty."""
        either = self.predicted + self.true - self.both
        return self.both / either if either else 1.0


def overlap(prediction: Mask, truth: NDArray[Any], ignore: Mask | None = None) -> Overlap:
    """Count the voxels of two masks of the same shape and of their overlap, ignored ones left out."""
    true = truth > 0
    if ignore is not None:
        prediction, true = prediction & ~ignore, true & ~ignore
    return Overlap(int((prediction & true).sum()), int(prediction.sum()), int(true.sum()))


def level_counts(probability: NDArray[Any], truth: NDArray[Any], ignore: Mask | None = None) -> NDArray[np.int64]:
    """Voxels per probability level, shape (2, 256): background, crack; counts of slabs may be added.

    `probability` is uint8 (p = v/255) or a float of 0..1, which is rounded to those levels.
    """
    levels = (
        probability if probability.dtype == np.uint8 else np.rint(np.clip(probability, 0, 1) * 255).astype(np.uint8)
    )
    true = truth > 0
    kept = np.ones_like(true) if ignore is None else ~ignore
    return np.stack([np.bincount(levels[kept & side], minlength=256) for side in (~true, true)])


def average_precision(counts: NDArray[np.int64]) -> float:
    """Area under the precision-recall curve over the 256 levels: precision at each level times its gain in recall.

    0 if there is no true voxel.
    """
    false, true = np.cumsum(counts[:, ::-1], axis=1).astype(np.float64)
    if true[-1] == 0:
        return 0.0
    precision = true / np.maximum(true + false, 1)
    return float(np.sum(precision * np.diff(true, prepend=0)) / true[-1])
