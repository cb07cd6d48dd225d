"""Mixtures: patches from two generators, and empty ones."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ..settings import VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._augment import warped
from .random import RandomCracks
from .sheet import SheetCracks


class Mixture(CrackGenerator):
    """Each patch from one of two generators, or empty; a mixture may hold mixtures."""

    kind: Literal["mixture"] = "mixture"
    first: CrackGenerator = Field(SheetCracks(), description="One generator.")
    second: CrackGenerator = Field(RandomCracks(), description="The other generator.")
    share: float = Field(0.5, ge=0, le=1, description="Share of the cracked patches that the second generator draws.")
    empty: float = Field(0.1, ge=0, le=1, description="Share of the patches that are left without cracks.")
    warp: float = Field(
        0.0, ge=0, le=1, description="Share of the patches that are warped; half of them are turned too."
    )

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        if rng.random() < self.empty:
            return Drawn(np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
        generator = self.second if rng.random() < self.share else self.first
        drawn = generator.draw(shape, rng, voxel_size)
        return warped(drawn, rng) if rng.random() < self.warp else drawn
