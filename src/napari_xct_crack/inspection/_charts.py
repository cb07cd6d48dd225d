"""Charts of the cracks: distributions of opening and size, and the directions of their poles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..measure import Measured

Floats = NDArray[np.float64]
_BINS = 24
_ARC = 9
"""Points on the arc of a sector."""


@dataclass(frozen=True)
class Chart:
    """Heights over classes: n + 1 edges, n heights."""

    title: str
    unit: str
    heights_are: str
    edges: Floats
    heights: Floats
    ticks: tuple[tuple[float, str], ...] | None = None
    """Decimal logarithms and what is written there, of classes of equal ratio; none of equal differences."""


def charts(measured: Measured) -> tuple[Chart, ...]:
    """Area of cracks by the angle of their poles to the build direction, and numbers by opening and size, where known.

    Openings are those by missing grey value where there are any, else those of the mask.
    """
    unit = "µm" if measured.summary["unit"] == "um" else "voxels"
    cracks = {name: column[measured.cracks["kind"] == "crack"] for name, column in measured.cracks.items()}
    told = measured.summary["rose"]
    edges, areas = (np.array(told[f"pole_to_build_{name}"]) for name in ("edges", "area"))
    return (
        Chart("angle of pole to z", "°", "Area of cracks", edges, areas),
        *(_counted(cracks, "aperture_grey", "opening", unit) or _counted(cracks, "aperture_mean", "opening", unit)),
        *_counted(cracks, "sqrt_area", "√area", unit),
    )


def _counted(cracks: dict[str, NDArray[Any]], name: str, title: str, unit: str) -> tuple[Chart, ...]:
    """Numbers of cracks over classes of equal ratio; none where no crack has a value."""
    values = cracks.get(name, np.zeros(0))
    values = values[values > 0]
    if not len(values):
        return ()
    low, high = values.min(), values.max()
    if high < 1.01 * low:
        low, high = low / 1.5, high * 1.5
    edges = np.geomspace(low, high, _BINS + 1)
    edges[0], edges[-1] = low, high
    return (
        Chart(title, unit, "Number of cracks", edges, np.histogram(values, edges)[0].astype(float), _ticks(low, high)),
    )


def _ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """1, 2, 5, 10 … where they lie between the ends."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    values = [step * 10.0**power for power in range(first, last + 1) for step in (1, 2, 5)]
    return tuple((math.log10(value), f"{value:g}") for value in values if low <= value <= high)


def rose(summary: dict[str, Any]) -> tuple[Floats, Floats]:
    """Outline, x and y, of the rose of the poles' directions in the slice: a sector's radius is the area of its cracks.

    A pole has no sign, so that its area stands on both sides. The largest radius is 1.
    """
    told = summary["rose"]
    edges, areas = np.radians(told["azimuth_edges"]), np.array(told["azimuth_area"])
    radii = areas / max(areas.max(initial=0.0), 1e-300)
    share = np.linspace(0, 1, _ARC)
    angles = edges[:-1, None] + np.diff(edges)[:, None] * share
    arcs = radii[:, None] * np.exp(1j * angles)
    centre = np.zeros((len(radii), 1))
    half = np.concatenate([centre, arcs, centre], axis=1).ravel()
    whole = np.concatenate([half, -half])
    return whole.real, whole.imag
