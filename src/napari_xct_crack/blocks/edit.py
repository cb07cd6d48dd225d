"""Change voxels of a finished store in place, as painting by hand does: only what differs is written, levels included."""

from __future__ import annotations

import hashlib
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..errors import InputError, OutputError, writing
from ..events import Progress, Said, Work
from ..io.ome_zarr import Store, built_from_finer, reopen
from ..volume import Box, Triple, Volume
from . import boxes
from ._owner import owned
from .journal import keep


def edit(path: str | Path, start: Triple, values: NDArray[Any], what: str = "painting") -> Work[Volume]:
    """Replace a box of a store, and the blocks of its coarser levels that show it; :func:`journal.undo` takes it back.

    Parameters
    ----------
    path
        A complete store that this program wrote.
    start
        First voxel of the box, counted from the store's own corner.
    values
        Shape (z, y, x), of a type that fits the store's.
    what
        The change, for the journal.

    Raises
    ------
    InputError
        If the box leaves the store.
    OutputError
        If the store is none of ours, is not complete, or cannot be written.
    BusyError
        If another process is writing it.
    """
    path = Path(path).absolute()
    with owned(path):
        store = reopen(path)
        if store.attribute("complete") is False:
            raise OutputError(f"{path.name} is not finished; finish it before it is changed.")
        array = store.arrays[0]
        box = Box.of(values.shape).shifted(start)
        if not Box.of(array.shape).contains(box):
            raise InputError(
                f"The box {box.start} to {box.stop} does not lie inside {path.name} of shape {array.shape}."
            )
        touched = list(_touched(array, box, values))
        if not touched:
            yield Said(f"Nothing in {path.name} differs, so it stays as it is.")
            return store.volume()
        levels = [[_coarser(store, level, each) for each in touched] for level in range(len(store.arrays))]
        pairs = zip(store.arrays, levels, strict=True)
        files = {name for array, parts in pairs for part in parts for name in _files(array, part)}
        yield Said(keep(path, what, sorted({"zarr.json", *files})))
        with writing(path):
            yield from _write(store, levels, box, values)
            before = store.attribute("edits") or ""
            after = hashlib.sha256(f"{before} {start} {values.shape}".encode() + values.tobytes())
            store.mark(edits=after.hexdigest())
    return store.volume()


def _touched(array: zarr.Array[Any], box: Box, values: NDArray[Any]) -> list[Box]:
    """What differs, one box per shard."""
    found = []
    side = array.shards or array.chunks
    for shard in boxes(Box.of(array.shape).shape, (side[0], side[1], side[2])):
        part = shard.intersection(box)
        if part.size == 0:
            continue
        differ = np.argwhere(np.asarray(array[part.slices]) != values[_within(part, box)])
        if len(differ):
            low, high = differ.min(axis=0).tolist(), (differ.max(axis=0) + 1).tolist()
            found.append(Box(tuple(low), tuple(high)).shifted(part.start))
    return found


def _within(part: Box, box: Box) -> tuple[slice, slice, slice]:
    z, y, x = box.start
    return part.shifted((-z, -y, -x)).slices


def _coarser(store: Store, level: int, box: Box) -> Box:
    """The voxels of a level that show a box of level 0."""
    shape = store.arrays[level].shape
    by = [1 if side == 1 else 2**level for side in shape]
    start = [first // step for first, step in zip(box.start, by, strict=True)]
    stop = [min(-(-last // step), side) for last, step, side in zip(box.stop, by, shape, strict=True)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _files(array: zarr.Array[Any], box: Box) -> list[str]:
    """Names, within the store, of the files that hold a box of a level."""
    unit = array.shards or array.chunks
    spans = (
        range(start // by, math.ceil(stop / by)) for start, stop, by in zip(box.start, box.stop, unit, strict=True)
    )
    return [f"{array.path}/{array.metadata.encode_chunk_key(place)}" for place in product(*spans)]


def _write(store: Store, levels: list[list[Box]], box: Box, values: NDArray[Any]) -> Work[None]:
    total = len(levels) * len(levels[0])
    for level, parts in enumerate(levels):
        for done, part in enumerate(parts, start=level * len(parts) + 1):
            new = built_from_finer(store, level, part) if level else values[_within(part, box)]
            store.arrays[level][part.slices] = new
            yield Progress(done, total, "blocks rebuilt")
