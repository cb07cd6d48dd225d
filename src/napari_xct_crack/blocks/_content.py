"""What a volume holds, told by hashes that cost little on any size."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import read_json
from ..volume import Box, Volume

OVERVIEW = 2**27
"""Voxels up to which the coarsest level is read as a whole; those that this program writes are never larger."""


def identity(volume: Volume) -> str:
    """Hash of the scan behind a volume, whatever its crop or format: type, shape, voxels along its diagonal."""
    array = volume.levels[0]
    whole = Box.of(array.shape)
    digest = hashlib.sha256(f"{array.dtype.name} {whole.shape}".encode())
    for share in np.linspace(0.05, 0.95, 9):
        z, y, x = (int(share * side) for side in whole.shape)
        sample = Box((z, y, x), (z + 1, y + 64, x + 64)).intersection(whole)
        digest.update(_bytes(array[sample.slices]))
    return digest.hexdigest()


def content(volume: Volume) -> list[Any]:
    """What results made of a volume depend on: the scan, its coarsest level (or a few slices of it), crop and role."""
    level = volume.levels[-1]
    depth = level.shape[0]
    few = Box.of(level.shape).size > OVERVIEW
    digest = hashlib.sha256()
    for z in range(0, depth, max(1, depth // 4) if few else 64):
        digest.update(_bytes(level[z : min(depth, z + (1 if few else 64)), :, :]))
    return [identity(volume), digest.hexdigest(), volume.crop.start, volume.crop.stop, volume.role, *_edits(volume)]


def _edits(volume: Volume) -> list[Any]:
    """The mark that changes by hand leave in a store: they may lie where no sample is taken."""
    record = Path(volume.source or "") / "zarr.json"
    own = read_json(record).get("attributes", {}).get("xct_crack", {}) if volume.source and record.is_file() else {}
    return [own["edits"]] if "edits" in own else []


def _bytes(values: NDArray[Any]) -> bytes:
    values = np.asarray(values)
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
