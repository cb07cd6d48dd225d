"""Does a TIFF hold what it says? Asked before anything is allocated."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import tifffile

from ..errors import InputError

MALFORMED = (tifffile.TiffFileError, struct.error, ValueError, IndexError, KeyError, TypeError, OverflowError)
"""What tifffile raises on files that are no good."""

IMPLAUSIBLE_BYTES = 2**30
IMPLAUSIBLE_RATIO = 5000
"""No codec packs a real scan so densely; a page that claims both is damaged or hostile."""


def check_chain(path: Path) -> None:
    """Follow the chain of page directories to its end.

    Raises
    ------
    InputError
        If it starts or leads beyond the file or in a circle.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"\x2b\x00", b"\x00\x2b")
        counter, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
        seen: set[int] = set()
        start = 8 if big else 4
        offset = _number(file, start, order + pointer)
        while offset:
            if offset in seen:
                raise InputError(f"{path.name} is damaged: its page directories lead in a circle.")
            entries = _number(file, offset, order + counter)
            seen.add(offset)
            after = None if entries is None else offset + struct.calcsize(order + counter) + entries * entry
            following = None if after is None else _number(file, after, order + pointer)
            if following is None:
                raise InputError(_truncated(path, size, f"the directory of page {len(seen)} lies beyond its end"))
            offset = following
        if offset is None or not seen:
            raise InputError(_truncated(path, size, "it holds no page directory"))


def _number(file: BinaryIO, offset: int, form: str) -> int | None:
    """The number stored at an offset, or none where the file has ended."""
    file.seek(offset)
    data = file.read(struct.calcsize(form))
    return int(struct.unpack(form, data)[0]) if len(data) == struct.calcsize(form) else None


def check_pages(path: Path, tif: Any, series: Any) -> None:
    """Compare what the pages claim with the bytes that are there.

    Raises
    ------
    InputError
        If a page lies beyond the end of the file, or claims more voxels than its bytes can hold.
    """
    size = path.stat().st_size
    claimed = int((tif.imagej_metadata or {}).get("images", 1))
    page = series.keyframe
    if series.dataoffset is not None:
        if series.dataoffset + series.nbytes > size:
            raise InputError(_truncated(path, size, f"its voxels need {series.dataoffset + series.nbytes} bytes"))
    else:
        for number, one in enumerate(series.pages):
            _check_page(path, one, number, size, page)
    if claimed > 1 and series.size // page.size < claimed:
        raise InputError(
            _truncated(path, size, f"it says it has {claimed} images and holds {series.size // page.size}")
        )


def _check_page(path: Path, page: Any, number: int, size: int, keyframe: Any) -> None:
    if page is None:
        raise InputError(f"Page {number} of {path.name} is missing.")
    end = max((offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
    if end > size:
        raise InputError(_truncated(path, size, f"page {number} reaches to byte {end}"))
    stored = sum(page.databytecounts)
    short = keyframe.compression == 1 and 8 * stored < keyframe.size * keyframe.bitspersample
    if short or (keyframe.nbytes > IMPLAUSIBLE_BYTES and keyframe.nbytes > IMPLAUSIBLE_RATIO * stored):
        shape = " × ".join(str(side) for side in keyframe.shape)
        raise InputError(f"{path.name} is damaged: page {number} claims {shape} voxels but stores {stored} bytes.")


def _truncated(path: Path, size: int, why: str) -> str:
    return f"{path.name} is truncated: it has {size} bytes and {why}; copy it again from its source."
