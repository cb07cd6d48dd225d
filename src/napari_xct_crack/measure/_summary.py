"""Numbers of the whole part: volume fractions, area of cracks per volume, their directions, the largest of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..settings import VoxelSize
from ._box import HIGH, LOW
from ._slices import Slices
from ._survey import Survey
from ._tables import Table

Floats = NDArray[np.float64]
PARTS = 20
"""Slabs along z, at most, whose largest cracks are fitted …"""
FEWEST = 5
"""… and how many of them must hold a crack."""
BINS = 18
"""Classes of direction over 180 degrees."""


def summary(cracks: Table, survey: Survey, slices: Slices, size: VoxelSize, graded: bool, first: int) -> dict[str, Any]:
    """What ``summary.json`` says of the whole, in the unit of the tables.

    Parameters
    ----------
    cracks
        The table of the components.
    size
        Sides of a voxel.
    graded
        Whether a probability was given, so that volumes have an interval.
    first
        z of the first slice in the scan.
    """
    voxel, part = float(np.prod(size)), float(slices.rows[:, 4].sum()) * size[0]
    is_crack = cracks["kind"] == "crack"
    result: dict[str, Any] = {"part_volume": part}
    for kind, chosen in (("crack", is_crack), ("pore", ~is_crack)):
        volume = float(cracks["volume"][chosen].sum())
        entry: dict[str, Any] = {"count": int(chosen.sum()), "volume": volume, "volume_fraction": _over(volume, part)}
        if graded:
            rows = np.flatnonzero(chosen) + 1
            ends = [float(counts[rows].sum()) * voxel for counts in (survey.certain, survey.possible)]
            entry["interval"] = {"thresholds": [HIGH, LOW], "volume_fraction": [_over(end, part) for end in ends]}
        result[kind] = entry
    only = {name: column[is_crack] for name, column in cracks.items()}
    result["tips"] = int(slices.rows[:, 5].sum())
    result["p32"] = _over(float(np.nansum(only["area"])), part)
    result["rose"] = rose(only)
    result["sizes"] = sizes(only["sqrt_area"], only["z"] - first, len(slices.rows))
    return result


def rose(cracks: Table) -> dict[str, list[float]]:
    """Area of cracks by the direction of their poles: angle to z (0–90°), and azimuth from x to y (0–180°)."""
    area = np.nan_to_num(cracks["area"])
    azimuth = np.degrees(np.arctan2(cracks["pole_y"], cracks["pole_x"])) % 180
    half, whole = np.linspace(0, 90, BINS // 2 + 1), np.linspace(0, 180, BINS + 1)
    return {
        "pole_to_build_edges": half.tolist(),
        "pole_to_build_area": np.histogram(cracks["pole_to_build"], half, weights=area)[0].tolist(),
        "azimuth_edges": whole.tolist(),
        "azimuth_area": np.histogram(azimuth, whole, weights=area)[0].tolist(),
    }


def sizes(sqrt_area: Floats, height: Floats, depth: int) -> dict[str, Any]:
    """Distribution of √area of the cracks, and a Gumbel distribution of the largest of a slab.

    The volume is cut into equal slabs along z; the largest crack of each that holds one is a draw of the largest of such a
    volume. Location λ and scale δ are fitted by maximum likelihood [1]_; the largest crack to expect in T slabs is
    λ − δ·ln(−ln(1 − 1/T)) [2]_.

    Parameters
    ----------
    sqrt_area, height
        Of each crack: size, and place of its centre along z in voxels of the volume, of `depth` slices.

    References
    ----------
    .. [1] ASTM E2283, "Standard practice for extreme value analysis of nonmetallic inclusions in steel".
    .. [2] Y. Murakami, "Metal Fatigue: Effects of Small Defects and Nonmetallic Inclusions", 2nd ed., 2019.
    """
    if not len(sqrt_area):
        return {"quantiles": None, "gumbel": None}
    shares = (0.1, 0.5, 0.9, 1.0)
    quantiles = dict(zip(map(str, shares), np.quantile(sqrt_area, shares).tolist(), strict=True))
    parts = max(1, min(PARTS, depth))
    slab = np.minimum((height * parts / depth).astype(int), parts - 1)
    largest = np.zeros(parts)
    np.maximum.at(largest, slab, sqrt_area)
    largest = largest[largest > 0]
    if len(largest) < FEWEST or np.ptp(largest) == 0:
        return {"quantiles": quantiles, "gumbel": None}
    location, scale = map(float, stats.gumbel_r.fit(largest))
    expected = {
        str(times): float(stats.gumbel_r.ppf(1 - 1 / (times * parts), location, scale)) for times in (1, 10, 100)
    }
    gumbel = {"location": location, "scale": scale, "slabs": parts, "with_cracks": len(largest), "expected": expected}
    return {"quantiles": quantiles, "gumbel": gumbel}


def _over(value: float, whole: float) -> float | None:
    return value / whole if whole else None
