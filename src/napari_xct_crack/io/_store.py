"""Write OME-Zarr 0.5: zarr v3, sharded, zstd, a 2× pyramid with scales and translations in µm."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs.zstd import Zstd
from numpy.typing import DTypeLike, NDArray
from zarr.codecs import ZstdCodec

from ..errors import OutputError, writing
from ..settings import VoxelSize
from ..volume import Box, Role, Triple, Volume
from ._metadata import metadata
from ._pyramid import halved, layout, level_shapes, shard_of_level
from ._shards import ZSTD_LEVEL, write_shards


@dataclass(frozen=True)
class Store:
    """An OME-Zarr that is being written; level 0 is the array named ``0``."""

    path: Path
    arrays: tuple[zarr.Array[Any], ...]
    """All levels, the data first; absent voxels are 0."""
    role: Role

    def volume(self) -> Volume:
        """The store as it now is, for reading."""
        from .ome_zarr import open_zarr

        return open_zarr(self.path)

    def fill(self, box: Box, values: NDArray[Any], levels: int) -> None:
        """Replace a box on its first levels, of which each has whole shards there."""
        start = box.start
        for level, array in enumerate(self.arrays[:levels]):
            values = halved(values, self.role) if level else values
            write_shards(array, (start[0] >> level, start[1] >> level, start[2] >> level), values)

    def attribute(self, name: str) -> Any:
        """One of our own entries in the store's metadata, or none."""
        return own_entries(_group(self.path)).get(name)

    def mark(self, **entries: Any) -> None:
        """Set our own entries in the store's metadata (JSON values)."""
        group = _group(self.path)
        group.attrs["xct_crack"] = {**own_entries(group), **entries}


def create(
    path: str | Path,
    shape: Triple,
    dtype: DTypeLike,
    *,
    role: Role,
    voxel_size: VoxelSize | None,
    offset: Triple = (0, 0, 0),
    overwrite: bool = False,
    chunk: Triple | None = None,
    shard: Triple | None = None,
    marks: dict[str, Any] | None = None,
) -> Store:
    """Make an empty store with all its levels.

    Parameters
    ----------
    path
        A folder that ends in ``.zarr``; it appears complete or not at all.
    shape, dtype
        Of level 0, axes z, y, x.
    role
        Images and probabilities are averaged towards coarser levels, of masks and labels the maximum is taken.
    voxel_size
        µm along z, y, x; if unknown the scale is 1 without a unit.
    offset
        Position of voxel 0 in the scan that this was cut from, in voxels.
    overwrite
        Replace a Zarr that stands there.
    chunk, shard
        Of level 0, in voxels; chosen by shape and type if not given.
    marks
        More entries (JSON values) for :meth:`Store.attribute`.

    Raises
    ------
    OutputError
        If `path` exists, does not end in ``.zarr`` or cannot be written.
    """
    path = Path(path).absolute()
    refuse(path, overwrite)
    chosen = layout(shape, np.dtype(dtype).itemsize)
    chunk, shard = chunk or chosen[0], shard or chosen[1]
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        attributes = {
            **metadata(path.name, level_shapes(shape), role, voxel_size, offset),
            "xct_crack": {"role": role, **(marks or {})},
        }
        group = zarr.create_group(partial, zarr_format=3, attributes=attributes)
        for level, side in enumerate(level_shapes(shape)):
            new_array(group, level, side, dtype, chunk, shard_of_level(chunk, shard, level))
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    return reopen(path)


def reopen(path: str | Path) -> Store:
    """A store that :func:`create` made, for further writing.

    Raises
    ------
    OutputError
        If there is none of ours.
    """
    path = Path(path).absolute()
    try:
        group = _group(path)
        attributes: dict[str, Any] = dict(group.attrs.asdict())
        arrays = tuple(group[entry["path"]] for entry in attributes["ome"]["multiscales"][0]["datasets"])
        return Store(path, arrays, attributes["xct_crack"]["role"])  # type: ignore[arg-type]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path} exists and is no store of this program, so it is left alone; give another name."
        ) from error


def is_complete(path: Path) -> bool:
    """Whether there is a store of ours that was finished."""
    if not (path / "zarr.json").is_file():
        return False
    own = own_entries(_group(path))
    return bool(own) and own.get("complete") is not False


def write(
    path: str | Path,
    array: NDArray[Any],
    *,
    role: Role,
    voxel_size: VoxelSize | None = None,
    offset: Triple = (0, 0, 0),
    overwrite: bool = False,
) -> Volume:
    """Write data in memory, shape (z, y, x), with all levels; the rest as in :func:`create`."""
    array = array.astype(np.uint8) if array.dtype.kind == "b" else array
    store = create(
        path,
        Volume.from_array(array).shape,
        array.dtype,
        role=role,
        voxel_size=voxel_size,
        offset=offset,
        overwrite=overwrite,
    )
    with writing(store.path):
        store.fill(Box.of(store.arrays[0].shape), array, len(store.arrays))
    return store.volume()


def built_from_finer(store: Store, level: int, box: Box) -> NDArray[Any]:
    """A box of a level computed from the next finer one on disk."""
    finer = store.arrays[level - 1]
    step = [1 if side == 1 else 2 for side in finer.shape]
    slices = tuple(
        slice(start * by, min(stop * by, side))
        for start, stop, by, side in zip(box.start, box.stop, step, finer.shape, strict=True)
    )
    return halved(np.asarray(finer[slices]), store.role)


def _group(path: Path) -> zarr.Group:
    return zarr.open_group(path, mode="r+", use_consolidated=False)


def own_entries(group: zarr.Group) -> dict[str, Any]:
    """What this program says of a store, in the attributes of its group; nothing of one that is another's."""
    attributes: dict[str, Any] = dict(group.attrs.asdict())
    return dict(attributes.get("xct_crack", {}))


def refuse(path: Path, overwrite: bool) -> None:
    """Leave alone what stands at a path, but for a Zarr that may be replaced.

    Raises
    ------
    OutputError
        If something stands there, or the name is none of a Zarr.
    """
    if path.suffix != ".zarr":
        raise OutputError(f"The output must be a folder that ends in .ome.zarr, given {path.name}.")
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not overwrite:
        raise OutputError(f"{path} exists; give another name, or --overwrite to replace it.")
    if not any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray")):
        raise OutputError(f"{path} exists and is not a Zarr, so it is not replaced; give another name.")


def new_array(
    group: zarr.Group, level: int, shape: Triple, dtype: DTypeLike, chunk: Triple, shard: Triple | None = None
) -> zarr.Array[Any]:
    """An empty array for a level; in a group of Zarr 2 chunks are files, and there are no shards."""
    told: dict[str, Any] = {"shape": shape, "dtype": np.dtype(dtype), "chunks": chunk, "fill_value": 0}
    if group.metadata.zarr_format == 2:
        told |= {"compressors": Zstd(level=ZSTD_LEVEL), "chunk_key_encoding": {"name": "v2", "separator": "/"}}
    else:
        told |= {"compressors": ZstdCodec(level=ZSTD_LEVEL), "shards": shard, "dimension_names": ("z", "y", "x")}
    return group.create_array(str(level), **told)
