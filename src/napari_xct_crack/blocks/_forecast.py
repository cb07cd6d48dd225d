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
from ..events import Estimated

FIRST = 0.02
"""Share of the boxes after which the rest is told."""


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
        self._begun, self._held = time.monotonic(), _size(store)
        self._told = len(sizes) < 2

    def after(self, done: int) -> Iterator[Estimated]:
        """What can be told when so many boxes are done.

        Raises
        ------
        OutputError
            If the rest does not fit on the disk.
        """
        if self._told or done < math.ceil(FIRST * len(self._sizes)):
            return
        self._told = True
        left = sum(self._sizes[done:]) / sum(self._sizes[:done])
        seconds, disk = left * (time.monotonic() - self._begun), left * (_size(self._store) - self._held)
        memory, free = float(psutil.Process().memory_info().rss), shutil.disk_usage(self._store).free
        yield Estimated(
            f"About {_duration(seconds)} to go, {_amount(disk)} more on the disk ({_amount(free)} free), "
            f"{_amount(memory)} of memory.",
            seconds,
            disk,
            memory,
        )
        if disk > free:
            raise OutputError(
                f"{self._store} will need about {_amount(disk)} more and its disk has {_amount(free)} free; free "
                "some space, then start again to go on, or give a place on another disk."
            )


def _size(folder: Path) -> int:
    """Bytes of all files in a folder, but for those that go while it is looked at."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(Path(place) / name).st_size
    return total


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min" if minutes else "a minute"


def _amount(size: float) -> str:
    unit, factor = ("GB", 1e9) if size >= 1e8 else ("MB", 1e6) if size >= 1e5 else ("kB", 1e3)
    return f"{size / factor:.3g} {unit}"
