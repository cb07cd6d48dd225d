"""What a scan looks like, estimated without labels: grey levels of air and metal, point spread, noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ._edge import edge
from ._lines import line_widths
from ._noise import Noise, measure_noise, trusted

__all__ = ["SHOWN_BY", "Appearance", "Noise", "estimate", "measure_noise", "trusted"]


_ASSUMED, _SOFTEST = 1.1, 3.0
"""Point spread in voxels where nothing shows it, and how many times as wide it may be."""


SHOWN_BY = ("edge", "lines", "nothing")
"""What can show the point spread, the best first."""


@dataclass(frozen=True)
class Appearance:
    """How metal, air and the step between them look in a scan."""

    metal: float
    """Median grey value of metal."""
    contrast: float
    """Grey value of metal minus that of air."""
    point_spread: float
    """Standard deviation of the point spread in voxels."""
    noise: float
    """Standard deviation of the grey values of metal against their surroundings."""
    softest: float = 1.0
    """How many times as wide as that cracks may look, where the part's edge does not show the point spread."""
    shown_by: Literal["edge", "lines", "nothing"] = "edge"
    """What showed the point spread."""
    notes: tuple[str, ...] = ()
    """What could not be measured and what was taken instead."""


def estimate(grey: NDArray[np.generic], part: NDArray[np.bool_], flat: NDArray[np.float32]) -> Appearance:
    """Estimate the appearance of a block of a scan.

    Parameters
    ----------
    grey, part
        Shape (z, y, x); `part` is true on the part.
    flat
        The same block after removal of its local mean inside the part.

    Notes
    -----
    The point spread is the width of the error function that fits the grey values against their distance from the
    part's edge. That distance comes from a smoothed copy, so the edge may be slanted and rough. Where no edge is in view
    it is the width of the narrowest dark lines, and where there are too few of these it is only assumed.
    """
    inside = flat[part]
    values = np.asarray(grey, dtype=np.float32)
    metal = float(np.median(values[part]))
    noise = float(1.48 * np.median(np.abs(inside - np.median(inside))))
    found = edge(values, part, metal)
    if found is not None:
        air, spread = found
        return Appearance(metal, metal - air, spread, noise)
    depth = max(metal - float(np.quantile(values[part], 1e-4)), 4 * noise)
    note = "No edge between part and air is in view: the depth of a fully open crack is taken from the darkest voxels"
    widths = line_widths(flat, part)
    if widths is None:
        told = f"{note}, and cracks are drawn with point spreads of {_ASSUMED} to {_ASSUMED * _SOFTEST:g} voxels."
        return Appearance(metal, depth, _ASSUMED, noise, _SOFTEST, "nothing", (told,))
    narrowest, widest = widths
    told = f"{note}, the point spread, {narrowest:.1f} voxels, from the narrowest dark lines; the widest have {widest:.1f}."
    return Appearance(metal, depth, narrowest, noise, widest / narrowest, "lines", (told,))
