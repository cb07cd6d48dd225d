"""Any volume to a sharded OME-Zarr pyramid, voxel by voxel the same."""

from __future__ import annotations

import shutil
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from . import blocks
from .events import Said, Warned, Work
from .io.ome_zarr import is_absent, layout, slab_layout
from .settings import Settings
from .volume import Box, Role, Triple, Volume

SLAB_BYTES = 512 * 2**20
"""Most that is held of a source that can only be read in whole slices."""


class ConvertSettings(Settings):
    """How a volume is stored."""

    role: Role | None = Field(
        None, description="What it is, where the file does not say; decides how coarser levels are made."
    )


def convert(
    volume: Volume,
    out: str | Path,
    settings: ConvertSettings | None = None,
    *,
    overwrite: bool = False,
    executor: Executor | None = None,
) -> Work[Volume]:
    """Write a volume as OME-Zarr 0.5: sharded, with a pyramid and its voxel size in µm.

    Going on after a stop needs nothing but the same call.

    Parameters
    ----------
    volume
        The source; its crop, if any, is what is written.
    out
        A folder that ends in ``.ome.zarr``.
    executor
        Does the boxes, see :func:`napari_xct_crack.blocks.run`.

    Raises
    ------
    OutputError
        If the output exists with other content or cannot be written.
    """
    settings = settings or ConvertSettings()
    dtype = np.dtype(np.uint8) if volume.dtype.kind == "b" else volume.dtype.newbyteorder("=")

    def start(work: Path) -> Work[blocks.Compute]:
        yield from _sizes(volume, Path(out), dtype.itemsize)
        source = blocks.reachable(volume, executor, work)
        return (yield from blocks.at_once(partial(_read, source, dtype))(work))

    chunk, shard, box = _boxes(volume, dtype.itemsize)
    return (
        yield from blocks.run(
            blocks.Plan(
                out=Path(out),
                shape=volume.shape,
                dtype=dtype,
                role=settings.role or volume.role,
                voxel_size=volume.voxel_size,
                offset=volume.origin,
                start=start,
                made_from=(volume,),
                what="converting",
                wanted=lambda box: not is_absent(volume, box),
                chunk=chunk,
                shard=shard,
                box=box,
                overwrite=overwrite,
            ),
            executor,
        )
    )


def _read(volume: Volume, dtype: np.dtype[Any], box: Box) -> NDArray[Any]:
    return volume.read(box).astype(dtype, copy=False)


def _boxes(volume: Volume, itemsize: int) -> tuple[Triple, Triple, Triple]:
    """Chunk, shard and task box: cubes where the source can be read in cubes, else slabs of whole slices."""
    shape = volume.shape
    read_at_once = getattr(volume.levels[0], "chunks", (1, 1, 1))
    if any(unit > 512 for unit in read_at_once[1:]):
        chunk, shard = slab_layout(shape, itemsize, SLAB_BYTES)
        return chunk, shard, (shard[0], *shape[1:])
    chunk, shard = layout(shape, itemsize)
    return chunk, shard, shard


def _sizes(volume: Volume, out: Path, itemsize: int) -> Work[None]:
    """Say how much is to be written, and warn if it may not fit."""
    size = Box.of(volume.shape).size * itemsize * 8 / 7
    yield Said(f"Writing {size / 1e9:.3g} GB before compression to {out}.")
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < size:
        yield Warned(f"{folder} has {free / 1e9:.3g} GB free: the volume fits only if it compresses well.")
