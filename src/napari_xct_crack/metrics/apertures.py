"""What is found of cracks of a given opening, and what of it by chance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .masks import Mask, thinned, within

EDGES = (0.0, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, float("inf"))
"""Bounds of the classes of aperture in voxels."""
NEAREST, FARTHEST = 16, 48
"""How far a prediction is shifted for the chance level, in voxels: off its cracks, but still inside the part."""


@dataclass(frozen=True)
class ApertureRow:
    """Recall of the true centre line whose aperture lies in [low, high) voxels."""

    low: float
    high: float
    voxels: int
    recall: float
    chance: float

    @property
    def above_chance(self) -> float:
        """(recall − chance) / (1 − chance), which random marks cannot raise; 0 where chance finds everything."""
        return (self.recall - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0


@dataclass(frozen=True)
class ApertureRecall:
    """Counts per class of aperture; those of two slabs of a volume may be added."""

    edges: tuple[float, ...]
    counts: NDArray[np.int64]
    """Shape (classes, 4): voxels of the true centre line, found ones, compared with shifted predictions, met there."""

    def __add__(self, other: ApertureRecall) -> ApertureRecall:
        return ApertureRecall(self.edges, self.counts + other.counts)

    @property
    def rows(self) -> list[ApertureRow]:
        """One row per class; recall and chance of a class without voxels are 1, as all shares of nothing."""
        shares = [
            (int(true), found / true if true else 1.0, met / compared if compared else 1.0)
            for true, found, compared, met in self.counts.tolist()
        ]
        return [ApertureRow(low, high, *row) for (low, high), row in zip(pairwise(self.edges), shares, strict=True)]


def recall_by_aperture(
    prediction: Mask,
    truth: NDArray[Any],
    aperture: NDArray[np.floating[Any]],
    edges: tuple[float, ...] = EDGES,
    tolerance: float = 2,
    shifts: int = 20,
    seed: int = 0,
    ignore: Mask | None = None,
) -> ApertureRecall:
    """Recall of the true centre line by true aperture, with its chance level.

    A voxel of the true centre line is found if the predicted one passes within `tolerance` voxels in its slice. An empty
    prediction has recall and chance 0 in each class that has voxels.

    Parameters
    ----------
    prediction, truth, ignore
        As in :func:`centreline_scores`.
    aperture
        True aperture in voxels, same shape as the masks, read at the true centre line.
    edges
        Ascending bounds of the classes in voxels.
    shifts
        The chance level is the share found after a rigid in-plane shift of the prediction by 16 to 48 voxels (less in
        small slices) in a random direction, the same one for all slices, averaged over so many shifts. True voxels onto
        which the shift brings nothing that was looked at (beyond the slice, ignored) are left out of that share.
    """
    _, height, width = truth.shape
    kept = np.ones(truth.shape, dtype=bool) if ignore is None else ~ignore
    true, near = thinned(truth > 0) & kept, within(thinned(prediction) & kept, tolerance)
    z, y, x = np.nonzero(true)
    classes = np.digitize(aperture[true], edges) - 1
    counts = np.zeros((len(edges) - 1, 4), dtype=np.int64)

    def count(column: int, which: NDArray[np.int64]) -> None:
        inside = which[(which >= 0) & (which < len(counts))]
        counts[:, column] += np.bincount(inside, minlength=len(counts))

    count(0, classes)
    count(1, classes[near[true]])
    for dy, dx in _shifts(shifts, min(height, width), seed):
        inside = (y >= dy) & (y < height + dy) & (x >= dx) & (x < width + dx)
        at = z[inside], y[inside] - dy, x[inside] - dx
        count(2, classes[inside][kept[at]])
        count(3, classes[inside][kept[at] & near[at]])
    return ApertureRecall(edges, counts)


def _shifts(number: int, side: int, seed: int) -> NDArray[np.int64]:
    """Displacements (y, x), shape (number, 2)."""
    rng = np.random.default_rng(seed)
    far = min(FARTHEST, side // 2)
    length, angle = rng.uniform(min(NEAREST, far), far, number), rng.uniform(0, 2 * np.pi, number)
    shifts: NDArray[np.int64] = np.rint(np.stack([length * np.sin(angle), length * np.cos(angle)], 1)).astype(np.int64)
    return shifts
