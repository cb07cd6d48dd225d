"""CGM3, random cracks: a thickness that decays and a centre that wanders, column by column."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._polyline import rasterise, walk

_BORDER = 128
"""Centres are drawn on a canvas larger by this on each side, so that cracks also enter from outside."""


class RandomCracks(CrackGenerator):
    """Horizontal and vertical random cracks, turned at will.

    From a centre with thickness t0 a crack grows to both sides, each by itself:
    t ← t·(1 − \\|N(0, decay)\\|) and c ← c + N(0, smoothness). Small decay makes long cracks, large smoothness jagged ones.
    In a stack of slices the crack is shifted from slice to slice, as a leaning sheet would be.
    """

    kind: Literal["random"] = "random"
    count: tuple[int, int] = Field((1, 3), description="Fewest and most cracks of each orientation per patch.")
    decay: float = Field(0.1, gt=0, le=1, description="Decay factor, upper end: larger makes cracks shorter.")
    decay_min: float = Field(0.01, gt=0, le=1, description="Decay factor, lower end; drawn log-uniformly.")
    smoothness: float = Field(
        1.0, gt=0, le=10, description="Smoothness factor, upper end: larger makes cracks more jagged."
    )
    smoothness_min: float = Field(0.1, gt=0, le=10, description="Smoothness factor, lower end; drawn log-uniformly.")
    t_min: Length = Field(Length(0.3), description="Smallest thickness at a crack's centre.")
    t_max: Length = Field(Length(4.5), description="Largest thickness at a crack's centre.")
    t_law: Literal["log", "uniform"] = Field("log", description="Distribution of the thickness at the centre.")
    t_end: float = Field(0.2, gt=0, le=10, description="Thickness, in voxels, at which growth ends.")
    rotation: float = Field(30.0, ge=0, le=180, description="Cracks are turned by up to so many degrees.")
    rotated: float = Field(0.5, ge=0, le=1, description="Share of the patches that are turned.")
    border: bool = Field(True, description="Also draw cracks whose centre lies up to 128 voxels outside.")
    lean: float = Field(
        0.4,
        ge=0,
        le=5,
        description="Standard deviation of the shift from slice to slice, in voxels.",
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _ordered(self) -> RandomCracks:
        if self.decay_min > self.decay:
            object.__setattr__(self, "decay_min", self.decay)
        if self.smoothness_min > self.smoothness:
            object.__setattr__(self, "smoothness_min", self.smoothness)
        return self

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        coverage, target = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
        angle = np.radians(rng.uniform(-self.rotation, self.rotation)) if rng.random() < self.rotated else 0.0
        for upright in (False, True):
            for _ in range(int(rng.integers(self.count[0], self.count[1] + 1))):
                points, thickness = self.crack(shape[1:], rng, upright, voxel_size)
                points = _turned(points, angle, shape[1:])
                lean = rng.normal(0, self.lean, 2)
                for z in range(shape[0]):
                    rasterise(coverage[z], target[z], points + lean * (z - shape[0] // 2), thickness)
        return Drawn(coverage, target)

    def crack(
        self, shape: tuple[int, int], rng: np.random.Generator, upright: bool, voxel_size: VoxelSize | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points (n, 2) over y, x and thickness (n,) of one crack, in voxels, before any rotation."""
        low, high = self.t_min.voxels(voxel_size)[1], self.t_max.voxels(voxel_size)[1]
        high = max(low, high)
        start = float(np.exp(rng.uniform(np.log(low), np.log(high))) if self.t_law == "log" else rng.uniform(low, high))
        decay = float(np.exp(rng.uniform(np.log(self.decay_min), np.log(self.decay))))
        smoothness = float(np.exp(rng.uniform(np.log(self.smoothness_min), np.log(self.smoothness))))
        border = _BORDER if self.border else 0
        centre = rng.uniform(-border, np.asarray(shape) + border)
        steps = max(shape) + 2 * border
        sides = [
            walk(start, decay, smoothness, self.t_end, steps, rng.standard_normal(steps), rng.standard_normal(steps))
            for _ in range(2)
        ]
        (left_t, left_c), (right_t, right_c) = sides
        along = np.concatenate([-np.arange(len(left_t), 0, -1), np.arange(len(right_t) + 1)]).astype(float)
        across = np.concatenate([left_c[::-1], [0.0], right_c])
        thickness = np.concatenate([left_t[::-1], [start], right_t])
        line = np.stack([along, across] if upright else [across, along], axis=1)
        return line + centre, thickness


def _turned(points: NDArray[np.float64], angle: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Rotate about the middle of the patch."""
    middle = np.asarray(shape) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = (points - middle) @ turn.T + middle
    return turned


def expected_length(t0: float, decay: float, t: float) -> float:
    """Columns a side from thickness t0 down to t, in the mean: ln(t0/t) / (0.798·decay), for decay ≤ 0.05."""
    return float(np.log(t0 / t) / (np.sqrt(2 / np.pi) * decay))
