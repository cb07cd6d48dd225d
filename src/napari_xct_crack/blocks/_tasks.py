"""One box computed, written and receipted: here, or by an executor in processes that open store and inputs themselves.

What is sent there are descriptions – paths, boxes, settings –, never voxels or weights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from .. import __version__
from ..errors import OutputError, SettingsError, writing
from ..events import Event, Progress, Said, Warned, Work
from ..io.ome_zarr import Store, reopen, write
from ..volume import Box, Volume

Compute = Callable[[Box], Work[NDArray[Any]]]
"""The voxels of one box. Events on the way are passed on; they are where the work can be stopped."""
BEAT = 0.5
"""Seconds after which one who waits for other processes is told that they work; there the work can be stopped."""
AHEAD = 64
"""Boxes that other processes are asked for before the result of the first is taken."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Target:
    """A store that is being filled, as any process finds it."""

    path: Path
    mark: str
    """Fingerprint of the plan."""
    levels: int
    """How many levels have whole shards within each box."""
    version: str = __version__

    def receipt(self, box: Box) -> Path:
        """The file that says that a box is done."""
        return self.path / ".work" / "receipts" / "-".join(map(str, box.start))

    def keep(self, store: Store, box: Box, values: NDArray[Any]) -> None:
        """Write a box on every level that it owns, then its receipt."""
        with writing(self.path):
            store.fill(box, values, self.levels)
            self.receipt(box).touch()


def done_elsewhere(executor: Executor, target: Target, compute: Compute, todo: list[Box]) -> Work[None]:
    """Have boxes done by an executor; yields what they say, and a progress with the count of those done."""
    pending = {executor.submit(_fill, target, compute, box) for box in todo}
    try:
        while pending:
            done, pending = wait(pending, BEAT, FIRST_COMPLETED)
            for future in done:
                yield from future.result()
            yield Progress(len(todo) - len(pending), len(todo), "")
    finally:
        _abandon(pending)


def each(
    function: Callable[[Box], Result], grid: Iterable[Box], executor: Executor | None = None
) -> Iterator[tuple[Box, Result]]:
    """What a function says of each box, in their order; with an executor, of several at a time."""
    if executor is None:
        yield from ((box, function(box)) for box in grid)
        return
    pending: deque[tuple[Box, Future[Result]]] = deque()
    try:
        for box in grid:
            pending.append((box, executor.submit(function, box)))
            if len(pending) >= AHEAD:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        _abandon(future for _, future in pending)


def reachable(volume: Volume, executor: Executor | None, work: Path, name: str = "input") -> Volume:
    """The volume as the processes of an executor can open it: what is in memory only is stored in the folder `work`."""
    if executor is None:
        return volume
    if volume.part is not None:
        volume = replace(volume, part=reachable(volume.part, executor, work, "part"))
    if volume.again is not None:
        return volume
    with writing(work):
        work.mkdir(parents=True, exist_ok=True)
    stored = write(work / f"{name}.zarr", volume.levels[0][:, :, :], role=volume.role, overwrite=True)
    return replace(volume, levels=stored.levels[:1], again=stored.again)


def _fill(target: Target, compute: Compute, box: Box) -> list[Event]:
    """In another process: do a box; returns what is to be said."""
    if target.version != __version__:
        raise SettingsError(f"A worker runs version {__version__} and the work {target.version}; install the same one.")
    said: list[Event] = []
    work = compute(box)
    while True:
        try:
            event = next(work)
        except StopIteration as stop:
            values = stop.value
            break
        if isinstance(event, Said | Warned):
            said.append(event)
    store = _opened(target)
    if store.attribute("plan") != target.mark:
        # who asked has gone away and the store is another's now
        raise OutputError(f"{target.path} was replaced while it was being written.")
    target.keep(store, box, values)
    return said


@lru_cache(4)
def _opened(target: Target) -> Store:
    return reopen(target.path)


def _abandon(pending: Iterable[Future[Any]]) -> None:
    """Ask for no more of it; what cannot be called back is waited for."""
    wait([future for future in pending if not future.cancel()])
