"""Zeiss Xradia: ``.txm`` (reconstructed slices), ``.txrm`` (projections) and ``.xrm`` (single images), each an OLE file.

There is no public description of the format; which stream holds what is common knowledge of open readers.

References
----------
.. [1] F. De Carlo et al., "Scientific data exchange: a schema for HDF5-based storage of raw and analyzed data",
   J. Synchrotron Rad. 21 (2014) 1224, https://github.com/data-exchange/dxchange
"""

from __future__ import annotations

import math
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
from ._extra import library
from ._stack import SliceStack
from ._units import settle

_TYPES = {3: "u1", 5: "u2", 10: "f4"}
_FOLDER = 100
"""Images in a folder of the file: ImageData1 holds Image1 to Image100."""
_BAD = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, MemoryError, RuntimeError, struct.error)


def open_zeiss(path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open the images of a file in their stored order; each is read when it is asked for.

    Parameters
    ----------
    path
        The file.
    voxel_size
        µm along z, y, x; goes before the file's, which is the same along all axes.

    Raises
    ------
    InputError
        If olefile is not installed, if the file is damaged, or if it holds no images.
    """
    olefile = library("olefile", path.name, "a Zeiss or other OLE file")
    try:
        ole = olefile.OleFileIO(path)
    except _BAD as error:
        raise InputError(f"{path.name} is damaged: it cannot be opened as an OLE file.") from error
    try:
        shape, dtype, stated, notes = _header(ole, path)
    except _BAD as error:
        ole.close()
        raise InputError(f"{path.name} is damaged: its OLE streams make no sense.") from error
    except InputError:
        ole.close()
        raise
    needed = shape[1] * shape[2] * dtype.itemsize

    def read(z: int) -> NDArray[Any]:
        try:
            data = ole.openstream(_stream(z)).read()
        except _BAD as error:
            raise InputError(f"Image {z + 1} of {path.name} is damaged and cannot be read.") from error
        if len(data) != needed:
            raise InputError(f"Image {z + 1} of {path.name} has {len(data)} bytes and should have {needed}.")
        return np.frombuffer(data, dtype).reshape(shape[1:]).astype(dtype.newbyteorder("="))

    axes_of(shape, "zyx", index or {}, path.name)
    size, settled = settle(stated, voxel_size)
    return Volume(
        levels=(SliceStack(read, shape, dtype, cached=True, codec="Zeiss (uncompressed)"),),
        voxel_size=size,
        source=str(path),
        name=path.name.split(".")[0],
        notes=notes + settled,
    )


def _header(ole: Any, path: Path) -> tuple[tuple[int, int, int], np.dtype[Any], VoxelSize | None, tuple[str, ...]]:
    """Shape, stored type, voxel size and notes, checked against the streams that are there."""
    width, height, kind = (_number(ole, path, name) for name in ("ImageWidth", "ImageHeight", "DataType"))
    claimed = _number(ole, path, "NoOfImages")
    if kind not in _TYPES:
        raise InputError(f"{path.name} holds voxels of the type number {kind}, which is not known.")
    dtype = np.dtype(_TYPES[kind]).newbyteorder("<")
    needed = width * height * dtype.itemsize
    if width < 1 or height < 1:
        raise InputError(f"{path.name} is damaged: it claims images of {height} × {width}.")
    count = 0
    while count < claimed and ole.exists(_stream(count)):
        if ole.get_size(_stream(count)) != needed or needed > path.stat().st_size:
            raise InputError(
                f"Image {count + 1} of {path.name} does not have the {needed} bytes of {height} × {width}."
            )
        count += 1
    if not count:
        raise InputError(f"{path.name} holds no images.")
    pixel = _pixel_size(ole)
    return (count, height, width), dtype, pixel, _notes(ole, path, count, claimed)


def _notes(ole: Any, path: Path, count: int, claimed: int) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if count < claimed:
        notes += (f"It was to have {claimed} images; {count} are there.",)
    if path.suffix.lower() == ".txrm":
        notes += ("It holds projections, not slices: reconstruct it before cracks are looked for.",)
    rows, columns = (_optional(ole, name) for name in ("MosiacRows", "MosiacColumns"))  # spelt so in the file
    if rows * columns > 1:
        notes += (f"It is a mosaic of {rows} × {columns} tiles, which were not stitched but put side by side along z.",)
    return notes


def _stream(number: int) -> str:
    return f"ImageData{number // _FOLDER + 1}/Image{number + 1}"


def _pixel_size(ole: Any) -> VoxelSize | None:
    name = "ImageInfo/PixelSize"
    data = ole.openstream(name).read(4) if ole.exists(name) else b""
    if len(data) < 4:
        return None
    (side,) = struct.unpack("<f", data)
    return (side, side, side) if 0 < side < math.inf else None


def _number(ole: Any, path: Path, name: str) -> int:
    if not ole.exists(f"ImageInfo/{name}"):
        raise InputError(f"{path.name} is an OLE file but not one of Zeiss: it has no ImageInfo/{name}.")
    return int(struct.unpack("<i", ole.openstream(f"ImageInfo/{name}").read(4))[0])


def _optional(ole: Any, name: str) -> int:
    data = ole.openstream(f"ImageInfo/{name}").read(4) if ole.exists(f"ImageInfo/{name}") else b""
    return int(struct.unpack("<i", data)[0]) if len(data) == 4 else 0
