"""CGM3, random cracks: a thickness that decays and a centre that wanders, column by column."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..settings import Length, VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._columns import sow, sprout
from ._fields import Canvas, Lean, canvas_side

_BORDER = 128
"""Centres are drawn on a canvas larger by this on each side, so that cracks also enter from outside."""

_STUB = 10.0
"""Mean length, in voxels, below which a crack is a stub."""


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
    t_law: Literal["log", "uniform"] = Field(
        "log", description="Distribution of the thickness at the centre.", json_schema_extra={"advanced": True}
    )
    t_end: float = Field(
        0.2,
        gt=0,
        le=10,
        description="Thickness, in voxels, at which growth ends.",
        json_schema_extra={"advanced": True},
    )
    rotation: float = Field(
        30.0,
        ge=0,
        le=180,
        description="Cracks are turned by up to so many degrees.",
        json_schema_extra={"advanced": True},
    )
    rotated: float = Field(
        0.5, ge=0, le=1, description="Share of the patches that are turned.", json_schema_extra={"advanced": True}
    )
    border: bool = Field(
        True,
        description="Also draw cracks whose centre lies up to 128 voxels outside.",
        json_schema_extra={"advanced": True},
    )
    canvas: Canvas = Length(0)
    lean: Lean = 0.4

    @model_validator(mode="after")
    def _ordered(self) -> RandomCracks:
        if self.decay_min > self.decay:
            object.__setattr__(self, "decay_min", self.decay)
        if self.smoothness_min > self.smoothness:
            object.__setattr__(self, "smoothness_min", self.smoothness)
        return self

    def warnings(self, voxel_size: VoxelSize | None = None) -> tuple[str, ...]:
        if voxel_size is None and "um" in (self.t_min.unit, self.t_max.unit):
            return ()
        widest = self._law(voxel_size)[1]
        length = 2 * expected_length(widest, self.decay_min, self.t_end) if widest > self.t_end else 0.0
        if length >= _STUB:
            return ()
        return (
            f"With decay {self.decay_min:g} even the widest cracks end after about {length:.0f} voxels: they are stubs. "
            "Lower decay.",
        )

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        side = round(canvas_side(self.canvas, voxel_size))
        wide = (shape[0], max(shape[1], side), max(shape[2], side))
        coverage, target = np.zeros(wide, np.float32), np.zeros(wide, np.bool_)
        turned = rng.random() < self.rotated
        angle = np.radians(self.rotation) * (2 * rng.random() - 1) if turned else 0.0
        fewest, most = self.count[0], max(self.count)
        counts = (int(rng.integers(fewest, most + 1)), int(rng.integers(fewest, most + 1)))
        border = float(_BORDER if self.border else 0)
        if side:
            times = (wide[1] + 2 * border) * (wide[2] + 2 * border) / (side + 2 * border) ** 2
            counts = (int(counts[0] * times + rng.random()), int(counts[1] * times + rng.random()))
        sow(rng, coverage, target, counts, self._law(voxel_size), border, float(angle), float(self.lean))
        if side:
            y, x = (int(rng.integers(whole - part + 1)) for whole, part in zip(wide[1:], shape[1:], strict=True))
            held = (slice(None), slice(y, y + shape[1]), slice(x, x + shape[2]))
            coverage, target = np.ascontiguousarray(coverage[held]), np.ascontiguousarray(target[held])
        return Drawn(coverage, target)

    def crack(
        self, reach: int, rng: np.random.Generator, voxel_size: VoxelSize | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """One crack that may grow `reach` columns to either side.

        Returns
        -------
        Offset of the centre and thickness by column, in voxels, and the number of columns before the start.
        """
        centre, thickness, first = sprout(rng, self._law(voxel_size), reach, reach)
        return centre, thickness, int(first)

    def _law(self, voxel_size: VoxelSize | None) -> tuple[float, ...]:
        low, high = (float(length.voxels(voxel_size)[1]) for length in (self.t_min, self.t_max))
        law = (low, max(low, high), float(self.t_law == "log"), self.decay_min, self.decay)
        return (*law, self.smoothness_min, self.smoothness, self.t_end)


def expected_length(t0: float, decay: float, t: float) -> float:
    """Columns a side from thickness t0 down to t, in the mean: ln(t0/t) / (0.798·decay), for decay ≤ 0.05."""
    return float(np.log(t0 / t) / (np.sqrt(2 / np.pi) * decay))
