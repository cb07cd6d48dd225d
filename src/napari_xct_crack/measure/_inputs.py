"""What is looked at beside the labels: scan, probability and the part's surface, and how."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from .. import blocks
from ..appearance import Noise
from ..events import Said, Warned, Work
from ..settings import VoxelSize
from ..volume import Triple, Volume
from ._free import FreeSurface, free_surface
from ._limits import Seen
from ._settings import MeasureSettings


@dataclass(frozen=True)
class Inputs:
    """What is looked at beside the labels, and how."""

    size: VoxelSize
    load_axis: tuple[float, float, float]
    grow: int
    scan: Volume | None = None
    contrast: float = 1.0
    blur: float = 1.1
    """Standard deviation of the scan's point spread in voxels."""
    noise: Noise | None = None
    probability: Volume | None = None
    free: FreeSurface | None = None
    mouth: float = 0.0
    """A crack that ends so near to the free surface opens there: that end is no tip and no front."""
    build_axis: tuple[float, float, float] = (1.0, 0.0, 0.0)

    def reachable(self, executor: Executor | None, work: Path) -> Inputs:
        """The same as the processes of an executor can read it; what they need is stored in the folder `work`."""
        if executor is None:
            return self
        scan, probability = (
            volume and blocks.reachable(replace(volume, part=None), executor, work, name)
            for name, volume in (("scan", self.scan), ("probability", self.probability))
        )
        return replace(self, scan=scan, probability=probability, free=self.free and self.free.stored(work))


def gathered(
    settings: MeasureSettings,
    given: Mapping[str, Volume | None],
    factor: Triple | None,
    seen: Seen | None,
    noise: Noise | None,
) -> Work[Inputs]:
    """What the settings and the given volumes come to; `seen` and `noise` are of the scan."""
    mask, part = given["mask"], given["part"]
    assert mask is not None
    size = mask.voxel_size or (1.0, 1.0, 1.0)
    free = None if part is None else free_surface(part, mask, size, factor)
    if free is not None and free.step > 2 * max(size):
        yield Said(f"Distances to the free surface come from a coarse mask of the part: they hold to {free.step:.3g}.")
    contrast, grow = settings.contrast or 1.0, 2 if settings.grow is None else settings.grow
    if seen is not None:
        contrast = settings.contrast or seen.look.contrast
        for note in () if settings.contrast else seen.look.notes:
            yield Warned(note)
        grow = max(2, min(12, round(3 * seen.look.point_spread)))
        grow = grow if settings.grow is None else settings.grow
        yield Said(
            f"Metal is {contrast:.4g} grey values brighter than air, the point spread is {seen.look.point_spread:.2g} voxels."
        )
    near = settings.surface_within
    near.voxels(mask.voxel_size)
    mouth = near.value * (max(size) if near.unit == "voxel" else 1.0)
    scan, probability = given["volume"], given["probability"]
    blur = seen.look.point_spread if seen else 1.1
    return Inputs(
        size, settings.load_axis, grow, scan, contrast, blur, noise, probability, free, mouth, settings.build_axis
    )
