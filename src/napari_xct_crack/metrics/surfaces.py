"""How far the outlines of a predicted mask and a true one lie apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .masks import Mask

CROSS = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class Surfaces:
    """Outline voxels by their distance to the other mask's outline; those of two slabs of a volume may be added.

    The outline of a mask are its voxels with a 4-neighbour in the slice that is not in it (or beyond the slice). All
    distances are taken in the slice. Where the other mask is empty in a slice, its diagonal stands for the distance.
    """

    squares: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Squared distances that occur, ascending; shape (n,)."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    """Shape (n, 2): how many voxels of the predicted outline, of the true outline, have it."""

    def __add__(self, other: Surfaces) -> Surfaces:
        squares = np.union1d(self.squares, other.squares)
        counts = np.zeros((squares.size, 2), dtype=np.int64)
        for one in (self, other):
            counts[np.searchsorted(squares, one.squares)] += one.counts
        return Surfaces(squares, counts)

    def dice(self, tolerance: float = 1) -> float:
        """Surface Dice: the share of both outlines within `tolerance` voxels of each other [1]_; 1 if both are empty.

        References
        ----------
        .. [1] Nikolov et al., Clinically applicable segmentation of head and neck anatomy, J. Med. Internet Res. 23, 2021.
        """
        near = self.counts[self.squares <= tolerance**2].sum()
        return float(near / self.counts.sum()) if self.counts.size else 1.0

    def hausdorff(self, share: float = 0.95) -> float:
        """The larger one of the two directed distances that a `share` of an outline keeps to, in voxels.

        With 0.95 it is known as HD95 [1]_. It is 0 if both masks are empty, and the slice's diagonal if one is.

        References
        ----------
        .. [1] Huttenlocher et al., Comparing images using the Hausdorff distance, IEEE TPAMI 15, 1993.
        """
        return max((_quantile(np.sqrt(self.squares), side, share) for side in self.counts.T), default=0.0)


def surfaces(prediction: Mask, truth: NDArray[Any], ignore: Mask | None = None) -> Surfaces:
    """Measure the outlines of two masks of shape (z, y, x), slice by slice; outline voxels that are ignored do not count."""
    total = Surfaces()
    _, height, width = truth.shape
    for z, planes in enumerate(zip(prediction, truth > 0, strict=True)):
        outlines = [plane & ~ndimage.binary_erosion(plane, CROSS) for plane in planes]
        counts = []
        for own, other in (outlines, outlines[::-1]):
            counted = own if ignore is None else own & ~ignore[z]
            squares = np.full(int(counted.sum()), height**2 + width**2)
            if other.any() and squares.size:
                squares = np.rint(ndimage.distance_transform_edt(~other)[counted] ** 2).astype(np.int64)
            counts.append(np.bincount(squares, minlength=1))
        longest = max(side.size for side in counts)
        both = np.stack([np.pad(side, (0, longest - side.size)) for side in counts], axis=1)
        occurring = np.flatnonzero(both.any(axis=1))
        total += Surfaces(occurring, both[occurring])
    return total


def _quantile(values: NDArray[np.float64], counts: NDArray[np.int64], share: float) -> float:
    """Linearly interpolated quantile of ascending values that occur so many times; 0 of none."""
    last = int(counts.sum()) - 1
    if last < 0:
        return 0.0
    place = share * last
    below = int(place)
    upto = np.cumsum(counts)
    low, high = (values[np.searchsorted(upto, index, side="right")] for index in (below, min(below + 1, last)))
    return float(low + (place - below) * (high - low))
