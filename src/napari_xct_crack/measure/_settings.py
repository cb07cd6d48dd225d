"""What counts as a crack, and how it is measured."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..settings import Length, Settings


class MeasureSettings(Settings):
    """What counts as a crack, and how it is measured."""

    flatness: float = Field(
        0.35, ge=0, le=1, description="Shortest over longest half axis below which a component is a crack."
    )
    sphericity: float = Field(
        0.6, ge=0, le=1, description="A component less ball-like than this is a crack too, however it lies."
    )
    smallest: int = Field(8, ge=1, description="Components of fewer voxels have no shape: they count as pores.")
    load_axis: tuple[float, float, float] = Field(
        (1.0, 0.0, 0.0), description="Direction of the load, z y x: cracks are projected along it."
    )
    build_axis: tuple[float, float, float] = Field(
        (1.0, 0.0, 0.0), description="Direction in which the part was built, z y x."
    )
    surface_within: Length = Field(
        Length(2), description="A crack that comes so near to the part's surface is open to it."
    )
    grow: int | None = Field(
        None,
        ge=0,
        le=12,
        description="Voxels around a crack whose probability counts to its interval; three times the scan's point spread, "
        "but at least 2, if not given.",
    )
    contrast: float | None = Field(
        None, description="Grey value of metal minus that of air; estimated from the part's edge if not given."
    )

    detectability: bool = Field(
        True, description="Map the smallest aperture that could be seen in the scan, where one is given."
    )

    @model_validator(mode="after")
    def _directed(self) -> MeasureSettings:
        for name, axis in (("load", self.load_axis), ("build", self.build_axis)):
            if not any(axis):
                raise ValueError(f"the {name} axis is a direction such as 1 0 0, but all of its components are 0")
        if self.contrast == 0:
            raise ValueError("a contrast of 0 tells no crack from metal")
        return self
