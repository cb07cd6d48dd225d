"""Read scans: one file of this folder is one format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._again import opened_by
from ._finite import finite
from ._formats import RAW_SUFFIXES, SUFFIXES, kind_of, opener
from ._layout import layout_of
from ._remote import is_address
from .raw import RawLayout, open_raw

__all__ = ["FILE_SUFFIXES", "RawLayout", "layout_of", "parted", "read"]

FILE_SUFFIXES = (*(suffix for suffixes in SUFFIXES.values() for suffix in suffixes), *RAW_SUFFIXES)
"""What files that can be read are usually called."""


def read(
    source: str | Path,
    *,
    voxel_size: VoxelSize | None = None,
    index: Mapping[str, int] | None = None,
    dataset: str | None = None,
    raw: RawLayout | None = None,
) -> Volume:
    """Open a scan, mask or probability lazily, by what the file holds rather than what it is called.

    Parameters
    ----------
    source
        OME-Zarr, Zarr, TIFF or BigTIFF, HDF5 or NeXus, MetaImage, NRRD, Zeiss, a headerless file, a single picture, or
        a folder of slices or of a DICOM series. ``file.h5::/entry/data`` also names the dataset. An address
        (``s3://``, ``gs://``, ``az://``, ``https://``) names a Zarr.
    voxel_size
        µm along z, y, x; goes before what the file states.
    index
        Which entry of a further axis to take (``{"c": 0}``).
    dataset
        Which dataset of an HDF5 file; found if not given.
    raw
        How a headerless file is laid out; a file is taken as headerless if the layout has a shape.

    Returns
    -------
    Volume
        Axes z, y, x; what was assumed is in its notes. Its source is the path without a dataset.

    Raises
    ------
    InputError
        If there is nothing there or nothing that can be read, or a longer axis is not chosen.
    SettingsError
        If the voxel size is not positive, or the index names no axis.
    """
    if is_address(source):
        volume = opener("Zarr")(source, voxel_size=voxel_size, index=index)
        return opened_by(read, str(source), finite(volume), voxel_size=voxel_size, index=index)
    source, named = parted(source)
    dataset = dataset or named
    path = source.expanduser().absolute()
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    headerless = raw is not None and raw.shape is not None
    kind = "raw" if headerless and path.is_file() else kind_of(path)
    if headerless and kind != "raw":
        raise InputError(f"{path.name} is a folder, not a headerless file: it is read without a shape.")
    if dataset and kind != "HDF5":
        raise InputError(f"{path.name} is no HDF5 file but of the format {kind}: it has no dataset {dataset}.")
    if raw is not None and kind == "raw":
        volume = open_raw(path, raw, voxel_size=voxel_size, index=index)
    else:
        chosen = {"dataset": dataset} if dataset else {}
        volume = opener(kind)(path, voxel_size=voxel_size, index=index, **chosen)
    return opened_by(read, str(path), finite(volume), voxel_size=voxel_size, index=index, dataset=dataset, raw=raw)


def parted(source: str | Path) -> tuple[Path, str | None]:
    """``file.h5::/entry/data`` → file and dataset; anything else stays whole."""
    file, colons, dataset = str(source).rpartition("::")
    return (Path(file), dataset) if colons and dataset and not Path(source).exists() else (Path(source), None)
