"""Settings that several generators share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
