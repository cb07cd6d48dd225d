"""Which cracks of a slice were found as objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..volume import Triple
from .masks import ORIGIN, Mask, thinned, within
from .scores import Scores, units_of

EIGHT = np.ones((3, 3), dtype=bool)


def object_scores(
    prediction: Mask,
    truth: NDArray[Any],
    tolerance: float = 2,
    size: int = 8,
    ignore: Mask | None = None,
    start: Triple = ORIGIN,
) -> Scores:
    """Component F1: precision, recall and F1 of the objects of each slice.

    Voxels that no more than 2 × `tolerance` voxels part belong to one object, in both masks; so no bridge of a gap that
    `tolerance` forgives changes the count. An object is found if more than half of its centre line lies nearest to,
    and within `tolerance` of, the centre line of one object of the other mask, and more than half of that one's in turn;
    hence pairs are one to one. It is the recognition quality of [1]_ with this rule in the place of an overlap, which
    objects one voxel wide could not have. Objects with fewer than `size` voxels count neither way.

    Parameters
    ----------
    prediction, truth, ignore, start
        As in :func:`centreline_scores`.

    References
    ----------
    .. [1] Kirillov et al., Panoptic segmentation, CVPR 2019.
    """
    kept = np.ones(truth.shape, dtype=bool) if ignore is None else ~ignore
    total = Scores.none()
    for z in range(len(truth)):
        planes = [mask[z] & kept[z] for mask in (prediction, truth > 0)]
        lines = [_numbered(plane, tolerance, size) for plane in planes]
        pairs = _pairs(lines[0], lines[1], tolerance)
        found = [np.isin(np.arange(1, line.max() + 1), pairs[:, side]) for side, line in enumerate(lines)]
        at = (start[0] + z, start[1], start[2])
        owners = [units_of(_middles(line), truth[z : z + 1], at) for line in lines]
        owners[0][pairs[:, 0] - 1] = owners[1][pairs[:, 1] - 1]
        total += Scores.tally(owners[0], found[0], owners[1], found[1])
    return total


def _numbered(plane: Mask, tolerance: float, size: int) -> NDArray[np.int64]:
    """Centre lines of a slice, each voxel with the number of its object, 1, 2, …; 0 elsewhere."""
    labels, number = ndimage.label(within(plane[None], tolerance)[0], structure=EIGHT)
    large = np.bincount(labels[plane], minlength=number + 1) >= size
    numbers = np.where(large, np.cumsum(large), 0)
    numbered: NDArray[np.int64] = np.where(thinned(plane[None])[0], numbers[labels], 0)
    return numbered


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64], tolerance: float) -> NDArray[np.int64]:
    """Numbers of objects that are each other's, shape (n, 2)."""
    shape = (int(one.max()) + 1, int(other.max()) + 1)
    there, back = _nearest(one, other, tolerance, shape), _nearest(other, one, tolerance, shape[::-1]).T
    lengths = [np.bincount(line.ravel(), minlength=number) for line, number in ((one, shape[0]), (other, shape[1]))]
    mutual = (2 * there > lengths[0][:, None]) & (2 * back > lengths[1][None, :])
    mutual[0], mutual[:, 0] = False, False
    return np.argwhere(mutual)


def _nearest(
    of: NDArray[np.int64], to: NDArray[np.int64], tolerance: float, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """How many line voxels of each object have each object of the other mask nearest; row and column 0 mean none."""
    counts = np.zeros(shape, dtype=np.int64)
    if of.any() and to.any():
        distance, place = ndimage.distance_transform_edt(to == 0, return_indices=True)
        near = (of > 0) & (distance <= tolerance)
        np.add.at(counts, (of[near], to[place[0][near], place[1][near]]), 1)
    return counts


def _middles(line: NDArray[np.int64]) -> NDArray[np.int64]:
    """One line voxel (0, y, x) of each object, half way along its rows; shape (n, 3)."""
    places = np.argwhere(line)
    numbers = line[line > 0]
    order = np.argsort(numbers, kind="stable")
    lengths = np.bincount(numbers, minlength=1)[1:]
    middle = np.cumsum(lengths) - lengths + lengths // 2
    return np.pad(places[order[middle]], ((0, 0), (1, 0)))
