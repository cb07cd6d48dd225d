"""Sheet cracks: rough, tilted, three-dimensional openings, so that neighbouring slices show the same crack."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..settings import VoxelSize
from ..volume import Triple
from . import Drawn
from ._carved import Carved, carved
from ._planar import PlanarCracks, centre, irregular
from ._surface import TILE, Sheet


class SheetCracks(PlanarCracks):
    """Planar cracks with a fractional Brownian surface, an aperture law and an irregular front."""

    kind: Literal["sheet"] = "sheet"
    roughness_max: float = Field(
        0.08, ge=0, le=0.5, description="Largest roughness: root mean square height as a share of the radius."
    )
    inclination: float = Field(
        0.0,
        ge=0,
        le=90,
        description="Mean angle, in degrees, between cracks and the build direction: 0 upright, 90 in the layers.",
    )
    tilt: float = Field(
        25.0, ge=0, le=90, description="Standard deviation, in degrees, of the angle to the build direction."
    )
    bridged: float = Field(0.3, ge=0, le=1, description="Share of the cracks that are interrupted by bridges.")

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        return self.volume(shape, rng, voxel_size).drawn

    def volume(
        self,
        shape: Triple,
        rng: np.random.Generator,
        voxel_size: VoxelSize | None = None,
        part: NDArray[np.bool_] | None = None,
    ) -> Carved:
        """Several cracks with all that is known of them, clipped by a part if one is given, shape (z, y, x)."""
        return carved(self.sheets(shape, rng, voxel_size), shape, part=part)

    def sheets(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> tuple[Sheet, ...]:
        """The cracks of one stack."""
        return tuple(self.several(shape, rng, voxel_size, lambda wide: self.sheet(wide, rng, voxel_size)))

    def sheet(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Sheet:
        """One random crack whose sheet crosses a stack of that shape, or nearly so."""
        aperture, radius = self.size(rng, voxel_size)
        lean = np.radians(rng.normal(self.inclination, self.tilt))
        heading = rng.uniform(0, 2 * np.pi)
        across = float(np.cos(lean) * np.sin(heading)), float(np.cos(lean) * np.cos(heading))
        return Sheet(
            centre=centre(rng, shape, radius),
            normal=self.placed(float(np.sin(lean)), *across),
            radius=radius,
            aperture=aperture,
            front=irregular(rng),
            blunting=self.blunting(rng),
            roughness=float(radius * rng.uniform(0, self.roughness_max)),
            hurst=float(rng.choice((0.5, 0.6, 0.7, 0.8, 0.9))),
            tile=int(rng.integers(8)) * 2,
            shift=(float(rng.uniform(0, TILE)), float(rng.uniform(0, TILE))),
            bridging=float(rng.uniform(0.1, 0.5)) if rng.random() < self.bridged else 0.0,
        )
