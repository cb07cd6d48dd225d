"""Settings that several generators share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..errors import SettingsError
from ..settings import Length, VoxelSize

_SMALLEST = 16.0

Lean = Annotated[
    float,
    Field(
        ge=0,
        le=5,
        description="Standard deviation of the shift from slice to slice, in voxels.",
        json_schema_extra={"advanced": True},
    ),
]
Warp = Annotated[
    float, Field(ge=0, le=1, description="Share of the patches that are warped; half of them are turned too.")
]
Canvas = Annotated[
    Length,
    Field(
        description="Side of the square for which the number of cracks is meant, so that patches of all sizes are as "
        "densely cracked; 0: of each patch, whatever its size.",
        json_schema_extra={"advanced": True},
    ),
]


def canvas_side(canvas: Length, voxel_size: VoxelSize | None) -> float:
    """Side of a canvas in voxels; 0 where there is none.

    Raises
    ------
    SettingsError
        If it is smaller than 16 voxels.
    """
    side = float(canvas.voxels(voxel_size)[1])
    if 0 < side < _SMALLEST:
        raise SettingsError(f"Setting canvas is {side:.3g} voxels; it must be 0 or at least {_SMALLEST:.0f}.")
    return side
