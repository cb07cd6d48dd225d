"""What a store that is filled box by box is to hold, and the grid of its boxes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import __version__
from ..events import Work
from ..settings import VoxelSize
from ..volume import Box, Role, Triple, Volume
from ._content import content
from ._tasks import Compute


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
    undoable: bool = False
    """Whether what `overwrite` replaces is kept, so that :func:`napari_xct_crack.blocks.journal.undo` brings it back."""

    def fingerprint(self) -> str:
        """Hash of everything that the voxels of the output depend on."""
        facts = {
            "version": __version__,
            "what": self.what,
            "inputs": [content(volume) for volume in self.made_from],
            "settings": dict(self.settings),
            "output": [self.shape, np.dtype(self.dtype).str, self.role, self.offset, self.voxel_size],
            "boxes": [self.chunk, self.shard, self.box],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def at_once(compute: Callable[[Box], NDArray[Any]]) -> Callable[[Path], Work[Compute]]:
    """For plans that need nothing before the first box and no events within one."""

    def start(_: Path) -> Work[Compute]:
        return _AtOnce(compute)
        yield

    return start


@dataclass(frozen=True)
class _AtOnce:
    compute: Callable[[Box], NDArray[Any]]

    def __call__(self, box: Box) -> Work[NDArray[Any]]:
        return self.compute(box)
        yield


def boxes(shape: Triple, side: Triple) -> Iterator[Box]:
    """All boxes of a grid over an array, z slowest; those at the ends are cut off."""
    starts = product(*(range(0, length, step) for length, step in zip(shape, side, strict=True)))
    for z, y, x in starts:
        yield Box((z, y, x), (z + side[0], y + side[1], x + side[2])).intersection(Box.of(shape))
