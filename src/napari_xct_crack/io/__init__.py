"""Read scans: one file of this folder is one format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._finite import finite
from ._layout import layout_of

__all__ = ["layout_of", "read"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = {b"\x89PNG": "PNG", b"BM": "BMP", b"\xff\xd8\xff": "JPEG"}
_ZARR = ("zarr.json", ".zgroup", ".zarray")
_NAMES = {
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".btf": "TIFF",
    ".png": "PNG",
    ".bmp": "BMP",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
}
_READABLE = "OME-Zarr, Zarr, TIFF, PNG, BMP and JPEG files and folders of slices can be read"


def read(source: str | Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a scan, mask or probability lazily, by what the file holds rather than what it is called.

    Parameters
    ----------
    source
        OME-Zarr, Zarr, TIFF or BigTIFF, a folder of slices, or a single picture.
    voxel_size
        µm along z, y, x; goes before what the file states.
    index
        Which entry of a further axis to take (``{"c": 0}``).

    Returns
    -------
    Volume
        Axes z, y, x; what was assumed is in its notes.

    Raises
    ------
    InputError
        If there is nothing there or nothing that can be read, or a longer axis is not chosen.
    SettingsError
        If the voxel size is not positive, or the index names no axis.
    """
    path = Path(source).expanduser().absolute()
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    return finite(_opener(path)(path, voxel_size=voxel_size, index=index))


def _opener(path: Path) -> Callable[..., Volume]:
    """What reads this kind of file or folder; only its libraries are imported."""
    if path.is_dir():
        if any((path / name).is_file() for name in _ZARR):
            from .ome_zarr import open_zarr

            return open_zarr
        if path.suffix == ".zarr":
            raise InputError(f"{path.name} is named as Zarr but holds none: no {', '.join(_ZARR)} is in it.")
        from .slices import open_folder

        return open_folder
    if _kind(path) == "TIFF":
        from .tiff import open_tiff

        return open_tiff
    from .slices import open_picture

    return open_picture


def _kind(path: Path) -> str:
    """The format of a file by its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from error
    if head.startswith(_TIFF):
        return "TIFF"
    for start, name in _PICTURES.items():
        if head.startswith(start):
            return name
    if not head:
        raise InputError(f"{path.name} is empty: it has no bytes.")
    if path.suffix.lower() in _NAMES:
        raise InputError(
            f"{path.name} is named as {_NAMES[path.suffix.lower()]} but holds none: it starts with {head!r}."
        )
    raise InputError(f"{path.name} is of a format that cannot be read: {_READABLE}.")
