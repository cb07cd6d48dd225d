"""What the rest of the work takes, told by its first boxes: time, memory, disk."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from ..errors import OutputError
from ..events import Estimated, amount

FIRST = 0.02
"""Share of the boxes after which the rest is told."""

_SHORT = 5.0
"""Seconds up to which what is left is not worth a word."""


class Forecast:
    """Tells once, after the first of so many boxes.

    Parameters
    ----------
    store
        The folder that they are written into.
    sizes
        Voxels of the boxes that are to be done, in their order.
    """

    def __init__(self, store: Path, sizes: list[int]) -> None:
        self._store, self._sizes = store, sizes
        self._begun, self._held = time.monotonic(), size_of(store)
        self._told = len(sizes) < 2

    def after(self, done: int, ahead: int = 0) -> Iterator[Estimated]:
        """What can be told when so many boxes are done, and a few more are computed but not yet written.

        Raises
        ------
        OutputError
            If the rest does not fit on the disk.
        """
        if self._told or done < math.ceil(FIRST * len(self._sizes)):
            return
        self._told = True
        seconds = self._left(done + ahead) * (time.monotonic() - self._begun)
        disk = self._left(done) * (size_of(self._store) - self._held)
        told = estimated(self._store, "What is left takes", seconds, disk)
        yield from (event for event in told if seconds > _SHORT)

    def _left(self, done: int) -> float:
        """How many times as many voxels are left as are done."""
        return sum(self._sizes[done:]) / sum(self._sizes[:done])


def estimated(
    place: Path, what: str, seconds: float, disk: float, memory: float | None = None, short: float = 0
) -> Iterator[Estimated]:
    """Tell what a step takes that writes to a place, or what is left of it.

    Parameters
    ----------
    what
        How the sentence begins.
    disk, memory
        Bytes; of memory what this process has now if it is not given.
    short
        Seconds up to which they are only said to be a few.

    Raises
    ------
    OutputError
        If the disk cannot hold it.
    """
    if memory is None:
        memory = float(psutil.Process().memory_info().rss)
    free = shutil.disk_usage(next(one for one in (place, *place.absolute().parents) if one.exists())).free
    yield Estimated.told(what, seconds, disk, memory, free, short)
    if disk > free:
        raise OutputError(
            f"{place} will need about {amount(disk)} and its disk has {amount(free)} free; free some space and start again, or "
            "give a place on another disk."
        )


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder, but for those that go while it is looked at."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(Path(place) / name).st_size
    return total
