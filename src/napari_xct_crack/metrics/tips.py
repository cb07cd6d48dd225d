"""Crack tips in slices: found on a thinned prediction and matched one to one with the true ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ..thinning import centre_line
from ..volume import Triple
from .masks import ORIGIN, Mask, within
from .scores import Scores, units_of

EIGHT = np.ones((3, 3), dtype=bool)
EDGE = 3
"""Tips nearer than this to the border of what is scored, in voxels, count neither way."""


def predicted_tips(mask: Mask, branch: int = 8) -> NDArray[np.int64]:
    """Where the cracks of one slice end.

    The mask is thinned; side branches shorter than `branch` voxels are cut off, at a fork the shortest first, so that
    the longest goes on; lines shorter than `branch` are dropped. What has one neighbour left is a tip. Noise of
    single voxels therefore has none.

    Parameters
    ----------
    mask
        Bool, shape (y, x).
    branch
        Voxels a branch must have.

    Returns
    -------
    Positions (y, x), shape (n, 2).
    """
    line = _without_short_lines(centre_line(mask), branch)
    while True:
        spurs = _spurs(line, branch)
        if not spurs.any():
            break
        line = centre_line(line & ~spurs)
    line = _without_short_lines(line, branch)
    return np.argwhere(line & (_neighbours(line) == 1))


def match_tips(
    predicted: NDArray[np.number[Any]], true: NDArray[np.number[Any]], distance: float = 4
) -> NDArray[np.int64]:
    """Pair tips one to one within `distance` voxels: as many pairs as possible, then the smallest sum of distances.

    Both have shape (n, 2), positions (y, x). Returns index pairs (predicted, true), shape (m, 2).
    """
    if not len(predicted) or not len(true):
        return np.zeros((0, 2), dtype=np.int64)
    apart = cdist(predicted, true)
    # A forbidden pair costs more than all allowed ones together, so the number of pairs comes first.
    cost = np.where(apart <= distance, apart, distance * (min(apart.shape) + 1))
    rows, columns = linear_sum_assignment(cost)
    allowed = apart[rows, columns] <= distance
    return np.stack([rows[allowed], columns[allowed]], axis=1)


def tip_scores(
    prediction: Mask,
    tips: NDArray[np.number[Any]],
    truth: NDArray[Any],
    distance: float = 4,
    ignore: Mask | None = None,
    start: Triple = ORIGIN,
) -> Scores:
    """Precision, recall and F1 of tips over a stack of slices.

    Tips nearer than 3 voxels to the border or to an ignored voxel count neither way, for there it is unknown whether a
    crack ends; they may still be the partner of a counted one.

    Parameters
    ----------
    prediction
        Bool, shape (z, y, x).
    tips
        True tips (z, y, x), shape (n, 3), counted from voxel 0 of `prediction`; z is a whole number. A fourth column
        with crack ids is not looked at.
    truth
        Crack ids or a bool mask, which says to what unit a tip belongs (see :func:`centreline_scores`).
    distance
        How far apart a pair may be, in voxels.
    ignore, start
        As in :func:`centreline_scores`.
    """
    inner = countable(prediction.shape, ignore)
    total = Scores.none()
    for z, plane in enumerate(prediction):
        found, true = predicted_tips(plane), tips[np.rint(tips[:, 0]) == z, 1:3]
        at = (start[0] + z, start[1], start[2])
        total += _slice_scores(found, true, truth[z : z + 1], inner[z], distance, at)
    return total


def countable(shape: tuple[int, ...], ignore: Mask | None) -> Mask:
    """Where a tip counts: at least 3 voxels inside the slice and off what is ignored."""
    inner = np.zeros(shape, dtype=bool)
    inner[:, EDGE:-EDGE, EDGE:-EDGE] = True
    return inner if ignore is None else inner & ~within(ignore, EDGE)


def _slice_scores(
    found: NDArray[Any], true: NDArray[Any], truth: NDArray[Any], inner: Mask, distance: float, start: Triple
) -> Scores:
    pairs = match_tips(found, true, distance)
    hit, caught = np.zeros(len(found), dtype=bool), np.zeros(len(true), dtype=bool)
    hit[pairs[:, 0]], caught[pairs[:, 1]] = True, True
    at_found, at_true = _voxels(found, inner), _voxels(true, inner)
    counted_found, counted_true = inner[tuple(at_found[:, 1:].T)], inner[tuple(at_true[:, 1:].T)]
    counted_found[pairs[:, 0]] = counted_true[pairs[:, 1]]
    return Scores.tally(
        units_of(at_found[counted_found], truth, start),
        hit[counted_found],
        units_of(at_true[counted_true], truth, start),
        caught[counted_true],
    )


def _voxels(points: NDArray[Any], plane: Mask) -> NDArray[np.int64]:
    """Nearest voxels (0, y, x) inside the slice of points (y, x), shape (n, 3)."""
    nearest = np.clip(np.rint(points).astype(np.int64), 0, np.array(plane.shape) - 1)
    return np.pad(nearest, ((0, 0), (1, 0)))


def _neighbours(line: Mask) -> NDArray[np.uint8]:
    """How many of its eight neighbours are line, at each voxel of the line."""
    rows = np.pad(line.astype(np.uint8), 1)
    rows = rows[:-2] + rows[1:-1] + rows[2:]
    around: NDArray[np.uint8] = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] - line
    return around


def _without_short_lines(line: Mask, branch: int) -> Mask:
    labels, number = ndimage.label(line, structure=EIGHT)
    long: Mask = np.bincount(labels.ravel(), minlength=number + 1) >= branch
    long[0] = False
    kept: Mask = long[labels]
    return kept


def _spurs(line: Mask, branch: int) -> Mask:
    """The shortest too short side branch of every fork."""
    around = _neighbours(line)
    forks, number = ndimage.label(line & (around >= 3), structure=EIGHT)
    pieces, count = ndimage.label(line & (around < 3), structure=EIGHT)
    if number == 0 or count == 0:
        return np.zeros_like(line)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    ends = np.bincount(pieces[line & (around == 1)], minlength=count + 1)
    fork = np.zeros(count + 1, dtype=forks.dtype)
    np.maximum.at(fork, pieces[line], ndimage.maximum_filter(forks, size=3)[line])
    short = np.flatnonzero((ends > 0) & (fork > 0) & (sizes < branch) & (np.arange(count + 1) > 0))
    short = short[np.lexsort((sizes[short], fork[short]))]
    _, first = np.unique(fork[short], return_index=True)
    chosen: Mask = np.isin(pieces, short[first]) & line
    return chosen
