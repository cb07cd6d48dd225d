"""The slices of a DICOM series: whether they belong together, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ._linear import Linear

_UNEVEN = 0.01
"""Distances of slices that differ by more than this share are said."""

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Slice:
    """What the header of one file says."""

    path: Path
    series: str
    number: int | None
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    linear: Linear
    across: tuple[float, ...]
    """mm between rows and between columns; empty if not stated."""
    position: float | None
    """mm along the normal of the slices."""
    thickness: float | None
    notes: Notes = field(default=())


def along(position: Any, orientation: Any) -> float | None:
    """Where a slice lies along its normal."""
    if not position or not orientation:
        return None
    rows = np.array([float(value) for value in orientation]).reshape(2, 3)
    return float(np.dot(np.cross(rows[0], rows[1]), [float(value) for value in position]))


def alike(path: Path, slices: Sequence[Slice]) -> None:
    """They must be one series of one shape and type."""
    series = Counter(one.series for one in slices)
    if len(series) > 1:
        sizes = ", ".join(str(count) for _, count in series.most_common(4))
        raise InputError(
            f"{path} holds {len(series)} DICOM series (of {sizes} files); put each scan into a folder of its own."
        )
    for one in slices[1:]:
        if (one.shape, one.dtype, one.across) != (slices[0].shape, slices[0].dtype, slices[0].across):
            raise InputError(
                f"The slices are not alike: {slices[0].path.name} and {one.path.name} differ in size, type or spacing."
            )


def in_order(slices: Sequence[Slice]) -> tuple[list[Slice], float | None, Notes]:
    """Slices in order, mm from one to the next, and what to say about it."""
    positions = [one.position for one in slices if one.position is not None]
    if len(slices) == 1:
        said = "A single DICOM slice; open its folder for the whole series."
        return list(slices), slices[0].thickness, (said,)
    if len(positions) < len(slices):
        numbers = [one.number for one in slices if one.number is not None]
        if len(set(numbers)) < len(slices):
            raise InputError("The DICOM slices state neither positions nor numbers of their own: they have no order.")
        ordered = sorted(slices, key=lambda one: one.number or 0)
        return ordered, slices[0].thickness, ("The slices state no position: sorted by their numbers.",)
    ordered = sorted(slices, key=lambda one: one.position or 0.0)
    steps = np.diff(sorted(positions))
    pitch = float(np.median(steps))
    if steps.min() <= 1e-3 * pitch or pitch <= 0:
        raise InputError("Several DICOM slices lie at the same position; put each scan into a folder of its own.")
    if np.ptp(steps) <= _UNEVEN * pitch:
        return ordered, pitch, ()
    said = f"The slices are {steps.min():.4g} to {steps.max():.4g} mm apart: slices are missing, and all were put side by side."
    return ordered, pitch, (said,)
