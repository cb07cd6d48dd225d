"""Mixtures: patches from two generators, and empty ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from ..errors import SettingsError
from ..settings import VoxelSize
from ..volume import Triple
from . import CrackGenerator, Drawn
from ._augment import warped
from ._fields import Warp
from .random import RandomCracks
from .sheet import SheetCracks


class Mixture(CrackGenerator):
    """Each patch from one of two generators, or empty; a mixture may hold mixtures."""

    kind: Literal["mixture"] = "mixture"
    first: CrackGenerator = Field(SheetCracks(), description="One generator.")
    second: CrackGenerator = Field(RandomCracks(), description="The other generator.")
    share: float = Field(0.5, ge=0, le=1, description="Share of the cracked patches that the second generator draws.")
    empty: float = Field(0.1, ge=0, le=1, description="Share of the patches that are left without cracks.")
    warp: Warp = 0.0

    @classmethod
    def of(cls, parts: Sequence[tuple[CrackGenerator, float]], **options: Any) -> Mixture:
        """Any number of generators, each with a weight: those after the first become a mixture in the mixture.

        Raises
        ------
        SettingsError
            If there is none, a weight is negative or all are zero.
        """
        weights = [weight for _, weight in parts]
        if min(weights, default=-1) < 0 or sum(weights) <= 0:
            raise SettingsError("A mixture needs a generator whose weight is above 0, and none below.")
        (first, weight), *others = parts
        share = float(f"{1 - weight / sum(weights):.12g}")
        if not others:
            return cls(first=first, second=first, share=0, **options)
        rest = others if share else [(generator, 1.0) for generator, _ in others]
        second = others[0][0] if len(others) == 1 else cls.of(rest, empty=0)
        return cls(first=first, second=second, share=share, **options)

    @property
    def parts(self) -> list[tuple[CrackGenerator, float]]:
        """The generators and their shares, with those of plain mixtures in it."""
        parts: list[tuple[CrackGenerator, float]] = [(self.first, float(f"{1 - self.share:.12g}"))]
        second = self.second
        if isinstance(second, Mixture) and second.empty == 0 and second.warp == 0:
            parts += [(generator, float(f"{self.share * share:.12g}")) for generator, share in second.parts]
        elif second != self.first or self.share:
            parts.append((second, self.share))
        return parts

    def warnings(self, voxel_size: VoxelSize | None = None) -> tuple[str, ...]:
        told = [text for generator, share in self.parts if share > 0 for text in generator.warnings(voxel_size)]
        return tuple(dict.fromkeys(told))

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        if rng.random() < self.empty:
            return Drawn(np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
        generator = self.second if rng.random() < self.share else self.first
        drawn = generator.draw(shape, rng, voxel_size)
        return warped(drawn, rng) if rng.random() < self.warp else drawn
