"""Settings of how patches are cut and cracks are put into them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.config import JsonDict

from ..settings import Settings

_ADVANCED: JsonDict = {"advanced": True}


class PatchSettings(Settings):
    """How patches are cut from the scan and cracks are put into them."""

    size: int = Field(256, ge=32, le=1024, description="Height and width of a patch in pixels.")
    memory_mb: int = Field(
        600, ge=16, le=65536, description="Most of the scan held in memory, in MB.", json_schema_extra=_ADVANCED
    )
    background_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of all patches, those with the fewest doubtful voxels, that serve as background.",
        json_schema_extra=_ADVANCED,
    )
    same_slices: bool = Field(
        False, description="Draw crack-free frames from the slices of the cracked ones.", json_schema_extra=_ADVANCED
    )
    doubt: bool = Field(
        True,
        description="Do not teach as metal what may be crack in a background; without it all of it is metal.",
        json_schema_extra=_ADVANCED,
    )
    found_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the patches that, once the net has looked over the scan, are real cracked frames in which "
        "what it is sure of is taught as crack.",
        json_schema_extra=_ADVANCED,
    )
    rendering: Literal["matched", "fixed", "alpha"] = Field(
        "matched",
        description="Look of rendered cracks: attenuation taken away with the scan's own contrast and point spread; the same "
        "with a contrast of half the grey window and a spread of one voxel; or the grey of air painted over, matched.",
        json_schema_extra=_ADVANCED,
    )
    amplitude: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the lowest frequencies, per axis, whose amplitudes rendered frames get from real cracked frames.",
        json_schema_extra=_ADVANCED,
    )
    depth: tuple[float, float] = Field(
        (0.75, 1.15), description="Range of the factor on the depth of rendered cracks.", json_schema_extra=_ADVANCED
    )
    blur: tuple[float, float] = Field(
        (0.85, 1.25),
        description="Range of the factor on the scan's point spread in rendering.",
        json_schema_extra=_ADVANCED,
    )
    flips: bool = Field(True, description="Flip and turn patches at random.", json_schema_extra=_ADVANCED)
    pores: float = Field(
        4.0, ge=0, le=200, description="Mean number of round pores drawn into a patch.", json_schema_extra=_ADVANCED
    )
