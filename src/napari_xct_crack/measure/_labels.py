"""The numbered components of a mask, found and written block by block."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import blocks
from ..components import Components, find, neighbours, stored
from ..events import Work
from ..io.ome_zarr import layout
from ..volume import Box, Volume
from ._census import Census, census


def count(mask: Volume, executor: Executor | None = None) -> Work[tuple[Components, Census]]:
    """Find the components of a mask and number them."""
    structure, side = neighbours("3d", True), layout(mask.shape, 4)[1]
    read = partial(_any, mask)
    components = yield from find(
        mask.shape, read, side=side, structure=structure, what="components found", executor=executor
    )
    return components, (yield from census(mask.shape, read, components, executor))


def numbered(
    mask: Volume, source: Volume, out: Path, components: Components, counted: Census, overwrite: bool
) -> blocks.Plan:
    """How the store is filled that holds every voxel's number; `source` is the mask as every process can read it."""
    chunk, shard = layout(mask.shape, 4)

    def start(work: Path) -> Work[blocks.Compute]:
        kept = work / "components.npz"
        replace(components, component=counted.number[components.component]).save(kept)
        return (yield from blocks.at_once(partial(_numbers, source, kept, kept.stat().st_mtime_ns))(work))

    return blocks.Plan(
        out=out,
        shape=mask.shape,
        dtype=np.uint32,
        role="labels",
        voxel_size=mask.voxel_size,
        offset=mask.origin,
        start=start,
        made_from=(mask,),
        chunk=chunk,
        shard=shard,
        what="numbering",
        overwrite=overwrite,
    )


def _any(mask: Volume, box: Box) -> tuple[NDArray[np.bool_], None]:
    return mask.read(box) != 0, None


def _numbers(mask: Volume, kept: Path, written: int, box: Box) -> NDArray[np.uint32]:
    return stored(kept, written).labels(box, mask.read(box) != 0).astype(np.uint32)
