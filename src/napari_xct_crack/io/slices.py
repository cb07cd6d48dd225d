"""Folders of slices, and single pictures: TIFF, PNG, BMP, JPEG."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import InputError, SettingsError
from ..settings import VoxelSize
from ..volume import Volume
from ._grey import grey, grey_type
from ._picture import header, pixels
from ._stack import SliceStack
from ._units import settle
from .skyscan import logged_size

SUFFIXES = {".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg"}

Notes = tuple[str, ...]


def open_folder(folder: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a folder whose pictures are the slices of a scan, in natural order of their names.

    Parameters
    ----------
    folder
        Pictures of equal size and type; a SkyScan ``.log`` beside them gives the voxel size.
    voxel_size
        µm along z, y, x; goes before what the log or the first slice states.
    index
        ``{"c": …}`` takes one channel of colour pictures.

    Raises
    ------
    InputError
        If the folder holds no slices, several series, or slices that differ in size or type.
    SettingsError
        If the index names another axis.
    """
    entries = sorted((entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=natural)
    pictures = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InputError(
            f"{folder} holds no slices: TIFF, PNG, BMP or JPEG pictures, DICOM files, or a Zarr, are needed."
        )
    paths = _series(pictures, folder)
    logs = [entry for entry in entries if entry.suffix.lower() == ".log"]
    logged, said = logged_size(logs, paths[0])
    strays = [entry.name for entry in entries if entry not in {*paths, *logs}]
    return _volume(folder, paths, logged, voxel_size, index, _ignored(strays) + _gaps(paths) + said)


def open_picture(path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a PNG, BMP or JPEG as a volume of one slice; parameters and errors as in :func:`open_folder`."""
    return _volume(path, [path], None, voxel_size, index, ("It has no z axis: read as a single slice.",))


def natural(path: Path) -> list[tuple[int, str]]:
    """Sorting key by which ``slice9`` comes before ``slice10``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts] + [(-1, path.name)]


def _volume(
    source: Path,
    paths: Sequence[Path],
    logged: VoxelSize | None,
    given: VoxelSize | None,
    index: Mapping[str, int] | None,
    notes: Notes,
) -> Volume:
    if unknown := set(index or {}) - {"c"}:
        raise SettingsError(
            f"{source.name} has the axes z, y, x; there is no axis {', '.join(sorted(unknown))} to choose from."
        )
    stack, stated, said = _stack(paths, (index or {}).get("c"))
    size, settled = settle(logged or stated, given)
    return Volume(
        levels=(stack,),
        voxel_size=size,
        source=str(source),
        name=source.name if source.is_dir() else source.stem,
        notes=notes + said + settled,
    )


def _stack(paths: Sequence[Path], channel: int | None) -> tuple[SliceStack, VoxelSize | None, Notes]:
    """The slices behind one array; every header is looked at, no other byte."""
    first = header(paths[0])
    for path in paths[1:]:
        other = header(path)
        if (other.shape, other.dtype) != (first.shape, first.dtype):
            raise InputError(f"The slices are not alike: {paths[0].name} has {first} and {path.name} has {other}.")

    def read(z: int) -> NDArray[Any]:
        picture = grey(pixels(paths[z]), channel, paths[z].name)
        if picture.shape != first.shape[:2]:
            raise InputError(f"{paths[z].name} has changed since the folder was opened; open it again.")
        return picture

    dtype = grey_type(first.dtype, paths[0].name)
    notes: Notes = ()
    if len(first.shape) == 3 and channel is None:
        read(len(paths) // 2)  # real colour is found out on opening
        notes += ("The colour channels are equal: read as grey.",)
    if paths[0].suffix.lower() in (".jpg", ".jpeg"):
        notes += ("JPEG is lossy: its blocks and halos can hide or imitate faint cracks.",)
    height, width = first.shape[:2]
    stack = SliceStack(read, (len(paths), height, width), dtype, cached=True, codec=first.codec)
    return stack, first.voxel_size, notes


def _series(pictures: Sequence[Path], folder: Path) -> list[Path]:
    """The pictures that are one scan: names that differ in their last number only, else all of them."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        groups[re.sub(r"\d+(?!.*\d)", "#", path.stem) + path.suffix.lower()].append(path)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    (name, largest), *others = ordered
    if len(largest) > 1 and others and 2 * len(others[0][1]) > len(largest):
        second, rest = others[0]
        raise InputError(
            f"{folder} holds several series of slices, {name} ({len(largest)} files) and {second} ({len(rest)} files); "
            "put each scan into a folder of its own."
        )
    return largest if 2 * len(largest) > len(pictures) else list(pictures)


def _ignored(names: Sequence[str]) -> Notes:
    if not names:
        return ()
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"Ignored beside the slices: {', '.join(names[:3])}{more}.",)


def _gaps(paths: Sequence[Path]) -> Notes:
    """Numbers that are left out where all others follow each other."""
    found = [re.findall(r"\d+", path.stem) for path in paths]
    numbers = [int(digits[-1]) for digits in found if digits]
    jumps = [(a, b) for a, b in pairwise(numbers) if b - a > 1]
    if len(numbers) < len(paths) or not jumps or 2 * len(jumps) > len(paths):
        return ()
    after, before = jumps[0]
    return (f"Slices are missing: after number {after} comes {before}; they were put side by side.",)
