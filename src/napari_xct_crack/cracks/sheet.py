"""Sheet cracks: rough, tilted, three-dimensional openings, so that neighbouring slices show the same crack."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._surface import TILE, Sheet, carve

_BLUNTINGS = (0.25, 0.5, 1.0, 1.5)


class SheetCracks(CrackGenerator):
    """Planar cracks with a fractional Brownian surface, an aperture law and an irregular front."""

    kind: Literal["sheet"] = "sheet"
    count: tuple[int, int] = Field((3, 9), description="Fewest and most cracks that are tried per stack; some miss it.")
    aperture_min: Length = Field(Length(0.3), description="Smallest opening at a crack's centre.")
    aperture_max: Length = Field(Length(4.5), description="Largest opening at a crack's centre; drawn log-uniformly.")
    radius_min: Length = Field(Length(12), description="Smallest radius of a crack.")
    radius_max: Length = Field(Length(160), description="Largest radius of a crack; drawn log-uniformly.")
    roughness_max: float = Field(
        0.08, ge=0, le=0.5, description="Largest roughness: root mean square height as a share of the radius."
    )
    tilt: float = Field(
        25.0,
        ge=0,
        le=90,
        description="Standard deviation, in degrees, by which cracks lean away from upright on the slices.",
    )
    bridged: float = Field(0.3, ge=0, le=1, description="Share of the cracks that are interrupted by bridges.")

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        coverage = np.zeros(shape, np.float32)
        target = np.zeros(shape, np.bool_)
        aperture = np.zeros(shape, np.float32)
        ids = np.zeros(shape, np.int32)
        for number in range(1, int(rng.integers(self.count[0], self.count[1] + 1)) + 1):
            carve(self.sheet(shape, rng, voxel_size), coverage, target, aperture, ids, number)
        return Drawn(coverage, target | (coverage >= 0.5))

    def sheet(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Sheet:
        """One random crack whose sheet crosses a stack of that shape, or nearly so."""
        aperture = _log_uniform(rng, self.aperture_min.voxels(voxel_size)[1], self.aperture_max.voxels(voxel_size)[1])
        radius = _log_uniform(rng, self.radius_min.voxels(voxel_size)[1], self.radius_max.voxels(voxel_size)[1])
        lean = np.radians(rng.normal(0, self.tilt))
        heading = rng.uniform(0, 2 * np.pi)
        normal = (float(np.sin(lean)), float(np.cos(lean) * np.sin(heading)), float(np.cos(lean) * np.cos(heading)))
        centre = (
            float(rng.uniform(-0.7 * radius, shape[0] + 0.7 * radius)),
            float(rng.uniform(-0.3 * radius, shape[1] + 0.3 * radius)),
            float(rng.uniform(-0.3 * radius, shape[2] + 0.3 * radius)),
        )
        front: list[float] = []
        for harmonic in range(2, 6):
            front += [float(rng.normal(0, 0.25 / harmonic)), float(rng.uniform(0, 2 * np.pi))]
        return Sheet(
            centre=centre,
            normal=normal,
            radius=radius,
            aperture=aperture,
            blunting=float(rng.choice(_BLUNTINGS)),
            roughness=float(radius * rng.uniform(0, self.roughness_max)),
            hurst=float(rng.choice((0.5, 0.6, 0.7, 0.8, 0.9))),
            tile=int(rng.integers(8)) * 2,
            shift=(float(rng.uniform(0, TILE)), float(rng.uniform(0, TILE))),
            front=tuple(front),
            bridging=float(rng.uniform(0.1, 0.5)) if rng.random() < self.bridged else 0.0,
        )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(max(low, high)))))
