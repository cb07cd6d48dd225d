"""What the filter shows of sheets whose area and opening are known, rendered into the scan's own metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..cracks._area import Area
from ..cracks.sheet import SheetCracks
from ..render import margin
from ..volume import Triple
from ._block import Block
from ._cracked import with_sheets
from ._plates import Ridges

_NEAR = 2.5
"""Distance, in voxels, up to which a place on a ridge is that of a sheet."""
_CLEAR = 1.5
"""How many limits open a sheet must be so that noise does not choose the places at which it is seen."""


@dataclass(frozen=True)
class Trial:
    """Sheets that were rendered, and how the filter saw them; arrays of length n."""

    aperture: NDArray[np.float64]
    """True openings, n …"""
    area: NDArray[np.float64]
    """… and the area of each."""
    seen: NDArray[np.float64]
    """What the filter shows where it shows the sheet, n; 0 where it does not."""


def tried(empty: list[Block], model: SheetCracks, mean: float, stack: Triple, rng: np.random.Generator) -> Trial:
    """Render sheets of a model, so many on average in a stack, into crack-free metal and look for them."""
    cracked, truths = [], []
    for block in empty:
        (made, _), truth = with_sheets(block, model, mean, stack, rng)
        cracked.append(made)
        truths.append(truth)
    ridges = [block.ridges() for block in cracked]
    seen = [_seen(*given) for given in zip(cracked, truths, ridges, strict=True)]
    aperture, area = (np.concatenate([getattr(truth, name) for truth in truths]) for name in ("aperture", "area"))
    return Trial(aperture, area, np.concatenate(seen))


def gain(trials: list[Trial], limit: float) -> float | None:
    """Share of an opening that the filter shows: rough sheets leave its plates. None if too few were clear enough."""
    ratios = []
    for trial in trials:
        clear = (trial.aperture >= _CLEAR * limit) & (trial.seen > 0)
        ratios.append(trial.seen[clear] / trial.aperture[clear])
    found = np.concatenate([*ratios, np.zeros(0)])
    return float(np.median(found)) if len(found) >= 100 else None


def _seen(block: Block, truth: Area, ridges: Ridges) -> NDArray[np.float64]:
    """What the filter shows at each true place of a sheet."""
    if not len(ridges.area) or not len(truth.area):
        return np.zeros(len(truth.area))
    pad = margin(block.plates.point_spread)
    distance, nearest = cKDTree(ridges.place.T).query(truth.place.T - np.array([pad, 0, 0]))
    result: NDArray[np.float64] = np.where(distance <= _NEAR, block.plates.opening(ridges.response)[nearest], 0.0)
    return result
