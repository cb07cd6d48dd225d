"""What a long step will take, told before it begins by the same step on two small crops: time, disk, memory."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import psutil

from . import blocks
from .errors import XctCrackError
from .events import Progress, Work
from .io.ome_zarr import is_absent
from .volume import Box, Triple, Volume

_SHORT = 5.0
"""Seconds up to which a step is only said to take a few."""
_AT_ONCE = 1.0
"""Seconds up to which a step is not tried any further."""
_TRIALS = 3
"""Small, small again, larger; the first only of a step that is short."""
_SMALL, _LARGE = (1 / 32, 500_000), (1 / 8, 4_000_000)
"""Share of the voxels that a crop has, and the most of them."""
_HELD = 16_000_000
"""About the voxels of a box, and how many copies of it are in memory beside what a crop needs."""
_COPIES = 4
_WIDEST = 1024
"""Longest side of a crop of whole slices."""
_GRID = 128
"""Side of the boxes that are looked at for voxels that were never written."""
_COARSE = 2**28
"""Most voxels of a level that is read as a whole."""
_UNEVEN = 4.0
"""Most that is believed of how much more or less than a crop the whole is marked."""
_BEAT = 0.01
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class _Taken:
    """What a step has taken: voxels, seconds, bytes on the disk, and bytes of memory at its peak beyond those before."""

    voxels: int
    seconds: float
    disk: float
    memory: float


def foretold(step: Callable[[Box, Path], Work[Any]], volume: Volume, out: Path, *, slices: bool = False) -> Work[None]:
    """Try a step on crops around the middle of the volume, and tell what all of it takes.

    Parameters
    ----------
    step
        Does a box of the volume, writing to a place that ends in ``.ome.zarr``.
    out
        Where all of it is to be written.
    slices
        The crops are thin stacks of slices, not alike to the volume in shape: for what is done slice by slice.

    Raises
    ------
    OutputError
        If the disk cannot hold it.
    """
    total = Box.of(volume.shape).size
    few, many = (_middle(volume.shape, share, most, slices) for share, most in (_SMALL, _LARGE))
    try:
        small = large = yield from _tried(step, few, 0)
        if small.seconds * total / small.voxels > _AT_ONCE:  # the first time is never the usual one
            small = yield from _tried(step, few, 1)
            large = yield from _tried(step, many, 2)
    except XctCrackError:
        return  # what is wrong the step itself will say
    work = total * _present(volume) * _denser(volume, many)
    seconds, disk = (_along(small, large, name, work) for name in ("seconds", "disk"))
    memory = psutil.Process().memory_info().rss + large.memory + _COPIES * volume.dtype.itemsize * min(total, _HELD)
    yield from blocks.estimated(out, "This takes", seconds, disk, memory, _SHORT)


def _tried(step: Callable[[Box, Path], Work[Any]], box: Box, number: int) -> Work[_Taken]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with _Peak() as peak:
            started = time.perf_counter()
            for _ in step(box, Path(folder) / "trial.ome.zarr"):
                yield Progress(number, _TRIALS, "trials on small crops")
            seconds = time.perf_counter() - started
        disk = blocks.size_of(Path(folder))
    return _Taken(box.size, seconds, float(disk), peak.grown)


class _Peak:
    """Watches how far the memory of this process grows."""

    grown = 0.0

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_BEAT):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)


def _middle(shape: Triple, share: float, most: int, slices: bool) -> Box:
    """A crop around the middle with a share of the voxels."""
    voxels = min(share * shape[0] * shape[1] * shape[2], most)
    if slices:
        y, x = (min(side, _WIDEST) for side in shape[1:])
        sides = (max(1, round(voxels / (y * x))), y, x)
    else:
        factor = (voxels / (shape[0] * shape[1] * shape[2])) ** (1 / 3)
        z, y, x = (max(min(8, side), round(factor * side)) for side in shape)
        sides = (z, y, x)
    z, y, x = ((length - side) // 2 for length, side in zip(shape, sides, strict=True))
    return Box((z, y, x), (z + sides[0], y + sides[1], x + sides[2]))


def _along(small: _Taken, large: _Taken, name: str, voxels: float) -> float:
    """The value at so many voxels of the line through two trials; in proportion where they are no rising line."""
    low, high = getattr(small, name), getattr(large, name)
    if large.voxels <= small.voxels or high <= low:
        return float(max(low, high) * voxels / large.voxels)
    slope = (high - low) / (large.voxels - small.voxels)
    return float(max(0.0, high + slope * (voxels - large.voxels)))


def _present(volume: Volume) -> float:
    """Share of a volume that was ever written and, along z, holds part."""
    grid = list(blocks.boxes(volume.shape, (_GRID, _GRID, _GRID)))
    share = sum(box.size for box in grid if not is_absent(volume, box)) / sum(box.size for box in grid)
    if volume.part is None:
        return share
    return share * float(volume.part.levels[0][:, :, :].any(axis=(1, 2)).mean())


def _denser(volume: Volume, box: Box) -> float:
    """How much more there is to do for a voxel of the whole volume than of a crop, if half of it goes with what is marked.

    Told by the coarsest level; 1 for scans.
    """
    if volume.role == "image" or Box.of(volume.levels[-1].shape).size > _COARSE:
        return 1.0
    marked = volume.levels[-1][:, :, :] > 0
    crops = (Box.of(volume.shape), box)
    whole, part = (marked[_cells(volume, one)].mean() for one in crops)
    return (1 + float(np.clip(whole / part, 1 / _UNEVEN, _UNEVEN))) / 2 if part > 0 else 1.0


def _cells(volume: Volume, box: Box) -> tuple[slice, slice, slice]:
    """The voxels of the coarsest level that show a box."""
    place = box.shifted(volume.crop.start)
    steps = (fine / coarse for fine, coarse in zip(volume.levels[0].shape, volume.levels[-1].shape, strict=True))
    z, y, x = (
        slice(int(low / by), max(int(low / by) + 1, int(high / by)))
        for low, high, by in zip(place.start, place.stop, steps, strict=True)
    )
    return z, y, x
