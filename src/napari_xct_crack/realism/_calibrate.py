"""Set a generator from a scan: how much crack there is and how open it is, wherever that can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..cracks import CrackGenerator
from ..cracks.random import RandomCracks
from ..cracks.sheet import SheetCracks
from ..errors import SettingsError
from ..events import Progress, Said, Work
from ..render import margin
from ..runs import TrainSettings
from ..settings import Length, VoxelSize
from ..volume import Triple, Volume
from ._block import Block, blocks
from ._drawn import Drawing, drawing
from ._plates import Ridges
from ._statistics import Sheets, sheets
from ._trials import Trial, gain, tried

Settable = TypeVar("Settable", SheetCracks, RandomCracks)

_TRIALS = 2
_LEAST = 12.0
"""Area, in squares of a plate's standard deviation, below which nothing is said."""
_FAINTEST = 0.01
"""Area in a voxel that is rendered at the least, so that a trial shows enough of it."""
_SURE = 1.2
"""How many limits of the filter a place must show to be counted: noise is a fifth of that limit, and lifts some of the far
more places below above it."""
_CANVAS = 256
"""Side, in voxels, of the square for which the number of cracks is set."""
_FIRST_GAIN = 0.8
"""What plates are taken to see of an opening before it was measured: cracks are rough."""
_NOT = "not determined: no dark sheet stands out of the noise"


@dataclass(frozen=True)
class Calibration:
    """A generator set from a scan. Lengths are in voxels."""

    generator: CrackGenerator
    before: CrackGenerator
    density: float | None
    """Area of cracks in a voxel of metal, of those at least as open as `limit`; none: not determined."""
    aperture: float | None
    """Area-weighted median opening of the same."""
    limit: float
    """Opening below which nothing can be said."""
    stack: Triple
    """Slices, height and width for which the number of cracks is set; patches of other sizes are as densely cracked."""
    voxel_size: VoxelSize | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found and what was changed."""
        if self.density is None or self.aperture is None:
            found = f"Cracks in this scan: {_NOT}, as one more open than {self.length(self.limit)} would."
        else:
            found = (
                f"Cracks at least {self.length(self.limit)} open cover {self.density:.3g} voxel² in a voxel of metal; "
                f"half of that area is more open than {self.length(self.aperture)}. What is thinner was not determined."
            )
        then, now = self.before.model_dump(mode="json"), self.generator.model_dump(mode="json")
        changed = [f"{name} {_plain(then[name])} → {_plain(now[name])}" for name in now if now[name] != then[name]]
        return found, f"Changed: {', '.join(changed)}." if changed else "Nothing was changed."

    def length(self, voxels: float) -> str:
        """A length in µm where the voxel size is known, else in voxels."""
        if self.voxel_size is None:
            return f"{voxels:.2g} voxels"
        return f"{voxels * self.voxel_size[1]:.2g} µm"

    def record(self) -> dict[str, Any]:
        """Settings that ``--settings`` of ``train`` and ``cracks`` reads."""
        return {"cracks": self.generator.model_dump(mode="json")}


@dataclass(frozen=True)
class _Measured:
    """Of a scan; in voxels."""

    density: float
    aperture: float
    limit: float
    widest: float


def calibrate(scan: Volume, generator: CrackGenerator, seed: int = 0) -> Work[Calibration]:
    """Set a generator so that its cracks are as many, as open and as upright as those of a scan.

    Parameters
    ----------
    scan
        Prepared; a large one is looked at in slabs.
    generator
        ``sheet`` or ``random``; what the scan does not tell is left as it is.

    Notes
    -----
    Dark sheets are found in the scan; sheet cracks set from them are rendered into the same metal, freed of cracks, and
    found again. What the filter then shows of a known opening corrects what it shows of the scan's. Area and opening count
    only where they are at least as open as what stands out of the noise; nothing is claimed about the rest.

    Raises
    ------
    SettingsError
        If the generator is of another kind.
    InputError
        If there is too little metal in the scan.
    """
    if not isinstance(generator, SheetCracks | RandomCracks):
        raise SettingsError(
            f'Calibration sets the generators "sheet" and "random", not "{generator.kind}"; choose one with --cracks.kind.'
        )
    yield Progress(0, _TRIALS + 2, "calibrate")
    metal = blocks(scan)
    stack = (training_stack(scan, metal[0].plates.point_spread)[0], _CANVAS, _CANVAS)
    yield Progress(1, _TRIALS + 2, "calibrate")
    ridges = [block.ridges() for block in metal]
    found = sheets(metal, ridges)
    yield Progress(2, _TRIALS + 2, "calibrate")
    if found.counted(_SURE * found.limit)[0] < _LEAST * metal[0].plates.reach ** 2:
        limit = _SURE * found.limit / _FIRST_GAIN
        hidden = _hidden(generator, limit, scan.voxel_size)
        result = Calibration(hidden, generator, None, None, limit, stack, scan.voxel_size)
    else:
        model = generator if isinstance(generator, SheetCracks) else SheetCracks()
        measured = yield from _measure(metal, ridges, found, _upright(model, found), stack, seed)
        low = _range(generator, scan.voxel_size)[0]
        now: CrackGenerator
        if isinstance(generator, SheetCracks):
            now = _set(model, measured, low, stack, scan.voxel_size)
        else:
            now = _set(generator, measured, low, stack, scan.voxel_size)
        result = Calibration(
            now, generator, measured.density, measured.aperture, measured.limit, stack, scan.voxel_size
        )
    for sentence in result.sentences:
        yield Said(sentence)
    return result


def training_stack(scan: Volume, point_spread: float) -> Triple:
    """The stack of slices in which training draws cracks of this scan, with its default settings."""
    settings = TrainSettings()
    side = settings.patches.size
    return (settings.slices + 2 * margin(point_spread), min(side, scan.shape[1]), min(side, scan.shape[2]))


def _measure(
    metal: list[Block], ridges: list[Ridges], found: Sheets, model: SheetCracks, stack: Triple, seed: int
) -> Work[_Measured]:
    """What the scan's sheets are once it is known how much of an opening the filter shows of rendered ones."""
    rng = np.random.default_rng((seed, 1))
    empty = [block.crack_free(ridge, rng) for block, ridge in zip(metal, ridges, strict=True)]
    strong = float(np.quantile(found.openings, 0.98))
    low, high = found.limit / _FIRST_GAIN, max(3 * found.limit, strong) / _FIRST_GAIN
    clear = model.model_copy(update={"aperture_min": Length(low), "aperture_max": Length(high)})
    one = drawing(clear, stack, metal[0].voxel_size).density(low, high, low)
    mean = max(found.total / found.voxels, _FAINTEST) / max(one, 1e-9)
    trials: list[Trial] = []
    for number in range(_TRIALS):
        trials.append(tried(empty, clear, mean, stack, rng))
        yield Progress(3 + number, _TRIALS + 2, "calibrate")
    seen = gain(trials, found.limit) or _FIRST_GAIN
    area, aperture = found.counted(_SURE * found.limit)
    return _Measured(area / found.voxels, aperture / seen, _SURE * found.limit / seen, widest=1.2 * strong / seen)


def _set(generator: Settable, measured: _Measured, low: float, stack: Triple, voxel_size: VoxelSize | None) -> Settable:
    """A generator of that density and opening."""
    generator = _openings(generator, measured, low, stack, voxel_size)
    least, high = _range(generator, voxel_size)
    one = drawing(generator, stack, voxel_size).density(least, high, measured.limit)
    mean = measured.density / max(one, 1e-9)
    if isinstance(generator, RandomCracks):
        mean /= 2  # the number is that of each orientation
    total = max(1, round(2 * mean))
    canvas = _as(_CANVAS, voxel_size)
    return generator.model_copy(update={"count": (total // 4, total - total // 4), "canvas": canvas})


def _hidden(generator: CrackGenerator, limit: float, voxel_size: VoxelSize | None) -> CrackGenerator:
    """The generator without the cracks that would have been seen; how many there are of the others is not known."""
    low, high = _range(generator, voxel_size)
    smallest, largest = _names(generator)
    most = _as(limit, voxel_size)
    now = {name: most for name, value in ((smallest, low), (largest, high)) if value > limit}
    return generator.model_copy(update=now)


def _openings(
    generator: Settable, measured: _Measured, low: float, stack: Triple, voxel_size: VoxelSize | None
) -> Settable:
    """The generator with the range of openings that has that median above the limit."""
    drawn: Drawing = drawing(generator, stack, voxel_size)
    smallest, largest = _names(generator)
    low, high = drawn.range_for(measured.aperture, measured.limit, min(low, measured.limit), measured.widest)
    return generator.model_copy(update={smallest: _as(low, voxel_size), largest: _as(high, voxel_size)})


def _names(generator: CrackGenerator) -> tuple[str, str]:
    return ("aperture_min", "aperture_max") if isinstance(generator, SheetCracks) else ("t_min", "t_max")


def _range(generator: CrackGenerator, voxel_size: VoxelSize | None) -> tuple[float, float]:
    low, high = (getattr(generator, name).voxels(voxel_size)[1] for name in _names(generator))
    return low, high


def _upright(model: SheetCracks, found: Sheets) -> SheetCracks:
    """The model with the scan's spread of leans, where it says nothing of another direction."""
    if model.build != "z" or model.inclination:
        return model
    return model.model_copy(update={"tilt": round(float(np.clip(found.median("lean"), 1, 90)), 1)})


def _as(voxels: float, voxel_size: VoxelSize | None) -> Length:
    """A length of three digits, in µm where the voxel size is known."""
    value = voxels if voxel_size is None else voxels * voxel_size[1]
    return Length(float(f"{value:.3g}"), "voxel" if voxel_size is None else "um")


def _plain(value: Any) -> str:
    return "–".join(map(str, value)) if isinstance(value, list) else str(value)
