"""Make a phantom in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from ..events import Work, finish
from . import grey
from .conditions import Condition, ConditionName, PhantomSettings
from .content import Contents, Crack, Tip, fill, free, fronts, tips

if TYPE_CHECKING:
    from .ct import Exposure


@dataclass(frozen=True)
class Phantom:
    """A simulated scan and its truth; arrays of shape (z, y, x)."""

    scan: NDArray[np.uint16]
    contents: Contents
    fronts: tuple[tuple[NDArray[np.float64], ...], ...]
    """Per crack, the lines where it ends in 3-D: points (n, 3) over z, y, x, inside the part or not."""
    tips: tuple[Tip, ...]
    """Where a crack's trace in a slice ends: z, y, x, crack number."""
    exposure: Exposure | None = None
    """How a scan with X-rays was taken."""

    @property
    def part(self) -> NDArray[np.bool_]:
        return self.contents.part

    @property
    def labels(self) -> NDArray[np.int32]:
        """Crack number on the centre line wherever the aperture reaches 0.3 voxels, and on voxels at least half void."""
        return self.contents.labels

    @property
    def void(self) -> NDArray[np.float32]:
        """Void fraction of cracks alone, before any blur."""
        return self.contents.void

    @property
    def pores(self) -> NDArray[np.float32]:
        """Void fraction of pores alone, before any blur."""
        return self.contents.pores

    @property
    def aperture(self) -> NDArray[np.float32]:
        """Opening in voxels on labelled voxels."""
        return self.contents.aperture

    @property
    def cracks(self) -> tuple[Crack, ...]:
        return self.contents.cracks


def simulate(settings: PhantomSettings) -> Phantom:
    """Make a phantom in memory."""
    return finish(build(settings))


def build(settings: PhantomSettings) -> Work[Phantom]:
    """Make a phantom in memory, telling how far the scan is; see :func:`simulate`."""
    rng = np.random.default_rng((settings.seed, get_args(ConditionName).index(settings.condition)))
    content, exposure = settings.content, None
    if isinstance(content, Condition):
        contents = fill(settings.shape, content, settings.prevalence, rng)
        scan = grey.scan(contents, content, rng)
    else:
        # torch is slow to load, and the other physics does without
        from . import ct

        edge = ct.margin(content)
        larger = fill(settings.shape, content, settings.prevalence, rng, edge, exact=True)
        scan, exposure = yield from ct.scan(larger, content, rng)
        contents = larger.without(edge)
    lines = [tuple(fronts(crack)) for crack in contents.cracks]
    ends = [tip for number, line in enumerate(lines, 1) for tip in tips(line, number, contents.part)]
    if settings.physics == "ct":
        ends = free(ends, contents.labels)
    return Phantom(scan, contents, tuple(lines), tuple(ends), exposure)
