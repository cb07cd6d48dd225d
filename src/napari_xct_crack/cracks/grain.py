"""Grain-boundary cracks: they follow the boundaries of a Voronoi structure, more or less across the largest tension."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from ..errors import SettingsError
from ..settings import Length, VoxelSize
from ..volume import Triple
from . import Drawn
from ._carved import Carved
from ._grains import GrainCrack, Grains, crack_grains, grown
from ._planar import PlanarCracks, centre, irregular

_SMALLEST = 3.0


class GrainCracks(PlanarCracks):
    """Cracks along the boundaries of Voronoi grains, which all cracks of a stack share.

    `bias` leads from cracks that run through the structure in any direction (0) to straight ones across the tension (1).

    References
    ----------
    .. [1] C. Jung and C. Redenbach, "Crack modeling via minimum-weight surfaces in 3d Voronoi diagrams",
       J. Math. Ind. 13:10, 2023: cracks as surfaces of facets.
    """

    kind: Literal["grain"] = "grain"
    grain_size: Length = Field(Length(20), description="Mean size of a grain: the cube root of its volume.")
    elongation: float = Field(
        1.0, ge=1, le=20, description="Length of the grains along the build direction in grain sizes."
    )
    bias: float = Field(
        0.4, ge=0, le=1, description="How much the tension rules: 0 any direction along grains, 1 straight across it."
    )
    stress: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0),
        description="Direction of the largest tension over z, y, x; zeros: across the build direction, anew for each stack.",
    )

    @field_validator("stress")
    @classmethod
    def _finite(cls, stress: tuple[float, float, float]) -> tuple[float, float, float]:
        if not np.isfinite(stress).all():
            raise ValueError("a direction must be finite")
        return stress

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        return self.volume(shape, rng, voxel_size).drawn

    def volume(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Carved:
        """Several cracks with all that is known of them, shape (z, y, x)."""
        volume, grains, tension = Carved.empty(shape), self.grains(rng, voxel_size), self.tension(rng)
        cracks = self.several(shape, rng, voxel_size, lambda wide: self.crack(wide, rng, tension, voxel_size))
        for number, crack in enumerate(cracks, 1):
            crack_grains(crack, grains, volume, number)
        return volume

    def grains(self, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Grains:
        """The structure of one stack.

        Raises
        ------
        SettingsError
            If grains are smaller than three voxels, or their size is given in µm and `voxel_size` is unknown.
        """
        cell = list(self.grain_size.voxels(voxel_size))
        if min(cell) < _SMALLEST:
            raise SettingsError(
                f"Setting grain_size is {min(cell):.3g} voxels; a grain needs at least {_SMALLEST:.0f}."
            )
        cell["zyx".index(self.build)] *= self.elongation
        return grown(rng, (cell[0], cell[1], cell[2]))

    def tension(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Unit vector of the largest tension in one stack, over z, y, x."""
        if any(self.stress):
            z, y, x = np.asarray(self.stress) / np.linalg.norm(self.stress)
            return float(z), float(y), float(x)
        heading = rng.uniform(0, 2 * np.pi)
        return self.placed(0.0, float(np.sin(heading)), float(np.cos(heading)))

    def crack(
        self,
        shape: Triple,
        rng: np.random.Generator,
        tension: tuple[float, float, float],
        voxel_size: VoxelSize | None = None,
    ) -> GrainCrack:
        """One random crack whose plane crosses a stack of that shape, or nearly so."""
        aperture, radius = self.size(rng, voxel_size)
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        # of the two normals of its plane the one on the side of the tension
        normal = (1 - self.bias) * way * np.copysign(1, way @ tension) + self.bias * np.asarray(tension)
        return GrainCrack(
            centre=centre(rng, shape, radius),
            normal=(float(normal[0]), float(normal[1]), float(normal[2])),
            radius=radius,
            aperture=aperture,
            blunting=self.blunting(rng),
            front=irregular(rng),
            straight=self.bias,
        )
