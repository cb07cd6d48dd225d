"""Out-of-core work: fill a store box by box, each box of whole shards written by one task, resumable after any stop.

While a store is unfinished it holds a folder ``.work`` with a receipt for every box that is done, and with whatever
the work needs on the way; it is removed when the store is complete.
"""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import OutputError, writing
from ..events import Progress, Said, Work
from ..io.ome_zarr import Store, built_from_finer, create, is_complete, reopen
from ..volume import Box, Triple, Volume
from . import journal
from ._cluster import cluster, exposed
from ._content import identity
from ._forecast import Forecast, estimated, size_of
from ._owner import owned
from ._plan import Plan, at_once, boxes
from ._tasks import Compute, Target, done_elsewhere, each, reachable

__all__ = [
    "Compute",
    "Plan",
    "apart",
    "at_once",
    "boxes",
    "cluster",
    "each",
    "estimated",
    "exposed",
    "identity",
    "reachable",
    "run",
    "size_of",
]


def run(plan: Plan, executor: Executor | None = None) -> Work[Volume]:
    """Fill the store of a plan, going on where an earlier call with the same plan was stopped.

    Parameters
    ----------
    executor
        Does the boxes, each by itself; this process where there is none. The store is the same. What computes a box must
        then be picklable, and small.

    Returns
    -------
    Volume
        The complete store. One that was complete before is returned as it is, and said to be.

    Raises
    ------
    OutputError
        If the output exists and is not this plan's, is one of the inputs, or cannot be written.
    BusyError
        If another process is writing it.
    """
    out = plan.out.absolute()
    with owned(out):
        apart(out, *plan.made_from)
        if plan.overwrite and plan.undoable and is_complete(out):
            yield Said(journal.keep(out, plan.what))
        store = _begin(plan, out)
        if store.attribute("complete"):
            with writing(out):
                shutil.rmtree(out / ".work", ignore_errors=True)  # of a process killed at its very end
            yield Said(f"{out.name} is already complete ({plan.what}); nothing was to be done.")
            return store.volume()
        work = store.path / ".work"
        compute = yield from plan.start(work)
        yield from _fill(plan, store, compute, executor)
        yield from _coarser(store, _owned_levels(store, _side(plan, store)))
        with writing(out):
            _remove_partial(out)  # of workers that were lost
            store.mark(complete=True)
            shutil.rmtree(work)
    return store.volume()


def apart(out: Path, *made_from: Volume) -> None:
    """Refuse an output that is one of its inputs, holds one or lies in one."""
    for source in (Path(volume.source).absolute() for volume in made_from if volume.source):
        if out == source or out in source.parents or (source in out.parents and source.suffix == ".zarr"):
            raise OutputError(f"The output {out} is the input or lies within it; give another name.")


def _begin(plan: Plan, out: Path) -> Store:
    """A new store, or the one that an earlier call of the same plan left."""
    mark = plan.fingerprint()
    if out.is_dir() and any(out.iterdir()) and not plan.overwrite:
        store = reopen(out)
        if store.attribute("plan") == mark:
            with writing(out):
                _remove_partial(out)
            return store
        if store.attribute("plan") is None or store.attribute("complete"):
            raise OutputError(f"{out} exists; give another name, or --overwrite to replace it.")
        raise OutputError(
            f"{out} holds unfinished work of another input or other settings; go on with those, give another name, "
            "or --overwrite to start anew."
        )
    return create(
        out,
        plan.shape,
        plan.dtype,
        role=plan.role,
        voxel_size=plan.voxel_size,
        offset=plan.offset,
        overwrite=plan.overwrite,
        chunk=plan.chunk,
        shard=plan.shard,
        marks={"plan": mark, "complete": False},
    )


def _fill(plan: Plan, store: Store, compute: Compute, executor: Executor | None) -> Work[None]:
    side = _side(plan, store)
    wanted = [box for box in boxes(plan.shape, side) if plan.wanted(box)]
    target = Target(store.path, store.attribute("plan"), _owned_levels(store, side))
    with writing(store.path):
        (store.path / ".work" / "receipts").mkdir(parents=True, exist_ok=True)
    todo = [box for box in wanted if not target.receipt(box).exists()]
    done, total = len(wanted) - len(todo), len(wanted)
    yield Progress(done, total, plan.what)
    forecast = Forecast(store.path, [box.size for box in todo])
    if executor is not None:
        for event in done_elsewhere(executor, target, compute, todo):
            yield Progress(done + event.done, total, plan.what) if isinstance(event, Progress) else event
            yield from forecast.after(event.done) if isinstance(event, Progress) else ()
        return
    with ThreadPoolExecutor(1) as writer:  # a box is written while the next is computed; who stops here waits for that
        before: Future[None] | None = None
        for number, box in enumerate(todo):
            values = yield from _told(compute(box), done + number, total, plan.what)
            if before is not None:
                before.result()
            before = writer.submit(target.keep, store, box, values)
            del values
            if number:
                yield Progress(done + number, total, plan.what)
                yield from forecast.after(number, 1)
        if before is not None:
            before.result()
            yield Progress(total, total, plan.what)


def _told(work: Work[NDArray[Any]], done: int, total: int, what: str) -> Work[NDArray[Any]]:
    """Progress within a box told as what it is: nothing more is saved yet, but here the work can be stopped."""
    while True:
        try:
            event = next(work)
        except StopIteration as stop:
            values: NDArray[Any] = stop.value
            return values
        if isinstance(event, Progress):
            event = Progress(done, total, f"{what}: {event.what} {event.done} of {event.total}")
        yield event


def _side(plan: Plan, store: Store) -> Triple:
    z, y, x = plan.box or store.arrays[0].shards or store.arrays[0].chunks
    return (z, y, x)


def _owned_levels(store: Store, side: Triple) -> int:
    """How many levels, the data first, have whole shards within each box of that shape."""
    for level, array in enumerate(store.arrays):
        for axis in range(3):
            unit = (array.shards or array.chunks)[axis] << level
            if side[axis] % unit and side[axis] < store.arrays[0].shape[axis]:
                return level
    return len(store.arrays)


def _coarser(store: Store, first: int) -> Work[None]:
    for level in range(first, len(store.arrays)):
        array = store.arrays[level]
        z, y, x = array.shards or array.chunks
        todo = list(boxes(Box.of(array.shape).shape, (z, y, x)))
        for done, box in enumerate(todo):
            with writing(store.path):
                array[box.slices] = built_from_finer(store, level, box)
            yield Progress(done + 1, len(todo), f"coarser levels ({level} of {len(store.arrays) - 1})")


def _remove_partial(out: Path) -> None:
    for left in list(out.rglob("*.partial")):
        if left.is_dir():  # a store that was being made
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)  # it may have been in such a store
