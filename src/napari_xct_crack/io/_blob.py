"""Voxels that stand in a file without gaps: mapped into memory, or unpacked once to a temporary file and then mapped."""

from __future__ import annotations

import math
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ._linear import Linear

DEFLATE_RATIO = 1032
"""Deflate packs no denser than this, so a header that claims more is damaged or hostile."""
_PIECE = 2**20


@dataclass(frozen=True)
class Blob:
    """Where the voxels of an array lie."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    """As stored, with its byte order."""
    offset: int = 0
    packed: bool = False
    """By deflate, as zlib or gzip stream."""

    @property
    def bytes(self) -> int:
        """What the voxels need unpacked."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def surplus(self) -> int:
        """Bytes of the file behind unpacked voxels."""
        return self.path.stat().st_size - self.offset - self.bytes

    def check(self) -> None:
        """Compare what is claimed with the file.

        Raises
        ------
        InputError
            If there are no voxels, or more than the file can hold.
        """
        size = self.path.stat().st_size
        shape = " × ".join(str(side) for side in self.shape)
        if min(self.shape) < 1 or self.offset < 0:
            raise InputError(f"{self.path.name} has a shape of {shape} at byte {self.offset}, which holds no voxels.")
        if self.packed and self.bytes > DEFLATE_RATIO * max(0, size - self.offset) + _PIECE:
            raise InputError(f"{self.path.name} is damaged: {size} bytes cannot unpack to {shape} {self.dtype.name}.")
        if not self.packed and self.surplus < 0:
            raise InputError(
                f"{self.path.name} is truncated: it has {size} bytes and {shape} {self.dtype.name} voxels "
                f"from byte {self.offset} need {self.offset + self.bytes}."
            )


class BlobArray:
    """A blob behind the indexing of an array; packed ones are unpacked when they are first read.

    Parameters
    ----------
    blob
        A checked one.
    codec
        How it is stored, for the user.
    linear
        From stored numbers to grey values.
    """

    def __init__(self, blob: Blob, codec: str, linear: Linear = Linear()) -> None:  # noqa: B008
        blob.check()
        self.shape = blob.shape
        self.ndim = len(blob.shape)
        self.dtype = linear.dtype(blob.dtype)
        self.codec = codec
        self._blob = blob
        self._linear = linear
        self._lock = Lock()
        self._file: BinaryIO | None = None

    def __getitem__(self, key: Any) -> NDArray[Any]:
        # mapped anew each time: what a mapping has touched counts as the process's memory as long as it lives
        values = np.asarray(self._map()[key])
        return self._linear(values, self.dtype)

    def _map(self) -> NDArray[Any]:
        blob = self._blob
        if not blob.packed:
            blob.check()
            return np.memmap(blob.path, dtype=blob.dtype, mode="r", offset=blob.offset, shape=blob.shape)
        with self._lock:
            self._file = self._file or _unpacked(blob)
        return np.memmap(self._file, dtype=blob.dtype, mode="r", shape=blob.shape)


def _unpacked(blob: Blob) -> BinaryIO:
    """A temporary file without a name that holds the voxels.

    Raises
    ------
    InputError
        If the stream is damaged, holds fewer or more bytes than claimed, or if they do not fit on the disk.
    """
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < blob.bytes:
        raise InputError(
            f"{blob.path.name} unpacks to {blob.bytes / 1e9:.3g} GB and {folder} has {free / 1e9:.3g} GB free; "
            "set TMPDIR to a larger disk."
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115
    count = 0
    try:
        for piece in _pieces(blob):
            count += len(piece)
            if count > blob.bytes:
                break
            out.write(piece)
    except (zlib.error, OSError) as error:
        out.close()
        raise InputError(f"{blob.path.name} is damaged and cannot be unpacked ({error}).") from error
    if count != blob.bytes:
        out.close()
        more = "more" if count > blob.bytes else f"{count}, so it is truncated"
        raise InputError(f"{blob.path.name} should unpack to {blob.bytes} bytes and holds {more}.")
    out.flush()
    return out


def _pieces(blob: Blob) -> Iterator[bytes]:
    """The unpacked stream; several gzip members may follow each other."""
    with blob.path.open("rb") as file:
        file.seek(blob.offset)
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # tells zlib from gzip by the header
        data = file.read(_PIECE)
        while data:
            yield stream.decompress(data, _PIECE)
            data = stream.unconsumed_tail
            if stream.eof:
                data = stream.unused_data or file.read(_PIECE)
                if not data.startswith(b"\x1f\x8b"):
                    return
                stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            data = data or file.read(_PIECE)
        yield stream.flush()
