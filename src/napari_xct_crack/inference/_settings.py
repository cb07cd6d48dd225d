"""Settings of segmenting."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..settings import Settings


class SegmentSettings(Settings):
    """How a scan is segmented."""

    normal: Literal["z", "y", "x", "all"] = Field(
        "z",
        description="Axis along which slices are taken; all is the mean of three, for cracks parallel to the slices.",
    )
    turns: bool = Field(
        False,
        description="Ask the net four times, with the scan turned by half a turn about each axis, and take the mean; four times the time.",
    )
    device: str = Field("auto", description="Where the net runs: auto, cpu, cuda, cuda:1, mps.")
