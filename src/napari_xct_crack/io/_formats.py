"""Which format a file or folder is of, by what it holds rather than what it is called."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..volume import Volume

_STARTS = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\x89PNG": "PNG",
    b"BM": "BMP",
    b"\xff\xd8\xff": "JPEG",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "Zeiss",
    b"NRRD000": "NRRD",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512, 1024, 2048)
"""HDF5 may stand behind a block of the user's own."""
_META = re.compile(rb"\s*(ObjectType|ObjectSubType|NDims|Comment)\s*=", re.IGNORECASE)
_ZARR = ("zarr.json", ".zgroup", ".zarray")
SUFFIXES = {
    "TIFF": (".tif", ".tiff", ".btf"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "JPEG": (".jpg", ".jpeg"),
    "HDF5": (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus"),
    "MetaImage": (".mhd", ".mha"),
    "NRRD": (".nrrd", ".nhdr"),
    "DICOM": (".dcm",),
    "Zeiss": (".txm", ".txrm", ".xrm"),
}
RAW_SUFFIXES = (".raw", ".vol", ".bin", ".dat", ".zraw")
"""Of files without a header."""
_OPENERS = {
    "TIFF": ("tiff", "open_tiff"),
    "PNG": ("slices", "open_picture"),
    "BMP": ("slices", "open_picture"),
    "JPEG": ("slices", "open_picture"),
    "HDF5": ("hdf5", "open_hdf5"),
    "MetaImage": ("metaimage", "open_metaimage"),
    "NRRD": ("nrrd", "open_nrrd"),
    "DICOM": ("dicom", "open_dicom"),
    "Zeiss": ("zeiss", "open_zeiss"),
    "Zarr": ("ome_zarr", "open_zarr"),
    "slices": ("slices", "open_folder"),
}


def opener(kind: str) -> Callable[..., Volume]:
    """What reads a format; only its libraries are imported."""
    module, name = _OPENERS[kind]
    found: Callable[..., Volume] = getattr(importlib.import_module(f".{module}", __package__), name)
    return found


def kind_of(path: Path) -> str:
    """The format of a file or folder.

    Raises
    ------
    InputError
        If it is of none that can be read.
    """
    return _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)


def _kind_of_folder(path: Path) -> str:
    if any((path / name).is_file() for name in _ZARR):
        return "Zarr"
    if path.suffix == ".zarr":
        raise InputError(f"{path.name} is named as Zarr but holds none: no {', '.join(_ZARR)} is in it.")
    pictures = {suffix for kind in ("TIFF", "PNG", "BMP", "JPEG") for suffix in SUFFIXES[kind]}
    files = [entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")]
    if any(entry.suffix.lower() in pictures for entry in files):
        return "slices"
    return "DICOM" if any(_head(entry)[128:132] == b"DICM" for entry in files) else "slices"


def _kind_of_file(path: Path) -> str:
    head = _head(path)
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if any(head[at : at + len(_HDF5)] == _HDF5 for at in _HDF5_PLACES):
        return "HDF5"
    if head[128:132] == b"DICM":
        return "DICOM"
    if _META.match(head):
        return "MetaImage"
    if not head:
        raise InputError(f"{path.name} is empty: it has no bytes.")
    raise InputError(_unknown(path, head[:8]))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HDF5_PLACES[-1] + len(_HDF5))
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from error


def _unknown(path: Path, start: bytes) -> str:
    suffix = path.suffix.lower()
    named = next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)
    if named is not None:
        return f"{path.name} is named as {named} but holds none: it starts with {start!r}."
    for header in (path.with_suffix(other) for other in (".mhd", ".nhdr")):
        if suffix in RAW_SUFFIXES and header.is_file():
            return f"{path.name} has no header; open {header.name} beside it."
    if suffix in RAW_SUFFIXES:
        return f"{path.name} has no header; say how it is laid out with --shape Z Y X and --dtype."
    return (
        f"{path.name} is of a format that cannot be read: OME-Zarr, Zarr, TIFF, PNG, BMP, JPEG, HDF5, MetaImage, NRRD, "
        "DICOM, Zeiss and folders of slices can be, and headerless files with --shape Z Y X and --dtype."
    )
