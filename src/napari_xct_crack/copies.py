"""A store of this program copied to another place, also behind an address, as OME-Zarr 0.5 or 0.4."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr

from .blocks import apart, boxes
from .blocks._content import content
from .blocks._owner import owned
from .errors import InputError, OutputError, writing
from .events import Progress, Said, Work
from .io._metadata import Version, metadata
from .io._pyramid import level_shapes
from .io._remote import is_address, reaching, store_at
from .io._shards import is_written, write_shards
from .io._store import new_array, own_entries, refuse
from .io.ome_zarr import is_absent
from .volume import Box, Volume


def copy(volume: Volume, out: str | Path, *, version: Version = "0.5", overwrite: bool = False) -> Work[str]:
    """Write all levels of a store elsewhere; the same call goes on where an earlier one was stopped.

    Parameters
    ----------
    volume
        A whole store with its pyramid, as every step writes it.
    out
        A folder that ends in ``.zarr``, or an address such as ``s3://bucket/mask.ome.zarr``; who may write there is read
        from the environment.
    version
        Of OME-Zarr: 0.5 is Zarr 3 with shards, 0.4 Zarr 2, where every chunk is a file.
    overwrite
        Replace what stands there.

    Raises
    ------
    InputError
        If the volume is no store with a pyramid, or is not finished.
    OutputError, BusyError
        If `out` holds something else, cannot be written or is being written.
    """
    remote = is_address(out)
    place = str(out).rstrip("/") if remote else str(Path(out).absolute())
    if not place.endswith(".zarr"):
        raise OutputError(f"The copy must have a name that ends in .ome.zarr, given {place}.")
    shapes = [Box.of(level.shape).shape for level in volume.levels]
    first = volume.levels[0]
    if not isinstance(first, zarr.Array) or shapes != level_shapes(shapes[0]):
        raise InputError(f"{volume.name} is no OME-Zarr of this program; convert it first.")
    if own_entries(zarr.open_group(first.store, path=first.path.rpartition("/")[0], mode="r")).get("complete") is False:
        raise InputError(f"{volume.source} is not finished; let the step that makes it end first.")
    if place == volume.source:
        raise OutputError(f"{place} is the store itself; give another place.")
    with nullcontext() if remote else owned(Path(place)), reaching(place), writing(place):
        if not remote:
            apart(Path(place), volume)
        group = _begun(volume, place, version, overwrite)
        if own_entries(group)["complete"]:
            yield Said(f"{place} is already complete; nothing was to be done.")
            return place
        for number, level in enumerate(volume.levels):
            target: Any = group[str(number)]
            yield from _level(Volume(levels=(level,)), target, f"copying (level {number} of {len(shapes) - 1})")
        group.attrs["xct_crack"] = own_entries(group) | {"complete": True}
    return place


def _begun(volume: Volume, place: str, version: Version, overwrite: bool) -> zarr.Group:
    """The group at the place: a new one with all its arrays, or the one that an earlier call left."""
    store: Any = store_at(place) if is_address(place) else place
    own = {"role": volume.role, "copy_of": str(content(volume)), "complete": False}
    form: Literal[2, 3] = 3 if version == "0.5" else 2
    if not overwrite:
        with suppress(FileNotFoundError):
            group = zarr.open_group(store, mode="r+", use_consolidated=False)
            if own_entries(group) | {"complete": False} == own and group.metadata.zarr_format == form:
                return group
            raise OutputError(f"{place} exists; give another name, or --overwrite to replace it.")
    if not is_address(place):
        refuse(Path(place), overwrite)
    shapes = [Box.of(level.shape).shape for level in volume.levels]
    told = metadata(Path(place).name, shapes, volume.role, volume.voxel_size, volume.offset, version)
    group = zarr.create_group(store, zarr_format=form, overwrite=overwrite, attributes=told | {"xct_crack": own})
    for number, level in enumerate(volume.levels):
        assert isinstance(level, zarr.Array)
        chunk, shard = Box.of(level.chunks).shape, Box.of(level.shards).shape if level.shards else None
        new_array(group, number, shapes[number], level.dtype, chunk, shard)
    return group


def _level(level: Volume, target: zarr.Array[Any], what: str) -> Work[None]:
    z, y, x = target.shards or target.chunks
    grid = list(boxes(level.shape, (z, y, x)))
    for done, box in enumerate(grid):
        if not is_absent(level, box) and not is_written(target, box.start):
            values = np.asarray(level.read(box))
            if target.shards:
                write_shards(target, box.start, values)
            else:
                target[box.slices] = values
        yield Progress(done + 1, len(grid), what)
