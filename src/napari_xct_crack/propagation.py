"""What the snapshots of a run mark beyond the visible tips of cracks, and where that points.

It may be invention: a net that has seen drawn cracks goes on where cracks usually go on. ``docs/propagation.md`` tells by how much
its headings were off on cracks whose growth is known, beside straight extrapolation and the same net without the tip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .tips import Tips, slice_tips

NEAR, FAR = 4.0, 16.0
"""Marks count that are so many voxels ahead of a tip: nearer ones are its own thickness and blur."""
LEAST = 0.5
"""Sum of probabilities, in voxels, from which on there are marks at all."""
NO_CLAIM = "No direction of growth is claimed: on cracks whose growth is known no snapshot told it better than straight extrapolation."
"""As long as docs/propagation.md shows no snapshot that passed the null test."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Beyond:
    """What lies beyond the visible tips of a slice."""

    tips: Tips
    """Where the last segmenter's mask ends, and the directions out of it."""
    mean: Floats
    """Mean probability of all snapshots ahead of a tip, 0 elsewhere, shape (y, x)."""
    turns: Floats
    """Where each snapshot's marks point, in degrees from straight on, shape (snapshots, tips); no number where it marks nothing."""

    @property
    def line(self) -> str:
        """In a few words."""
        some = int(np.isfinite(self.turns).any(axis=0).sum())
        return f"{len(self.tips.places)} visible tips, marks beyond {some} of them"

    def sentences(self, names: Sequence[str]) -> list[str]:
        """What each snapshot marks, and what may be said of it."""
        lines = []
        for name, turns in zip(names, self.turns, strict=True):
            here = np.abs(turns[np.isfinite(turns)])
            off = f", {np.median(here):.0f}° from straight on in the median" if here.size else ""
            lines.append(f"{name}: marks beyond {here.size} of {turns.size} visible tips{off}")
        return [*lines, NO_CLAIM]


def beyond(levels: Sequence[NDArray[np.floating]], threshold: float = 0.5) -> Beyond:
    """What several segmenters mark beyond the visible tips of the last one, apart from cracks that are visible themselves.

    Parameters
    ----------
    levels
        Probabilities 0..1 of one slice, shape (y, x), one for each segmenter.
    threshold
        What the last one marks from on is visible.
    """
    visible = levels[-1] >= threshold
    tips = slice_tips(visible, levels[-1].astype(np.float64), threshold)
    new = ndimage.distance_transform_edt(~visible) > NEAR if visible.any() else ~visible
    turns = np.full((len(levels), len(tips.places)), np.nan)
    for row, level in zip(turns, levels, strict=True):
        angles, marks = headings(level * new, tips.places, tips.directions)
        row[marks >= LEAST] = np.degrees(angles[marks >= LEAST])
    shown = new & ahead(visible.shape, tips.places, tips.directions)
    mean: Floats = np.mean(levels, axis=0, dtype=np.float64) * shown
    return Beyond(tips, mean, turns)


def headings(level: NDArray[np.floating], places: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """Where the marks ahead of tips point.

    Parameters
    ----------
    level
        Probability 0..1 (or a mask) of a slice, shape (y, x).
    places, directions
        Of tips: y, x in voxels, and unit vectors out of the crack, shape (n, 2) each.

    Returns
    -------
    Angle between the direction and the mean of the unit vectors to all voxels ahead, weighted by their level, in radians, positive
    from y towards x; and the sum of these weights. Shape (n,) each; the angle is 0 where nothing is marked.
    """
    angles, marks = np.zeros(len(places)), np.zeros(len(places))
    for number, (place, direction) in enumerate(zip(places, directions, strict=True)):
        inside, along, across = _sector(level.shape, place, direction)
        weight = level[inside].astype(np.float64)
        far = np.hypot(along, across)
        angles[number] = np.arctan2((weight * across / far).sum(), (weight * along / far).sum())
        marks[number] = weight.sum()
    return angles, marks


def ahead(shape: tuple[int, ...], places: Floats, directions: Floats) -> NDArray[np.bool_]:
    """Which voxels of a slice lie ahead of a tip."""
    result = np.zeros(shape, np.bool_)
    for place, direction in zip(places, directions, strict=True):
        result[_sector(shape, place, direction)[0]] = True
    return result


def straight(shape: tuple[int, ...], places: Floats, directions: Floats) -> NDArray[np.bool_]:
    """Lines straight on from the tips, as far as is looked ahead."""
    result = np.zeros(shape, np.bool_)
    for place, direction in zip(places, directions, strict=True):
        points = np.rint(place + np.arange(NEAR, FAR, 0.5)[:, None] * direction).astype(int)
        points = points[((points >= 0) & (points < shape)).all(axis=1)]
        result[tuple(points.T)] = True
    return result


def _sector(
    shape: tuple[int, ...], place: Floats, direction: Floats
) -> tuple[tuple[NDArray[np.int64], ...], Floats, Floats]:
    """Voxels of the half disc ahead of a tip without what is near, and how far they lie along and across the direction."""
    low = [max(0, int(c - FAR)) for c in place]
    high = [min(side, int(c + FAR) + 2) for c, side in zip(place, shape, strict=True)]
    y, x = np.mgrid[low[0] : high[0], low[1] : high[1]]
    dy, dx = y - place[0], x - place[1]
    along, across = dy * direction[0] + dx * direction[1], direction[0] * dx - direction[1] * dy
    far = np.hypot(dy, dx)
    inside = (along > 0) & (far >= NEAR) & (far <= FAR)
    return (y[inside], x[inside]), along[inside], across[inside]
