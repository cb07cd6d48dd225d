"""The numbered components of a mask, found and written block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import blocks
from ..components import Components, Read, find, neighbours
from ..events import Work
from ..io.ome_zarr import layout
from ..volume import Box, Volume
from ._census import Census, census


def _reader(mask: Volume) -> Read:
    return lambda box: (mask.read(box) != 0, None)


def count(mask: Volume) -> Work[tuple[Components, Census]]:
    """Find the components of a mask and number them."""
    structure, side = neighbours("3d", True), layout(mask.shape, 4)[1]
    components = yield from find(mask.shape, _reader(mask), side=side, structure=structure, what="components found")
    return components, (yield from census(mask.shape, _reader(mask), components))


def numbered(mask: Volume, out: Path, components: Components, counted: Census, overwrite: bool) -> blocks.Plan:
    """How the store is filled that holds every voxel's number."""
    chunk, shard = layout(mask.shape, 4)

    def numbers(box: Box) -> NDArray[np.uint32]:
        return counted.number[components.labels(box, mask.read(box) != 0)].astype(np.uint32)

    return blocks.Plan(
        out=out,
        shape=mask.shape,
        dtype=np.uint32,
        role="labels",
        voxel_size=mask.voxel_size,
        offset=mask.origin,
        start=blocks.at_once(numbers),
        made_from=(mask,),
        chunk=chunk,
        shard=shard,
        what="numbering",
        overwrite=overwrite,
    )
