"""The tables: columns by name, written as CSV; what is not known is left empty."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import replacing
from ..volume import Triple
from ._census import Census
from ._fit import MODEL, MOST_BLUR, error
from ._inputs import Inputs
from ._shape import Shapes, angle_to
from ._slices import Slices
from ._survey import Survey

Table = Mapping[str, NDArray[Any]]
AXES = "zyx"
_AT_ONCE = 2**14
"""Rows that are written at once: as Python's numbers they take many times the memory."""


def crack_table(
    census: Census, shapes: Shapes, survey: Survey, kinds: NDArray[np.str_], inputs: Inputs, origin: Triple
) -> dict[str, NDArray[Any]]:
    """One row per component, in the order of the numbers; lengths in the unit of the voxel's sides."""
    voxel = float(np.prod(inputs.size))
    # A few voxels that lean every way may have no run through their middle: their area is not known.
    volume = (census.voxels * voxel).astype(np.float64)
    area = np.where(survey.area[1:] > 0, survey.area[1:], np.nan)
    table: dict[str, NDArray[Any]] = {"id": np.arange(1, len(census) + 1), "kind": kinds}
    for name, values in (("", census.centre), ("start_", census.start), ("stop_", census.stop)):
        table |= {name + axis: values[:, at] + origin[at] for at, axis in enumerate(AXES)}
    table |= {
        "voxels": census.voxels,
        "volume": volume,
        "surface": survey.surface[1:],
        "area": area,
        "length": survey.length[1:],
        "aperture_mean": survey.aperture_sum[1:] / area,
        "aperture_max": survey.aperture_max[1:],
        "aperture_volume": volume / area,
    }
    table |= _grey(survey, inputs, volume, area)
    table |= {f"pole_{axis}": shapes.pole[:, at] for at, axis in enumerate(AXES)}
    table["pole_to_build"] = angle_to(shapes.pole, inputs.build_axis)
    table |= {f"half_axis_{at + 1}": values for at, values in enumerate(shapes.half_axes.T)}
    table |= {"flatness": shapes.flatness, "sqrt_area": np.sqrt(survey.shadow[1:])}
    return table


def _grey(
    survey: Survey, inputs: Inputs, volume: NDArray[np.float64], area: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Aperture by missing grey value and its standard deviation; empty without a scan."""
    unknown = np.full(len(area), np.nan)
    if inputs.scan is None:
        return {"aperture_grey": unknown, "aperture_grey_error": unknown}
    side = float(np.prod(inputs.size)) ** (1 / 3)
    aperture = survey.share[1:] * volume / area
    doubt = unknown
    if inputs.noise is not None:
        by_noise = (
            error(inputs.noise, min(inputs.blur, MOST_BLUR), area / side**2, volume / area / side)
            / abs(inputs.contrast)
            * side
        )
        doubt = np.hypot(by_noise, MODEL * aperture)
        # an opening that is negative beyond its error was not measured
        aperture = np.where(aperture < -by_noise, np.nan, aperture)
    return {"aperture_grey": aperture, "aperture_grey_error": np.where(np.isnan(aperture), np.nan, doubt)}


def tip_table(slices: Slices) -> dict[str, NDArray[Any]]:
    """One row per tip of a crack in a slice; places in voxels of the scan."""
    crack, z, y, x, dy, dx, sharp = slices.tips.T
    return {
        "crack": crack.astype(int),
        "z": z.astype(int),
        "y": y,
        "x": x,
        "direction_y": dy,
        "direction_x": dx,
        "sharpness": sharp,
    }


def front_table(survey: Survey) -> dict[str, NDArray[Any]]:
    """One row per voxel of a crack's front; places in voxels of the scan."""
    places = dict(zip(("crack", *AXES), survey.fronts.T, strict=True))
    return places | {f"direction_{axis}": survey.outward[:, at] for at, axis in enumerate(AXES)}


def slice_table(slices: Slices, first: int) -> dict[str, NDArray[Any]]:
    """One row per slice; z in voxels of the scan."""
    traces, length, area, pores, part, tips = slices.rows.T
    known = np.where(part > 0, part, np.nan)
    return {
        "z": np.arange(len(traces)) + first,
        "traces": traces.astype(int),
        "length": length,
        "area": area,
        "fraction": area / known,
        "pore_area": pores,
        "pore_fraction": pores / known,
        "tips": tips.astype(int),
    }


def write_table(path: Path, table: Table) -> None:
    """Replace a CSV file at once.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(table)
        for first in range(0, max(map(len, table.values())), _AT_ONCE):
            some = (column[first : first + _AT_ONCE].tolist() for column in table.values())
            rows.writerows(zip(*(map(_shown, column) for column in some), strict=True))


def _shown(value: float | int | str | bool) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if np.isfinite(value) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
