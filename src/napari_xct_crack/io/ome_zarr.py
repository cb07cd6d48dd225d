"""OME-Zarr 0.4 and 0.5 and plain Zarr, read lazily; writing is in `create` and `write`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path, PurePath
from typing import Any

import zarr
from zarr.storage import LocalStore

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Box, Role, Triple, Volume
from ._again import opened_by
from ._axes import Axes, axes_of
from ._pyramid import halved, layout, slab_layout
from ._remote import is_address, open_address, place_of
from ._store import Store, built_from_finer, create, is_complete, reopen, write
from ._units import micrometres, settle

__all__ = [
    "Store",
    "built_from_finer",
    "create",
    "halved",
    "is_absent",
    "is_complete",
    "layout",
    "open_zarr",
    "reopen",
    "slab_layout",
    "write",
]


@dataclass(frozen=True)
class _Found:
    """The arrays of an image, the finest first, and what its metadata say of their dimensions."""

    arrays: tuple[zarr.Array[Any], ...]
    names: Sequence[str] | None = None
    scale: Sequence[float] | None = None
    translation: Sequence[float] | None = None
    units: Sequence[str | None] | None = None
    role: Role | None = None
    notes: list[str] = field(default_factory=list)


def open_zarr(
    path: str | Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None
) -> Volume:
    """Open an OME-Zarr image, a bioformats2raw folder, or a plain Zarr array or group; nothing is read.

    Parameters
    ----------
    path
        The Zarr folder, or an address such as ``s3://bucket/scan.ome.zarr``.
    voxel_size
        µm along z, y, x, where the file does not state it or is wrong.
    index
        Which index to take along further axes (``{"c": 0}``).

    Raises
    ------
    InputError
        If there is no such folder, no numeric array in it, or its axes cannot be told.
    """
    source = str(path) if is_address(path) else str(Path(path).absolute())
    place = place_of(source) if is_address(source) else Path(source)
    found = _find(open_address(source) if is_address(source) else _open(Path(source)), place)
    first = found.arrays[0]
    for array in found.arrays:
        if array.dtype.kind not in "uifb":
            raise InputError(f"{place} holds values of type {array.dtype}; numbers are needed.")
        if array.ndim != first.ndim or 0 in array.shape:
            raise InputError(f"{place} has a level of shape {array.shape}, which is no part of an image pyramid.")
    axes = axes_of(first.shape, found.names, index or {}, str(place))
    stated, offset = _placed(found, axes)
    size, notes = settle(stated, voxel_size)
    name = place.name.removesuffix(".zarr").removesuffix(".ome")
    volume = Volume(
        levels=tuple(axes.view(array) for array in found.arrays),
        role=found.role or ("mask" if first.dtype.kind == "b" else "image"),
        voxel_size=size,
        offset=offset,
        source=source,
        name=name,
        notes=(*found.notes, *axes.notes, *notes),
    )
    return opened_by(open_zarr, source, volume, voxel_size=voxel_size, index=index)


def is_absent(volume: Volume, box: Box) -> bool:
    """Whether no chunk or shard of a box was ever written, so that all of it is 0; false where that cannot be told."""
    array = volume.levels[0]
    if not isinstance(array, zarr.Array) or not isinstance(array.store, LocalStore) or array.fill_value != 0:
        return False
    unit = array.shards or array.chunks
    inside = box.shifted(volume.crop.start)
    spans = (
        range(start // by, -(-stop // by)) for start, stop, by in zip(inside.start, inside.stop, unit, strict=True)
    )
    root = array.store.root / array.path
    return not any((root / array.metadata.encode_chunk_key(place)).exists() for place in product(*spans))


def _open(path: Path) -> zarr.Array[Any] | zarr.Group:
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    if not path.is_dir():
        raise InputError(f"{path} is a file; a Zarr is a folder.")
    try:
        return zarr.open(path, mode="r")
    except (FileNotFoundError, ValueError, KeyError, TypeError, NotADirectoryError) as error:
        raise InputError(
            f"{path} is not a Zarr that can be read ({type(error).__name__}: {_first_line(error)})."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".")


def _find(node: zarr.Array[Any] | zarr.Group, path: PurePath) -> _Found:
    """The image's arrays and metadata, whichever way the folder is laid out."""
    attributes: dict[str, Any] = node.attrs.asdict()
    if isinstance(node, zarr.Array):
        return _Found((node,), names=_dimension_names(node, attributes))
    ome = attributes.get("ome", attributes)
    if isinstance(ome, dict) and ome.get("multiscales"):
        return _multiscale(node, ome, attributes, path)
    try:
        children = dict(node.members())
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a Zarr that can be read ({_first_line(error)}).") from error
    arrays = {name: child for name, child in children.items() if isinstance(child, zarr.Array)}
    groups = {name: child for name, child in children.items() if isinstance(child, zarr.Group) and name != "OME"}
    if arrays:
        return _plain(arrays, path)
    if "bioformats2raw.layout" in ome and "0" in groups:
        note = [f"{path.name} holds {len(groups)} images; the first was opened."] if len(groups) > 1 else []
        found = _find(groups["0"], path / "0")
        return _Found(**{**vars(found), "notes": [*note, *found.notes]})
    if len(groups) == 1:
        (name, child), *_ = groups.items()
        return _find(child, path / name)
    inside = f" itself; choose one of {', '.join(sorted(groups)[:6])} in it" if groups else ""
    raise InputError(f"{path} holds no array{inside}.")


def _plain(arrays: dict[str, zarr.Array[Any]], path: PurePath) -> _Found:
    """One array, or several that halve from one to the next."""
    ordered = sorted(arrays.values(), key=lambda array: -math.prod(array.shape))
    for finer, coarser in pairwise(ordered):
        if finer.ndim != coarser.ndim or not all(
            side == half or abs(side / 2 - half) <= 1 for side, half in zip(finer.shape, coarser.shape, strict=True)
        ):
            inside = ", ".join(sorted(arrays)[:6])
            raise InputError(f"{path} holds several arrays that are no pyramid; choose one of {inside} in it.")
    names = _dimension_names(ordered[0], ordered[0].attrs.asdict())
    return _Found(tuple(ordered), names=names)


def _dimension_names(array: zarr.Array[Any], attributes: Mapping[str, Any]) -> Sequence[str] | None:
    names = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    return names if names and all(isinstance(name, str) for name in names) else None


def _multiscale(group: zarr.Group, ome: dict[str, Any], attributes: dict[str, Any], path: PurePath) -> _Found:
    """Levels, axes, scale and translation by the OME-Zarr metadata."""
    try:
        image = ome["multiscales"][0]
        datasets = image["datasets"]
        arrays = tuple(group[entry["path"]] for entry in datasets)
        axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in image.get("axes", [])]
        steps = [*datasets[0].get("coordinateTransformations", []), *image.get("coordinateTransformations", [])]
        names = [axis["name"] for axis in axes] or None
    except (KeyError, IndexError, TypeError, FileNotFoundError) as error:
        raise InputError(
            f"{path} has OME-Zarr metadata that name no array which exists ({_first_line(error)})."
        ) from error
    if not arrays or not all(isinstance(array, zarr.Array) for array in arrays):
        raise InputError(f"{path} has OME-Zarr metadata that name no array which exists.")
    count = arrays[0].ndim  # type: ignore[union-attr]
    if names is None and ome.get("version", image.get("version", "0.1")) in ("0.1", "0.2") and count == 5:
        names = list("tczyx")
    scale, translation = _composed(steps, count)
    own = attributes.get("xct_crack", {})
    notes = [f"{path.name} holds several images; the first was opened."] if len(ome["multiscales"]) > 1 else []
    if own.get("complete") is False:
        notes.append(f"{path.name} is not finished: voxels that were not yet computed are 0.")
    return _Found(
        arrays,  # type: ignore[arg-type]
        names=names,
        scale=scale,
        translation=translation,
        units=[axis.get("unit") for axis in axes],
        role=own.get("role") or ("labels" if "image-label" in ome else None),
        notes=notes,
    )


def _composed(steps: Sequence[Mapping[str, Any]], count: int) -> tuple[list[float] | None, list[float]]:
    """Scale and translation of several transformations applied one after the other; no scale at all is none."""
    scale, translation, scaled = [1.0] * count, [0.0] * count, False
    for step in steps:
        values = step.get(step.get("type", ""))
        if not isinstance(values, list) or len(values) != count:
            continue
        if step["type"] == "scale":
            scaled = True
            scale = [a * b for a, b in zip(scale, values, strict=True)]
            translation = [a * b for a, b in zip(translation, values, strict=True)]
        elif step["type"] == "translation":
            translation = [a + b for a, b in zip(translation, values, strict=True)]
    return (scale if scaled else None), translation


def _placed(found: _Found, axes: Axes) -> tuple[VoxelSize | None, Triple]:
    """Voxel size in µm (none if any side is not stated) and offset in voxels."""
    if found.scale is None or found.translation is None or not found.units:
        return None, (0, 0, 0)
    sizes: list[float | None] = []
    offsets: list[int] = []
    for axis in axes.zyx:
        # A single slice without a z axis is taken to be as thick as its pixels are wide.
        scale = found.scale[axes.zyx[2] if axis is None else axis]
        unit = micrometres(found.units[axes.zyx[2] if axis is None else axis] or "")
        usable = math.isfinite(scale) and scale > 0
        sizes.append(scale * unit if usable and unit else None)
        offsets.append(round(found.translation[axis] / scale) if axis is not None and usable else 0)
    z, y, x = sizes
    known = z is not None and y is not None and x is not None
    return (z, y, x) if known else None, (offsets[0], offsets[1], offsets[2])  # type: ignore[return-value]
