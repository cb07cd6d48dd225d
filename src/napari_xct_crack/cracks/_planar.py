"""What sheets and grain-boundary cracks have in common: number, sizes, aperture law, place, front, build direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator
from ._fields import Canvas, canvas_side
from ._grains import GrainCrack
from ._surface import Sheet

Crack = TypeVar("Crack", Sheet, GrainCrack)

_BORDER = 0.3
"""Share of its radius by which a crack's centre may lie beside the slices."""
BLUNTINGS = {"blunt": 0.25, "elastic": 0.5, "wedge": 1.0, "cohesive": 1.5}
"""Exponents β of the aperture law w0·(1 − ρ²)^β, by the shape of the front that they give."""


class PlanarCracks(CrackGenerator):
    """Cracks that open about a plane, within a front; the settings that do not ask for its roughness."""

    count: tuple[int, int] = Field((3, 9), description="Fewest and most cracks that are tried per stack; some miss it.")
    aperture_min: Length = Field(Length(0.3), description="Smallest opening at a crack's centre.")
    aperture_max: Length = Field(Length(4.5), description="Largest opening at a crack's centre; drawn log-uniformly.")
    radius_min: Length = Field(Length(12), description="Smallest radius of a crack.")
    radius_max: Length = Field(Length(160), description="Largest radius of a crack; drawn log-uniformly.")
    aperture_law: Literal["any", "blunt", "elastic", "wedge", "cohesive"] = Field(
        "any", description="How the opening falls towards the front; any draws one of the four for each crack."
    )
    build: Literal["z", "y", "x"] = Field("z", description="Axis of the stack that is the build direction.")
    canvas: Canvas = Length(0)

    def several(
        self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None, crack: Callable[[Triple], Crack]
    ) -> list[Crack]:
        """All cracks of one stack, by a function that draws one for a stack of a shape.

        A patch smaller than the canvas is cut from it at random; a larger one gets more cracks, as many in its metal.
        """
        count = int(rng.integers(self.count[0], self.count[1] + 1))
        side = canvas_side(self.canvas, voxel_size)
        if side == 0:
            return [crack(shape) for _ in range(count)]
        wide = (shape[0], max(shape[1], round(side)), max(shape[2], round(side)))
        y, x = (float(rng.uniform(0, whole - part)) for whole, part in zip(wide[1:], shape[1:], strict=True))
        cracks = [crack(wide) for _ in range(int(count * wide[1] * wide[2] / side**2 + rng.random()))]
        # beyond the edges a crack of that radius may lie in the same border, however large the patch
        return [
            replace(one, centre=(one.centre[0], one.centre[1] - y, one.centre[2] - x))
            for one in cracks
            if rng.random()
            < np.prod([(1 + 2 * _BORDER * one.radius / n) / (1 + 2 * _BORDER * one.radius / side) for n in wide[1:]])
        ]

    def size(self, rng: np.random.Generator, voxel_size: VoxelSize | None) -> tuple[float, float]:
        """Opening and radius of one crack in voxels."""
        aperture = _log_uniform(rng, self.aperture_min.voxels(voxel_size)[1], self.aperture_max.voxels(voxel_size)[1])
        radius = _log_uniform(rng, self.radius_min.voxels(voxel_size)[1], self.radius_max.voxels(voxel_size)[1])
        return aperture, radius

    def blunting(self, rng: np.random.Generator) -> float:
        """Exponent β of one crack's aperture law."""
        laws = BLUNTINGS if self.aperture_law == "any" else [self.aperture_law]
        return float(rng.choice([BLUNTINGS[law] for law in laws]))

    def placed(self, along: float, *across: float) -> tuple[float, float, float]:
        """A vector over z, y, x from its part along the build direction and the two across it."""
        parts = list(across)
        parts.insert("zyx".index(self.build), along)
        return parts[0], parts[1], parts[2]


def centre(rng: np.random.Generator, shape: Triple, radius: float) -> tuple[float, float, float]:
    """Centre of a crack that crosses a stack of that shape, or nearly so."""
    return (
        float(rng.uniform(-0.7 * radius, shape[0] + 0.7 * radius)),
        float(rng.uniform(-_BORDER * radius, shape[1] + _BORDER * radius)),
        float(rng.uniform(-_BORDER * radius, shape[2] + _BORDER * radius)),
    )


def irregular(rng: np.random.Generator) -> tuple[float, ...]:
    """Amplitudes and phases of a front's harmonics 2 to 5 in turn."""
    front: list[float] = []
    for harmonic in range(2, 6):
        front += [float(rng.normal(0, 0.25 / harmonic)), float(rng.uniform(0, 2 * np.pi))]
    return tuple(front)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(max(low, high)))))
