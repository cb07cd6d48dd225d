"""Out-of-core work: fill a store box by box, each box of whole shards written by one task, resumable after any stop.

While a store is unfinished it holds a folder ``.work`` with a receipt for every box that is done, and with whatever
the work needs on the way; it is removed when the store is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import DTypeLike, NDArray

from . import __version__
from .errors import BusyError, OutputError, writing
from .events import Progress, Said, Work
from .io._pyramid import halved, layout
from .io._store import built_from_finer
from .io.ome_zarr import Store, create, reopen
from .settings import VoxelSize
from .volume import Box, Role, Triple, Volume

Compute = Callable[[Box], Work[NDArray[Any]]]
"""The voxels of one box. Events on the way are passed on; they are where the work can be stopped."""


@dataclass(frozen=True)
class Plan:
    """A store to be filled, and how."""

    out: Path
    shape: Triple
    dtype: DTypeLike
    role: Role
    voxel_size: VoxelSize | None
    offset: Triple
    start: Callable[[Path], Work[Compute]]
    """Does what must come before the first box, given a folder for intermediate stores; returns what computes a box."""
    made_from: tuple[Volume, ...]
    """Inputs: another content is another plan, and the output must not be one of them."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All else the voxels depend on, as JSON values."""
    what: str = "boxes"
    wanted: Callable[[Box], bool] = lambda box: True
    """Whether a box can hold anything but zeros."""
    chunk: Triple | None = None
    shard: Triple | None = None
    box: Triple | None = None
    """Shape of a task's box, a multiple of the shard in each axis or the whole axis; one shard if not given."""
    overwrite: bool = False

    def fingerprint(self) -> str:
        """Hash of everything that the voxels of the output depend on."""
        facts = {
            "version": __version__,
            "what": self.what,
            "inputs": [
                (identity(volume), volume.crop.start, volume.crop.stop, volume.role) for volume in self.made_from
            ],
            "settings": dict(self.settings),
            "output": [self.shape, np.dtype(self.dtype).str, self.role, self.offset, self.voxel_size],
            "boxes": [self.chunk, self.shard, self.box],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def run(plan: Plan) -> Work[Volume]:
    """Fill the store of a plan, going on where an earlier call with the same plan was stopped.

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
    with _owned(out):
        store = _begin(plan, out)
        if store.attribute("complete"):
            yield Said(f"{out.name} was already complete; nothing was done.")
            return store.volume()
        work = store.path / ".work"
        compute = yield from plan.start(work)
        yield from _fill(plan, store, compute, work / "receipts")
        yield from _coarser(store, _owned_levels(store, _box_shape(plan, store)))
        with writing(out):
            store.mark(complete=True)
            shutil.rmtree(work)
    with suppress(OSError):
        _lock_file(out).unlink()
    return store.volume()


def at_once(compute: Callable[[Box], NDArray[Any]]) -> Callable[[Path], Work[Compute]]:
    """For plans that need nothing before the first box and no events within one."""

    def one(box: Box) -> Work[NDArray[Any]]:
        return compute(box)
        yield

    def start(_: Path) -> Work[Compute]:
        return one
        yield

    return start


def boxes(shape: Triple, side: Triple) -> Iterator[Box]:
    """All boxes of a grid over an array, z slowest; those at the ends are cut off."""
    starts = product(*(range(0, length, step) for length, step in zip(shape, side, strict=True)))
    for z, y, x in starts:
        yield Box((z, y, x), (z + side[0], y + side[1], x + side[2])).intersection(Box.of(shape))


def with_halo(volume: Volume, box: Box, halo: Triple) -> tuple[NDArray[Any], tuple[slice, slice, slice]]:
    """A box of a volume with its surroundings as far as they exist, and where in them the box lies."""
    around = box.grown(halo).intersection(Box.of(volume.shape))
    z, y, x = around.start
    return volume.read(around), box.shifted((-z, -y, -x)).slices


def identity(volume: Volume) -> str:
    """Hash of the scan that a volume shows, whatever its crop or file format: type, shape, voxels along its diagonal."""
    array = volume.levels[0]
    whole = Box.of(array.shape)
    digest = hashlib.sha256(f"{array.dtype.name} {whole.shape}".encode())
    for share in np.linspace(0.05, 0.95, 9):
        z, y, x = (int(share * side) for side in whole.shape)
        sample = Box((z, y, x), (z + 1, y + 64, x + 64)).intersection(whole)
        values = np.asarray(array[sample.slices])
        digest.update(values.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _lock_file(out: Path) -> Path:
    return out.with_name(f".{out.name}.lock")


@contextmanager
def _owned(out: Path) -> Iterator[None]:
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(_lock_file(out))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(f"{out} is being written by another process; wait for it or give another name.") from error
    try:
        yield
    finally:
        lock.release()


def _begin(plan: Plan, out: Path) -> Store:
    """A new store, or the one that an earlier call of the same plan left."""
    for source in (Path(volume.source).absolute() for volume in plan.made_from if volume.source):
        if out == source or out in source.parents or (source in out.parents and source.suffix == ".zarr"):
            raise OutputError(f"The output {out} is the input or lies within it; give another name.")
    mark = plan.fingerprint()
    if out.is_dir() and any(out.iterdir()) and not plan.overwrite:
        store = reopen(out)
        if store.attribute("plan") == mark:
            with writing(out):
                for left in out.rglob("*.partial"):
                    left.unlink()
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


def _box_shape(plan: Plan, store: Store) -> Triple:
    return plan.box or plan.shard or layout(plan.shape, store.arrays[0].dtype.itemsize)[1]


def _fill(plan: Plan, store: Store, compute: Compute, receipts: Path) -> Work[None]:
    side = _box_shape(plan, store)
    todo = [box for box in boxes(plan.shape, side) if plan.wanted(box)]
    levels = _owned_levels(store, side)
    with writing(store.path):
        receipts.mkdir(parents=True, exist_ok=True)
    done = 0
    yield Progress(done, len(todo), plan.what)
    for box in todo:
        receipt = receipts / "-".join(map(str, box.start))
        if not receipt.exists():
            values = yield from compute(box)
            with writing(store.path):
                _write(store, box, values, levels)
                receipt.touch()
        done += 1
        yield Progress(done, len(todo), plan.what)


def _owned_levels(store: Store, side: Triple) -> int:
    """How many levels, the data first, have whole shards within each box of that shape."""
    for level, array in enumerate(store.arrays):
        for axis in range(3):
            unit = (array.shards or array.chunks)[axis] << level
            if side[axis] % unit and side[axis] < store.arrays[0].shape[axis]:
                return level
    return len(store.arrays)


def _write(store: Store, box: Box, values: NDArray[Any], levels: int) -> None:
    for level, array in enumerate(store.arrays[:levels]):
        if level:
            values = halved(values, store.role)
        start = [begin >> level for begin in box.start]
        array[tuple(slice(begin, begin + length) for begin, length in zip(start, values.shape, strict=True))] = values


def _coarser(store: Store, first: int) -> Work[None]:
    for level in range(first, len(store.arrays)):
        array = store.arrays[level]
        shard = array.shards or array.chunks
        todo = list(boxes(Box.of(array.shape).shape, (shard[0], shard[1], shard[2])))
        for done, box in enumerate(todo):
            with writing(store.path):
                array[box.slices] = built_from_finer(store, level, box)
            yield Progress(done + 1, len(todo), f"coarser levels ({level} of {len(store.arrays) - 1})")
