"""The part of a report about what could be seen: the map of the smallest aperture, and its spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import Picture, Section, Table, Text
from .figures import _figure, _png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..volume import Volume


def limit_section(limits: Mapping[int, Volume], told: Mapping[str, Any], unit: str) -> Section:
    """What could be seen, for each length of a crack; `told` is the summary's entry of the same name."""
    rows = [
        [f"{length} voxels", *("" if value is None else f"{value:.3g}" for value in told[str(length)].values())]
        for length in limits
    ]
    text = (
        "In one slice nothing below these apertures could be seen: a straight crack so long at which an ideal linear "
        "observer reaches a signal-to-noise ratio of 5, from the noise and the contrast of each place, the scan's point "
        "spread and the spectrum of its noise. Looked at together, five neighbouring slices that the crack goes through lower "
        "the limit by the last factor. No method does better on a straight crack; most do worse."
    )
    head = ["length of the crack", f"10 % of the places, {unit}", "half", "90 %", "five slices"]
    length = next(iter(limits))
    caption = (
        f"Smallest aperture that could be seen, {unit}, for cracks of {length} voxels in the middle slice of the map."
    )
    picture = Picture(_png(_map(limits[length], unit)), caption)
    return Section("What could be seen", [Text(text), Table(head, rows), picture])


def _map(limits: Volume, unit: str) -> Figure:
    drawn = _figure(5, 4)
    axis = drawn.subplots()
    shown = axis.imshow(np.asarray(limits.levels[0][limits.shape[0] // 2]), interpolation="nearest")
    drawn.colorbar(shown, ax=axis, label=f"smallest aperture, {unit}")
    axis.set(xlabel="x", ylabel="y", xticks=[], yticks=[])
    return drawn
