"""A volume made of pictures that are read when they are needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 256 * 2**20


class SliceStack:
    """Slices along z behind the indexing of an array; only the slices that are asked for are read.

    Parameters
    ----------
    read
        Gives slice z, shape (y, x). Called by one thread at a time.
    shape
        Lengths along z, y, x.
    dtype
        Type of the voxels.
    cached
        Whether reading a slice costs so much that the last ones are kept (at most 256 MB, always the last one).
    codec
        How the slices are stored, for the user.
    """

    def __init__(
        self,
        read: Callable[[int], NDArray[Any]],
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        *,
        cached: bool,
        codec: str,
    ) -> None:
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")
        self.ndim = 3
        self.codec = codec
        self.chunks = (1, shape[1], shape[2])
        """What one read costs at least: a whole slice."""
        self._read = read
        self._lock = Lock()
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._keep = max(1, CACHE_BYTES // max(1, shape[1] * shape[2] * self.dtype.itemsize)) if cached else 0

    def __getitem__(self, key: Any) -> NDArray[Any]:
        entries = key if isinstance(key, tuple) else (key,)
        if Ellipsis in entries:
            place = entries.index(Ellipsis)
            rest = entries[place + 1 :]
            entries = entries[:place] + (slice(None),) * (3 - place - len(rest)) + rest
        z, y, x = entries + (slice(None),) * (3 - len(entries))
        planes = range(self.shape[0])
        wanted: Sequence[int] = planes[z] if isinstance(z, slice) else (planes[z],)
        part = np.empty((0, *self.shape[1:]), self.dtype)[:, y, x].shape[1:]
        result = np.empty((len(wanted), *part), self.dtype)
        for place, number in enumerate(wanted):
            result[place] = self._slice(number)[y, x]
        return result if isinstance(z, slice) else result[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)

    def _slice(self, number: int) -> NDArray[Any]:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            picture = self._read(number)
            if self._keep:
                self._kept[number] = picture
                while len(self._kept) > self._keep:
                    self._kept.popitem(last=False)
            return picture
