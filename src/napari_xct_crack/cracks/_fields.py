"""Settings that several generators share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..settings import Length

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
