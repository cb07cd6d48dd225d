"""Does a TIFF hold what it says? Asked before anything is allocated."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import tifffile

from ..errors import InputError

MALFORMED = (
    tifffile.TiffFileError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    SyntaxError,
)
"""What tifffile raises on directories that make no sense."""

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a tag's value by the number of its type."""

IMPLAUSIBLE_BYTES = 2**28
IMPLAUSIBLE_RATIO = 5000
"""No codec packs a real scan so densely; a page that claims both is damaged or hostile."""


@contextmanager
def damage_said(path: Path) -> Iterator[None]:
    """Turn what tifffile raises on a damaged directory into one sentence.

    Raises
    ------
    InputError
        That the file is damaged.
    """
    try:
        yield
    except MALFORMED as error:
        raise InputError(f"{path.name} is damaged: its TIFF directory makes no sense ({reason(error)}).") from error


def reason(error: BaseException) -> str:
    """What a library says of a file, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def check_chain(path: Path) -> None:
    """Follow the chain of page directories to its end.

    Raises
    ------
    InputError
        If it, or a value it points to, lies beyond the end of the file, or if it leads in a circle.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        form = _Form.of(file.read(4), size)
        offset = form.pointer(file, 8 if form.big else 4)
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise InputError(f"{path.name} is damaged: its page directories lead in a circle.")
            seen.add(offset)
            end, offset = form.directory(file, offset)
            if offset is None or end > size:
                raise InputError(_truncated(path, size, f"the directory of page {len(seen)} reaches beyond its end"))
        if not seen:
            raise InputError(_truncated(path, size, "it holds no page directory"))


@dataclass(frozen=True)
class _Form:
    """How numbers are written in a TIFF: byte order, and 64-bit offsets in BigTIFF."""

    order: str
    big: bool
    size: int
    """Bytes in the file."""

    @classmethod
    def of(cls, head: bytes, size: int) -> _Form:
        return cls("<" if head[:2] == b"II" else ">", b"\x2b" in head[2:], size)

    def pointer(self, file: BinaryIO, at: int) -> int | None:
        """An offset into the file, or none where the file has ended."""
        return self._number(file, at, "Q" if self.big else "I")

    def directory(self, file: BinaryIO, at: int) -> tuple[int, int | None]:
        """Where the values of a directory end, and where the next directory begins (none: the file has ended)."""
        count = self._number(file, at, "Q" if self.big else "H")
        entry = struct.Struct(self.order + ("HHQQ" if self.big else "HHII"))
        start = at + (8 if self.big else 2)
        if count is None or start + count * entry.size > self.size:
            return start, None
        block = file.read(count * entry.size)
        inline = 8 if self.big else 4
        lengths = ((_TYPE_BYTES.get(kind, 0) * number, value) for _, kind, number, value in entry.iter_unpack(block))
        end = max((value + length for length, value in lengths if length > inline), default=start)
        return end, self.pointer(file, start + len(block))

    def _number(self, file: BinaryIO, at: int, code: str) -> int | None:
        length = struct.calcsize(self.order + code)
        if at + length > self.size:
            return None
        file.seek(at)
        return int(struct.unpack(self.order + code, file.read(length))[0])


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
    if page.size < 1 or series.size < 1 or min(page.imagelength, page.imagewidth) < 1:
        raise InputError(f"{path.name} is damaged: its pages have no voxels.")
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
    segments = math.prod(keyframe.chunked)
    if keyframe.compression != 1 and len(page.dataoffsets) < segments:
        pieces = f"{len(page.dataoffsets)} of {segments}"
        raise InputError(f"{path.name} is damaged: page {number} stores {pieces} strips or tiles.")
    stored = sum(page.databytecounts)
    claimed = max(keyframe.nbytes, math.prod(keyframe.chunks) * keyframe.dtype.itemsize)
    short = keyframe.compression == 1 and 8 * stored < keyframe.size * keyframe.bitspersample
    if short or (claimed > IMPLAUSIBLE_BYTES and claimed > IMPLAUSIBLE_RATIO * stored):
        shape = " × ".join(str(side) for side in keyframe.shape)
        raise InputError(f"{path.name} is damaged: page {number} claims {shape} voxels but stores {stored} bytes.")


def _truncated(path: Path, size: int, why: str) -> str:
    return f"{path.name} is truncated: it has {size} bytes and {why}; copy it again from its source."
