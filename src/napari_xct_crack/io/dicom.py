"""DICOM: the slices of one series, sorted by position, as grey values after the rescale."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._axes import axes_of
from ._dicom_slices import Slice, alike, along, in_order
from ._extra import library, reason
from ._linear import Linear
from ._stack import SliceStack
from ._units import settle

_TAGS = (
    "SeriesInstanceUID",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "BitsAllocated",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "RescaleSlope",
    "RescaleIntercept",
)
_BAD = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    struct.error,
)
"""What pydicom raises on files that make no sense, besides two errors of its own."""
logging.getLogger("pydicom").addHandler(logging.NullHandler())  # what it would print is said by our errors


def open_dicom(path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a folder that holds one DICOM series, or a single file as a single slice.

    Parameters
    ----------
    path
        Folder or file. Slices are sorted along their normal, from low to high position.
    voxel_size
        µm along z, y, x; goes before what the series states.

    Raises
    ------
    InputError
        If pydicom is not installed, if files are damaged, or if they are not one series of single grey slices.
    """
    pydicom = library("pydicom", path.name, "DICOM")
    library("pydicom.pixels", path.name, "DICOM")
    files = _files(path)
    if not files:
        raise InputError(f"{path} holds no DICOM files.")
    slices = [_header(pydicom, file) for file in files]
    alike(path, slices)
    ordered, pitch, notes = in_order(slices)
    first = ordered[0]
    dtype = np.result_type(*(one.linear.dtype(one.dtype) for one in ordered))

    def read(z: int) -> NDArray[Any]:
        return ordered[z].linear(_pixels(pydicom, ordered[z]), dtype)

    shape = (len(ordered), *first.shape)
    axes_of(shape, "zyx", index or {}, path.name)
    stated = None
    if first.across:
        y, x = first.across
        stated = ((pitch or y) * 1000, y * 1000, x * 1000)
    size, settled = settle(stated, voxel_size)
    assumed = stated is not None and pitch is None and size == stated and len(ordered) > 1
    said = ("The files do not state the distance of the slices: taken as in the plane.",) if assumed else ()
    return Volume(
        levels=(SliceStack(read, shape, dtype, cached=True, codec="DICOM"),),
        voxel_size=size,
        source=str(path),
        name=path.name if path.is_dir() else path.stem,
        notes=notes + first.notes + said + settled,
    )


def _is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _bad(pydicom: Any) -> tuple[type[Exception], ...]:
    return (*_BAD, pydicom.errors.InvalidDicomError, pydicom.errors.BytesLengthException)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        entry
        for entry in path.iterdir()
        if entry.is_file() and not entry.name.startswith(".") and entry.name != "DICOMDIR" and _is_dicom(entry)
    )


def _header(pydicom: Any, path: Path) -> Slice:
    try:
        found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        result = _slice(found, path)
        packed = found.file_meta.TransferSyntaxUID.is_compressed
    except _bad(pydicom) as error:
        raise InputError(f"{path.name} is damaged: its DICOM header makes no sense ({reason(error)}).") from error
    needed, size = result.shape[0] * result.shape[1] * result.dtype.itemsize, path.stat().st_size
    if needed > size and not packed:
        raise InputError(f"{path.name} is truncated: it has {size} bytes and its pixels need {needed}.")
    return result


def _slice(found: Any, path: Path) -> Slice:
    frames, channels = int(found.get("NumberOfFrames") or 1), int(found.get("SamplesPerPixel") or 1)
    if frames != 1 or channels != 1:
        what = f"{frames} frames in one file" if frames != 1 else "colour"
        raise InputError(f"{path.name} holds {what}; save it as a series of single grey slices.")
    bits, kind = int(found.BitsAllocated), "ui"[int(found.get("PixelRepresentation") or 0)]
    if bits not in (8, 16, 32):
        raise InputError(f"{path.name} has pixels of {bits} bits; 8, 16 or 32 are read.")
    slope, intercept = found.get("RescaleSlope"), found.get("RescaleIntercept")
    linear = Linear.checked(
        1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept), path.name
    )
    across = tuple(float(side) for side in found.get("PixelSpacing") or found.get("ImagerPixelSpacing") or ())
    thickness = found.get("SliceThickness")
    number = found.get("InstanceNumber")
    inverse = found.get("PhotometricInterpretation") == "MONOCHROME1"
    return Slice(
        path=path,
        series=str(found.get("SeriesInstanceUID", "")),
        number=None if number is None else int(number),
        shape=(int(found.Rows), int(found.Columns)),
        dtype=np.dtype(f"{kind}{bits // 8}"),
        linear=linear,
        across=across if len(across) == 2 and all(0 < side < float("inf") for side in across) else (),
        position=along(found.get("ImagePositionPatient"), found.get("ImageOrientationPatient")),
        thickness=float(thickness) if thickness else None,
        notes=("Its grey values are stored inverted (MONOCHROME1): dense is low.",) if inverse else (),
    )


def _pixels(pydicom: Any, one: Slice) -> NDArray[Any]:
    try:
        values = np.asarray(pydicom.pixels.pixel_array(one.path))
    except _bad(pydicom) as error:
        raise InputError(
            f"{one.path.name} is damaged, or packed in a way that cannot be decoded here ({reason(error)})."
        ) from error
    if values.shape != one.shape or values.dtype.kind not in "ui":
        raise InputError(f"{one.path.name} has changed since the folder was opened; open it again.")
    return values
