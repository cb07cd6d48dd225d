"""How far from its true tip a prediction ends, along the crack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .masks import Mask
from .tips import countable, predicted_tips

REACH = 16.0
"""How far along the crack a predicted tip may lie off the true one, in voxels."""


@dataclass(frozen=True)
class TipErrors:
    """Signed distances between paired tips; those of two slabs of a volume may be added."""

    errors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """One per pair, in voxels along the crack: positive where the prediction ends short, negative where beyond."""
    tips: int = 0
    """True tips that were counted, paired or not."""

    def __add__(self, other: TipErrors) -> TipErrors:
        return TipErrors(np.concatenate([self.errors, other.errors]), self.tips + other.tips)

    @property
    def median(self) -> float | None:
        """Median signed error; none without a pair."""
        return float(np.median(self.errors)) if self.errors.size else None

    @property
    def p90(self) -> float | None:
        """What 90 % of the pairs keep to, whatever the sign; none without a pair."""
        return float(np.quantile(np.abs(self.errors), 0.9)) if self.errors.size else None

    @property
    def unmatched(self) -> float:
        """Share of the true tips without a partner; 0 if there are no true tips."""
        return 1 - self.errors.size / self.tips if self.tips else 0.0


def tip_errors(
    prediction: Mask,
    tips: NDArray[np.number[Any]],
    truth: NDArray[Any],
    across: float = 4,
    reach: float = REACH,
    ignore: Mask | None = None,
) -> TipErrors:
    """Tip error: distance from the true tip to the predicted one, along the crack.

    The crack's direction at a true tip is that from the mean of its labelled voxels within `reach` to the tip. With d the
    displacement of a predicted tip (see :func:`predicted_tips`), the error is −d along that direction: + short, − beyond.
    Tips may be a pair if they lie at most `across` voxels off each other across the crack and less than `reach` along
    it. They are paired one to one so that the sum of distances is smallest, an unpaired tip counting as `reach` +
    `across`. The wider reach than that of :func:`tip_scores` is what lets an error show.

    Parameters
    ----------
    prediction
        Bool, shape (z, y, x).
    tips
        True tips (z, y, x) or (z, y, x, crack id), shape (n, 3) or (n, 4), counted from voxel 0 of `prediction`.
        Without ids, and where `truth` is a bool mask, all labelled voxels within `reach` give the direction. A tip near no
        labelled voxel stays unmatched.
    truth
        Crack ids or a bool mask, same shape.
    ignore
        Tips nearer than 3 voxels to these or to the slice's border do not count.
    """
    inner = countable(prediction.shape, ignore)
    total = TipErrors()
    for z, plane in enumerate(prediction):
        true = tips[np.rint(tips[:, 0]) == z, 1:].astype(np.float64)
        at = np.clip(np.rint(true[:, :2]).astype(np.int64), 0, np.array(plane.shape) - 1)
        true = true[inner[z][tuple(at.T)]]
        along, off = _displacements(predicted_tips(plane).astype(np.float64), true, truth[z], reach)
        allowed = (np.abs(along) < reach) & (off <= across)
        # A forbidden pair costs more than any allowed one, so the nearest partners are not given up for far ones.
        rows, columns = linear_sum_assignment(np.where(allowed, np.hypot(along, off), reach + across))
        paired = allowed[rows, columns]
        total += TipErrors(-along[rows, columns][paired], len(true))
    return total


def _displacements(
    found: NDArray[np.float64], true: NDArray[np.float64], plane: NDArray[Any], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each predicted tip from each true one: along the crack and, without sign, across; shapes (true, found)."""
    along, off = np.full((2, len(true), len(found)), np.inf)
    for row, (y, x, *crack) in enumerate(true):
        top, left = max(0, int(y - reach)), max(0, int(x - reach))
        near = plane[top : int(y + reach) + 2, left : int(x + reach) + 2]
        own = np.argwhere(near == int(crack[0]) if crack and plane.dtype != bool else near > 0)
        own = own[np.hypot(*(own + np.array([top - y, left - x])).T) <= reach] + np.array([top, left])
        ahead = (y, x) - own.mean(axis=0) if own.size else np.zeros(2)
        length = float(np.hypot(*ahead))
        if length > 0:
            by, ahead = found - (y, x), ahead / length
            along[row], off[row] = by @ ahead, np.abs(by @ (ahead[1], -ahead[0]))
    return along, off
