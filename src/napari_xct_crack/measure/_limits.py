"""Map of the smallest aperture that could be seen, over a scan of any size: below it "no crack" means nothing."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .. import blocks
from ..appearance import Appearance, trusted
from ..events import Warned, Work
from ..prepare import part_at, prepare
from ..response import dark_response, flat_field
from ..volume import Box, Triple, Volume

STEP = 32
"""Voxels of the scan in one of the map."""
AROUND = 20
"""Voxels around that are read too, so that the local mean is known up to the ends of a box."""
ENOUGH = 0.1
"""Share of a place that has to be sound metal."""
_SHARD: Triple = (4, 8, 8)


MAPS = "detectability-"
"""What the names of the maps begin with; the length of a crack in voxels follows."""


@dataclass(frozen=True)
class Seen:
    """What the middle of a scan looks like, and what could be seen there."""

    look: Appearance
    smallest: dict[int, float]
    """By the crack's length in voxels: smallest aperture in voxels; without lengths that the metal is too small for …"""
    together: dict[int, float]
    """… and that in five neighbouring slices, where there are so many."""


def limit_maps(
    scan: Volume, part: Volume | None, seen: Seen, out: Path, overwrite: bool, executor: Executor | None = None
) -> Work[dict[int, Volume]]:
    """Write ``detectability-L.ome.zarr`` for each length L: smallest aperture in µm, or in voxels of unknown size.

    A voxel of the map stands for 32³ of the scan around its place. The limit of the middle of the scan is scaled by the
    noise there (median absolute deviation of sound metal against its local mean) over that of the middle, and by the
    contrast there (median of sound metal minus air) under that of the middle; point spread and the form of the noise's
    spectrum are taken to be the same everywhere. It is not a number where less than a tenth is sound metal.
    """
    scan = prepare(scan, window=scan.window or (0.0, 1.0), part=part)
    sides = scan.voxel_size or (1.0, 1.0, 1.0)
    source = blocks.reachable(scan, executor, out / ".work", "seen")
    maps: dict[int, Volume] = {}
    if not seen.smallest:
        yield Warned("Too little metal without cracks is in view to tell how thin a crack could be seen.")
    for length, smallest in seen.smallest.items():
        smallest *= float(np.sqrt(sides[1] * sides[2]))
        compute = _Local(source, seen.look, smallest) if not maps else _Scaled(*next(iter(maps.items())), length, seen)
        path = out / f"{MAPS}{length}.ome.zarr"
        plan = _plan(scan, compute, path, {"length": length, "limit": smallest}, overwrite)
        maps[length] = yield from blocks.run(plan, executor)
    return maps


def told(limits: dict[int, Volume], seen: Seen | None) -> dict[str, dict[str, float | None]]:
    """By length the quantiles of its map over the part, and how five slices together lower the limit."""
    result: dict[str, dict[str, float | None]] = {}
    for length, found in limits.items():
        values = found.read()
        values = values[np.isfinite(values)]
        row = {str(share): float(np.quantile(values, share)) if len(values) else None for share in (0.1, 0.5, 0.9)}
        gain = seen.together[length] / seen.smallest[length] if seen and length in seen.together else None
        result[str(length)] = {**row, "five_slices": gain}
    return result


def _grid(scan: Volume) -> tuple[Triple, Triple]:
    """First voxel and shape of the map: its voxels lie at multiples of a step of the whole scan."""
    first = [(start + STEP // 2) // STEP for start in scan.origin]
    stop = [(start + side - 1 + STEP // 2) // STEP + 1 for start, side in zip(scan.origin, scan.shape, strict=True)]
    return (first[0], first[1], first[2]), (stop[0] - first[0], stop[1] - first[1], stop[2] - first[2])


def _plan(scan: Volume, compute: Any, path: Path, facts: dict[str, Any], overwrite: bool) -> blocks.Plan:
    first, shape = _grid(scan)
    size = scan.voxel_size and (scan.voxel_size[0] * STEP, scan.voxel_size[1] * STEP, scan.voxel_size[2] * STEP)
    return blocks.Plan(
        out=path,
        shape=shape,
        dtype=np.float32,
        role="image",
        voxel_size=size,
        offset=first,
        start=blocks.at_once(compute),
        made_from=(scan,),
        settings=facts,
        chunk=_SHARD,
        shard=_SHARD,
        what=f"detectability of cracks {facts['length']} voxels long",
        overwrite=overwrite,
    )


class _Scaled:
    """The limit for another length: the noise's spectrum has the same form everywhere, so it is a factor."""

    def __init__(self, known: int, values: Volume, length: int, seen: Seen) -> None:
        self._values, self._factor = values, seen.smallest[length] / seen.smallest[known]

    def __call__(self, box: Box) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._values.read(box) * np.float32(self._factor)
        return result


class _Local:
    """The limit at any box of the map, from the scan there."""

    def __init__(self, scan: Volume, look: Appearance, smallest: float) -> None:
        self._scan, self._look, self._smallest = scan, look, smallest
        self._first = _grid(scan)[0]

    def __call__(self, box: Box) -> NDArray[np.float32]:
        whole = Box.of(self._scan.shape)
        core = self._place(box)
        around = core.grown((AROUND,) * 3).intersection(whole)
        inside = part_at(self._scan, around)
        result = np.full(box.shape, np.nan, np.float32)
        if not inside.any():
            return result
        grey = self._scan.read(around)
        flat = flat_field(grey, inside)
        reach = 2 * round(2 * self._look.point_spread) + 1
        deep = ndimage.minimum_filter(inside.view(np.uint8), reach, mode="nearest") > 0
        sound = trusted(dark_response(flat, inside, flattened=True), deep)
        z, y, x = around.start
        for place in np.ndindex(*box.shape):
            at = Box(place, place).shifted(box.start)
            one = self._place(Box(at.start, at.shifted((1, 1, 1)).stop)).intersection(whole).shifted((-z, -y, -x))
            chosen = sound[one.slices]
            if np.count_nonzero(chosen) >= ENOUGH * one.size > 0:
                result[place] = self._limit(grey[one.slices][chosen], flat[one.slices][chosen])
        return result

    def _place(self, box: Box) -> Box:
        """What a box of the map stands for, in voxels of the scan's crop; it may reach out of it."""
        start, stop = (
            [
                (at + first) * STEP - STEP // 2 - own
                for at, first, own in zip(end, self._first, self._scan.origin, strict=True)
            ]
            for end in (box.start, box.stop)
        )
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def _limit(self, grey: NDArray[Any], flat: NDArray[np.float32]) -> float:
        look = self._look
        noise = 1.48 * float(np.median(np.abs(flat - np.median(flat))))
        contrast = float(np.median(grey)) - look.metal + look.contrast
        return (
            self._smallest * noise / look.noise * look.contrast / contrast if contrast * look.contrast > 0 else np.nan
        )
