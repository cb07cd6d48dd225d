"""Where patches may be cut, ranked by how much of their metal is doubtful."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..slabs import Slab

Places = NDArray[np.int64]
"""Rows of slab, z, y, x: the corner of a patch in its middle slice."""


def ranked(slabs: list[Slab], size: int, share_of_all: float) -> tuple[Places, Places]:
    """Places of a grid with the smallest and with the largest share of doubtful voxels, so many of all that hold metal.

    Raises
    ------
    InputError
        If none holds metal beyond doubt.
    """
    step = max(8, size // 8)
    rows: list[tuple[int, int, int, int]] = []
    shares: list[float] = []
    parts: list[float] = []
    for number, slab in enumerate(slabs):
        depth, height, width = slab.part.shape
        for y in range(0, max(height - size, 0) + 1, step):
            for x in range(0, max(width - size, 0) + 1, step):
                window = (slice(None), slice(y, y + size), slice(x, x + size))
                part = slab.part[window].mean(axis=(1, 2))
                doubtful = slab.doubtful[window].mean(axis=(1, 2))
                rows += [(number, z, y, x) for z in range(depth)]
                parts += part.tolist()
                shares += (doubtful / np.maximum(part, 1e-9)).tolist()
    places, share, held = np.array(rows), np.array(shares), np.array(parts)
    inside = held >= 0.5 * float(held.max(initial=0.0))
    if not inside.any() or held.max(initial=0.0) == 0:
        raise InputError(
            "No patch of the scan holds metal: the part mask is empty inside the crop; widen the crop or give --part."
        )
    places, share = places[inside], share[inside]
    if float(share.min()) > 0.5:
        raise InputError(
            f"No crack-free patch was found: at least {share.min():.0%} of the metal in every patch is dark against its "
            "surroundings; check the crop, the polarity and the part mask."
        )
    return places[share <= np.quantile(share, share_of_all)], places[share >= np.quantile(share, 1 - share_of_all)]
