"""Whole shards packed in one go, laid out as zarr's sharding codec does; zarr itself takes twice as long."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import product, repeat
from typing import Any
from uuid import uuid4

import google_crc32c
import numpy as np
import zarr
from numcodecs.zstd import Zstd
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, StorePath

from ..volume import Triple

ZSTD_LEVEL = 1
_ABSENT = 2**64 - 1
"""Offset and length, in a shard's index, of a chunk without a voxel other than 0."""


def write_shards(array: zarr.Array[Any], start: Triple, values: NDArray[Any]) -> None:
    """Replace a box of whole shards, the last ones cut off where the array ends; shards of zeros are left out.

    Parameters
    ----------
    array
        Sharded, filled with 0, made by :func:`napari_xct_crack.io.ome_zarr.create`.
    start
        First voxel of the box, on the grid of shards.
    values
        Its voxels, shape (z, y, x).
    """
    assert array.shards is not None
    chunk = array.chunks
    grid = tuple(side // c for side, c in zip(array.shards, chunk, strict=True))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        coming = []  # all at once: later shards are compressed while earlier ones are written
        for place, part in _cut(values, array.shards):
            places, pieces = zip(*_cut(part, chunk), strict=True)
            coming.append((place, places, threads.map(_compressed, pieces, repeat(chunk))))
        for place, places, packed in coming:
            at = tuple(first // side + p for first, side, p in zip(start, array.shards, place, strict=True))
            target = array.store_path / array.metadata.encode_chunk_key(at)
            if pieces := _shard(grid, dict(zip(places, packed, strict=True))):
                _put(target, pieces)
            else:
                sync(target.delete())


def is_written(array: zarr.Array[Any], start: Triple) -> bool:
    """Whether there is a shard, or where there are none a chunk, that begins at this voxel."""
    unit = array.shards or array.chunks
    place = tuple(first // side for first, side in zip(start, unit, strict=True))
    return sync(array.store.exists((array.store_path / array.metadata.encode_chunk_key(place)).path))


def _put(target: StorePath, pieces: list[bytes]) -> None:
    """Store what becomes whole at once. Into a file piece by piece: fresh memory for all of it costs more than the writing."""
    if not isinstance(target.store, LocalStore):
        sync(target.set(default_buffer_prototype().buffer.from_bytes(b"".join(pieces))))
        return
    path = target.store.root / target.path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{uuid4().hex}.partial")  # its own: a worker given up for lost may still be writing
    try:
        with partial.open("wb") as file:
            file.writelines(pieces)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _shard(grid: tuple[int, ...], chunks: dict[tuple[int, ...], bytes | None]) -> list[bytes]:
    """The pieces of a shard: its chunks, then the index of where each begins and how long it is; nothing if there are none."""
    index = np.full((*grid, 2), _ABSENT, "<u8")
    found = {place: chunk for place, chunk in chunks.items() if chunk is not None}
    end = 0
    for place, chunk in found.items():
        index[place] = end, len(chunk)
        end += len(chunk)
    table = index.tobytes()
    return [*found.values(), table, struct.pack("<I", google_crc32c.value(table))] if found else []


def _compressed(values: NDArray[Any], chunk: tuple[int, ...]) -> bytes | None:
    little = values.dtype.newbyteorder("<")
    if values.shape == chunk:
        whole = np.ascontiguousarray(values, dtype=little)
    else:
        whole = np.zeros(chunk, little)
        whole[tuple(map(slice, values.shape))] = values
    packed: bytes = Zstd(level=ZSTD_LEVEL).encode(whole)
    return None if packed == _compressed_zeros(whole.nbytes) else packed


@lru_cache(16)
def _compressed_zeros(size: int) -> bytes:
    packed: bytes = Zstd(level=ZSTD_LEVEL).encode(bytes(size))
    return packed


def _cut(values: NDArray[Any], side: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """Boxes of that shape by their place in the grid, those at the ends cut off."""
    for place in product(*(range(-(-length // step)) for length, step in zip(values.shape, side, strict=True))):
        yield place, values[tuple(slice(p * step, (p + 1) * step) for p, step in zip(place, side, strict=True))]
