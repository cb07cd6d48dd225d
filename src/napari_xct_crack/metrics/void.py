"""How much void a prediction stands for, by the grey value that is missing there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .masks import Mask, within

AROUND = 31
"""Side of the square over which metal is averaged, in voxels."""
OUTLIERS = 3.0
"""Metal that lies so many standard deviations off its surroundings (pores, inclusions, rings) is left out of the mean."""
APART = 3.0
"""Metal is averaged only farther than this from where void is summed, in voxels."""


@dataclass(frozen=True)
class VoidSum:
    """Void in voxels; that of two slabs of a volume may be added."""

    predicted: float = 0.0
    """Estimated over the prediction."""
    labelled: float = 0.0
    """Estimated in the same way over the true labels."""
    exact: float = 0.0

    def __add__(self, other: VoidSum) -> VoidSum:
        return VoidSum(self.predicted + other.predicted, self.labelled + other.labelled, self.exact + other.exact)

    @property
    def bias(self) -> float:
        """predicted / exact − 1; without any exact void 0 if none is predicted, else infinite."""
        return _bias(self.predicted, self.exact)

    @property
    def label_bias(self) -> float:
        """labelled / exact − 1: what the estimate misses even over perfect labels, mostly by the scan's blur."""
        return _bias(self.labelled, self.exact)


def void_sum(
    grey: NDArray[Any],
    prediction: Mask,
    truth: NDArray[Any],
    void: NDArray[np.floating[Any]],
    contrast: float,
    part: Mask | None = None,
    grow: float = 5,
) -> VoidSum:
    """Estimate the void of a prediction and of the true labels, beside the exact one.

    Parameters
    ----------
    grey
        Grey values of the scan, shape (z, y, x), cracks darker than metal.
    prediction
        Bool, same shape.
    truth
        Crack ids or a bool mask, same shape.
    void
        Exact void fraction of the cracks, 0..1, same shape.
    contrast
        Grey value of metal minus that of air.
    part
        Where void is summed and metal is averaged; everywhere if none.
    grow
        See :func:`missing_void`.
    """
    inside = np.ones(grey.shape, dtype=bool) if part is None else part
    predicted, labelled = (missing_void(grey, mask, contrast, inside, grow) for mask in (prediction, truth > 0))
    return VoidSum(predicted, labelled, float(void[inside].sum(dtype=np.float64)))


def missing_void(grey: NDArray[Any], label: Mask, contrast: float, part: Mask, grow: float = 5) -> float:
    """Void V = Σ (µ0 − µ) / Δµ in voxels, over a label grown by `grow` voxels in its slices.

    µ is the grey value, µ0 the mean of the metal around it in its slice, Δµ the contrast. Unlike a count of label
    voxels it does not depend on how thick the label is drawn, as long as it covers the blurred crack: with a point
    spread of σ voxels `grow` has to be 2–4 σ. 0 for an empty label. Where there is no metal around, nothing is
    added.
    """
    grown, apart = within(label, grow) & part, part & ~within(label, grow + APART)
    planes = zip(grey, grown, apart, strict=True)
    return sum(_missing(np.asarray(plane, dtype=np.float32), *masks) for plane, *masks in planes) / contrast


def _missing(values: NDArray[np.float32], where: Mask, metal: Mask) -> float:
    """Grey value that is missing in a slice against the metal around."""
    if not where.any() or not metal.any():
        return 0.0
    return float(np.nansum(shortfall(values, metal)[where], dtype=np.float64))


def shortfall(values: NDArray[np.float32], metal: Mask) -> NDArray[np.float32]:
    """Grey value by which each voxel of a slice lies below the metal around; not a number where there is none near.

    Metal that stands out from the rest of it (pores, inclusions) is left out.
    """
    off = values - _mean_around(values, metal)
    spread = 1.4826 * float(np.median(np.abs(off[metal])))
    level = _mean_around(values, metal & (np.abs(off) <= OUTLIERS * spread))
    result: NDArray[np.float32] = level - values
    return result


def _mean_around(values: NDArray[np.float32], chosen: Mask) -> NDArray[np.float32]:
    """Mean of the chosen voxels around each voxel, nearer ones counting more; not a number where none is."""
    sums, weights = np.where(chosen, values, np.float32(0)), chosen.astype(np.float32)
    for _ in range(2):
        sums, weights = (ndimage.uniform_filter(array, AROUND, mode="constant") for array in (sums, weights))
    return np.divide(sums, weights, out=np.full_like(sums, np.nan), where=weights > 1e-4)


def _bias(estimate: float, exact: float) -> float:
    if exact == 0:
        return 0.0 if estimate == 0 else float("inf")
    return estimate / exact - 1
