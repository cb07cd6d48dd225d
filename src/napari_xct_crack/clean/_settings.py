"""How a probability becomes a mask."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..components import Dimensions
from ..settings import Length, Settings
from ..volume import Triple

_SPECK, _SPECK_IN_SLICE = 100, 20
"""Voxels below which what is marked is taken for noise: on simulated scans nine of ten false objects, 1 % of the cracks."""


class CleanSettings(Settings):
    """How a probability becomes a mask; the fields stand in the order in which they act, a length of 0 does nothing."""

    threshold: float = Field(0.5, gt=0, le=1, description="A voxel is crack from this probability on.")
    hysteresis: float | None = Field(
        None, gt=0, le=1, description="Also from this lower one on, where that is connected to a voxel above the other."
    )
    closing: Length = Field(Length(0), description="Close gaps up to twice this radius, in any direction.")
    bridging: Length = Field(
        Length(0),
        description="Join cracks that end opposite each other up to so far apart, along their own direction; for cracks "
        "thinner than three quarters of it.",
    )
    bridging_angle: float = Field(
        30, ge=0, le=60, description="Degrees by which such a join may lean to the cracks on either side."
    )
    fill_holes: bool = Field(False, description="Fill holes that the mask encloses.")
    opening: Length = Field(Length(0), description="Remove what is thinner than twice this radius.")
    erosion: Length = Field(Length(0), description="Make cracks thinner by this on each side.")
    dilation: Length = Field(Length(0), description="Make cracks thicker by this on each side.")
    min_size: int | None = Field(
        None,
        ge=0,
        description="Remove connected cracks of fewer voxels; automatic is 100 in 3-D and 20 in a slice, 0 keeps all.",
    )
    dimensions: Dimensions = Field("3d", description="Balls and connections in 3-D, or each slice by itself (2d).")

    @model_validator(mode="after")
    def _ordered(self) -> CleanSettings:
        if self.hysteresis is not None and self.hysteresis > self.threshold:
            raise ValueError(
                f"it is the lower of two, so at most {self.threshold}, but hysteresis is {self.hysteresis}"
            )
        return self

    def settled(self, shape: Triple) -> CleanSettings:
        """The same with numbers in place of what is automatic, for a volume of that shape."""
        if self.min_size is not None:
            return self
        flat = self.dimensions == "2d" or shape[0] == 1
        return self.model_copy(update={"min_size": _SPECK_IN_SLICE if flat else _SPECK})
