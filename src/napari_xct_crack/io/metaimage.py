"""MetaImage: ``.mha``, and ``.mhd`` with its voxels in a ``.raw`` or ``.zraw`` beside it.

References
----------
.. [1] Kitware, "MetaIO", https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._axes import axes_of
from ._blob import Blob, BlobArray
from ._header import beside, counts, lines_of, numbers
from ._linear import Linear
from ._units import settle

_TYPES = {
    "CHAR": "i1",
    "UCHAR": "u1",
    "SHORT": "i2",
    "USHORT": "u2",
    "INT": "i4",
    "UINT": "u4",
    "LONG": "i4",
    "ULONG": "u4",
    "LONG_LONG": "i8",
    "ULONG_LONG": "u8",
    "FLOAT": "f4",
    "DOUBLE": "f8",
}
_FILE = "elementdatafile"

Fields = dict[str, str]


def open_metaimage(
    path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None
) -> Volume:
    """Open a MetaImage; its voxels are mapped into memory, packed ones unpacked when they are first read.

    Parameters
    ----------
    path
        The header (``.mhd``) or the file with header and voxels (``.mha``).
    voxel_size
        µm along z, y, x; goes before the header's spacing, which is taken as mm.
    index
        Which channel to take (``{"c": 0}``).

    Raises
    ------
    InputError
        If the header is damaged or not of a kind that is read, or does not fit the file of the voxels.
    """
    lines, end = lines_of(path, lambda line: line.partition("=")[0].strip().lower() == _FILE)
    pairs = (line.partition("=") for line in lines)
    fields = {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
    names, shape = _axes(fields, path)
    blob = _blob(fields, path, shape, end)
    axes = axes_of(shape, names, index or {}, path.name)
    array = BlobArray(blob, "MetaImage (zlib)" if blob.packed else "MetaImage (uncompressed)", _linear(fields, path))
    stated, said = _spacing(fields, path)
    size, settled = settle(stated, voxel_size)
    notes = axes.notes + (() if "z" in names else ("It has no z axis: read as a single slice.",))
    if not blob.packed and blob.surplus > 0:
        notes += (f"{blob.path.name} holds {blob.surplus} bytes more than the header says; they were left out.",)
    return Volume(
        levels=(axes.view(array),),
        voxel_size=size,
        source=str(path),
        name=path.name.split(".")[0],
        notes=notes + (said if size == stated else ()) + settled,
    )


def _axes(fields: Fields, path: Path) -> tuple[list[str], tuple[int, ...]]:
    """Names and lengths of the dimensions, the slowest first."""
    sides = counts(_field(fields, "DimSize", path), path, "DimSize")[::-1]
    if len(sides) not in (2, 3) or fields.get("ndims", str(len(sides))) != str(len(sides)):
        raise InputError(f"{path.name} has {fields.get('ndims')} dimensions of lengths {sides[::-1]}; 2 or 3 are read.")
    names = ["z", "y", "x"][-len(sides) :]
    channels = counts(fields.get("elementnumberofchannels", "1"), path, "ElementNumberOfChannels")[0]
    return ([*names, "c"], (*sides, channels)) if channels != 1 else (names, tuple(sides))


def _blob(fields: Fields, path: Path, shape: tuple[int, ...], end: int) -> Blob:
    """Where the voxels are."""
    kind = _field(fields, "ElementType", path).upper().removeprefix("MET_")
    if kind.removesuffix("_ARRAY") not in _TYPES:
        raise InputError(
            f"{path.name} holds voxels of type {kind[:40]}; grey values are whole or floating point numbers."
        )
    if not _true(fields, "binarydata", "true"):
        raise InputError(f"{path.name} holds its voxels as text; save it with BinaryData = True.")
    big = _true(fields, "elementbyteordermsb") or _true(fields, "binarydatabyteordermsb")
    dtype = np.dtype(_TYPES[kind.removesuffix("_ARRAY")]).newbyteorder(">" if big else "<")
    name = _field(fields, "ElementDataFile", path)
    if name.upper() == "LIST" or "%" in name:
        raise InputError(f"{path.name} spreads its voxels over several files; save it as one, or open those as slices.")
    local = name.upper() == "LOCAL"
    data = path if local else beside(path, name)
    blob = Blob(data, shape, dtype, end if local else 0, _true(fields, "compresseddata"))
    skipped = counts(fields.get("headersize", "0"), path, "HeaderSize")[0]
    if skipped and not local:
        blob = Blob(data, shape, dtype, max(0, blob.surplus) if skipped == -1 else skipped, blob.packed)
    return blob


def _linear(fields: Fields, path: Path) -> Linear:
    names = ("ElementToIntensityFunctionSlope", "1"), ("ElementToIntensityFunctionOffset", "0")
    slope, intercept = (numbers(fields.get(name.lower(), usual), path, name)[0] for name, usual in names)
    return Linear.checked(slope, intercept, path.name)


def _spacing(fields: Fields, path: Path) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """µm along z, y, x. A header has no unit: mm is what writers mean, and 1 what they write where they know nothing."""
    name = next((name for name in ("ElementSpacing", "ElementSize") if name.lower() in fields), None)
    if name is None:
        return None, ()
    sides = numbers(fields[name.lower()], path, name)[::-1]
    if len(sides) not in (2, 3) or not all(0 < side < float("inf") for side in sides) or set(sides) == {1.0}:
        return None, (f"Its {name} of {fields[name.lower()][:40]} says nothing.",)
    z, y, x = (1000 * side for side in (sides if len(sides) == 3 else [sides[0], *sides]))
    return (z, y, x), (f"Its {name} of {fields[name.lower()]} was taken as mm, as is usual.",)


def _field(fields: Fields, name: str, path: Path) -> str:
    if not fields.get(name.lower()):
        raise InputError(f"{path.name} is damaged: its header has no {name}.")
    return fields[name.lower()]


def _true(fields: Fields, name: str, usual: str = "false") -> bool:
    return fields.get(name, usual).lower() in ("true", "1")
