"""NRRD: ``.nrrd``, and ``.nhdr`` with its voxels in a file beside it.

References
----------
.. [1] G. Kindlmann, "Definition of NRRD File Format", https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._axes import axes_of
from ._blob import Blob, BlobArray
from ._header import beside, counts, lines_of, numbers
from ._units import micrometres, settle

_TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_SPATIAL = ("domain", "space", "none", "???")
_PACKED = {"raw": False, "gzip": True, "gz": True}

Fields = dict[str, str]


def open_nrrd(path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a NRRD; raw voxels are mapped into memory, those packed by gzip unpacked when they are first read.

    Parameters
    ----------
    path
        The file, or the header of a detached one.
    voxel_size
        µm along z, y, x; goes before the header's, whose unit is taken as mm where it states none.
    index
        Which entry of a further axis to take (``{"c": 0}``).

    Raises
    ------
    InputError
        If the header is damaged or not of a kind that is read, does not fit the voxels, or a longer axis is not chosen.
    """
    lines, end = lines_of(path, lambda line: not line)
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    # "key:=value" are remarks of the writer's own
    fields = {name.strip().lower(): text.strip() for name, colon, text in pairs if colon and not text.startswith("=")}
    shape = tuple(counts(_field(fields, "sizes", path), path, "sizes")[::-1])
    if fields.get("dimension") != str(len(shape)):
        raise InputError(f"{path.name} is damaged: it has {fields.get('dimension')} dimensions and {len(shape)} sizes.")
    names = _names(fields, len(shape))
    axes = axes_of(shape, names, index or {}, path.name)
    blob = _blob(fields, path, shape, end)
    stated, said = _spacing(fields, path, names)
    size, settled = settle(stated, voxel_size)
    notes = axes.notes + (("It has no z axis: read as a single slice.",) if names and "z" not in names else ())
    array = BlobArray(blob, "NRRD (gzip)" if blob.packed else "NRRD (uncompressed)")
    return Volume(
        levels=(axes.view(array),),
        voxel_size=size,
        source=str(path),
        name=path.name.split(".")[0],
        notes=notes + (said if size == stated else ()) + settled,
    )


def _names(fields: Fields, count: int) -> list[str] | None:
    """Names of the dimensions, the slowest first; none where two or three of them could be meant."""
    kinds = fields.get("kinds", " ".join(["space"] * count)).lower().split()
    spatial = [axis for axis, kind in enumerate(kinds) if kind in _SPATIAL]
    if len(kinds) != count or len(spatial) not in (2, 3) or count - len(spatial) > 1:
        return None
    names = ["c"] * count
    for axis, name in zip(spatial, "xyz", strict=False):
        names[axis] = name
    return names[::-1]


def _blob(fields: Fields, path: Path, shape: tuple[int, ...], end: int) -> Blob:
    """Where the voxels are."""
    kind = _field(fields, "type", path).lower()
    code = next((code for code, words in _TYPES.items() if kind in words.split(", ")), None)
    if code is None:
        raise InputError(
            f"{path.name} holds voxels of type {kind[:40]}; grey values are whole or floating point numbers."
        )
    encoding = _field(fields, "encoding", path).lower()
    if encoding not in _PACKED:
        raise InputError(f"{path.name} holds its voxels as {encoding[:40]}; save it as raw or gzip.")
    if fields.get("line skip", "0") != "0":
        raise InputError(f"{path.name} skips lines before its voxels, which is not read; save it without a line skip.")
    dtype = np.dtype(code)
    if dtype.itemsize > 1:
        endian = _field(fields, "endian", path).lower()
        if endian not in ("little", "big"):
            raise InputError(f"{path.name} is damaged: its field endian is {endian[:40]!r}, not little or big.")
        dtype = dtype.newbyteorder("<" if endian == "little" else ">")
    name = fields.get("data file", fields.get("datafile"))
    if name is not None and (name.upper().startswith("LIST") or re.search(r"%\d*d", name)):
        raise InputError(f"{path.name} spreads its voxels over several files; save it as one, or open those as slices.")
    data, start = (path, end) if name is None else (beside(path, name), 0)
    blob = Blob(data, shape, dtype, start, _PACKED[encoding])
    skip = counts(fields.get("byte skip", fields.get("byteskip", "0")), path, "byte skip")[0]
    if skip and blob.packed:
        raise InputError(f"{path.name} skips bytes inside its packed voxels, which is not read; save it as raw.")
    return Blob(data, shape, dtype, start + (max(0, blob.surplus) if skip == -1 else skip), blob.packed)


def _spacing(fields: Fields, path: Path, names: list[str] | None) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """µm along z, y, x, and what was assumed."""
    if names is None:
        return None, ()
    if "space directions" in fields:
        found = re.findall(r"none|\([^)]*\)", fields["space directions"].lower())
        vectors = [
            numbers(one.strip("()").replace(",", " "), path, "space directions") for one in found if one != "none"
        ]
        sides = [math.hypot(*vector) for vector in vectors]
    else:
        words = [word for word in fields.get("spacings", "").lower().split() if word != "nan"]
        sides = numbers(" ".join(words), path, "spacings")
    spatial = [name for name in names[::-1] if name in "xyz"]
    if len(sides) != len(spatial) or not all(0 < side < math.inf for side in sides):
        return None, ()
    units = re.findall(r'"([^"]*)"', fields.get("space units", fields.get("units", "")))
    if not any(units) and set(sides) == {1.0}:
        return None, ()
    known = [micrometres(unit) for unit in units if unit] if any(units) else [1000.0] * len(sides)
    factors = [factor for factor in known if factor is not None]
    if len(factors) != len(sides):
        return None, ()
    x, y, *rest = (side * factor for side, factor in zip(sides, factors, strict=True))
    said = () if any(units) else ("The header does not state the unit of its spacing: taken as mm, as is usual.",)
    return (rest[0] if rest else y, y, x), said


def _field(fields: Fields, name: str, path: Path) -> str:
    if not fields.get(name):
        raise InputError(f"{path.name} is damaged: its header has no field {name}.")
    return fields[name]
