"""What the net sees next, made ready while it computes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..frames import reflected, to_frames
from ..volume import LazyArray, Triple
from ._tiles import Span, Tile

AT_ONCE = 2**20
"""About how many pixels, of several slices of a tile, the net sees at once."""


@dataclass(frozen=True)
class Batch:
    """Neighbouring slices of a tile."""

    tile: Tile
    first: int
    """Place of the first slice that is segmented, in the box."""
    frames: Tensor
    """(n + k - 1, h, w): these slices with their neighbours, float32."""


@dataclass(frozen=True)
class Feed:
    """Reads batches from a scan.

    Parameters
    ----------
    array
        The scan.
    order
        Its axes: the normal, then those of a slice.
    window
        Grey values that the net sees as -1 and 1.
    near
        Neighbours on either side that a net sees with a slice.
    pinned
        Whether a card is to fetch the frames while others are made.
    """

    array: LazyArray
    order: Triple
    window: tuple[float, float]
    near: int
    pinned: bool

    def ahead(self, tiles: list[Tile], along: Span) -> Generator[Batch]:
        """All batches of these tiles, each made while the one before is in use."""
        batches = self._batches(tiles, along)
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(next, batches, None)
            while (batch := coming.result()) is not None:
                coming = reader.submit(next, batches, None)
                yield batch

    def _batches(self, tiles: list[Tile], along: Span) -> Iterator[Batch]:
        depth, near = along[1] - along[0], self.near
        for tile in tiles:
            spans = ((along[0] - near, along[1] + near), *tile.seen)
            grey, (z, y, x) = _read(self.array, spans, self.order)
            count = max(1, AT_ONCE // (len(y) * len(x)))
            shared = np.empty((0, len(y), len(x)), np.float32)  # slices that the batch before also saw
            for first in range(0, depth, count):
                stop = min(depth, first + count) + 2 * near
                frames = torch.empty((stop - first, len(y), len(x)), pin_memory=self.pinned)
                values: NDArray[np.float32] = frames.numpy()
                values[: len(shared)] = shared
                for place in range(first + len(shared), stop):
                    values[place - first] = to_frames(_plane(grey[z[place]], y, x), self.window)
                shared = values[len(values) - 2 * near :]
                yield Batch(tile, first, frames)
            del grey  # before the next tile's is read


def _plane(grey: NDArray[Any], y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[Any]:
    """A slice as it stands, or mirrored where it is seen from beyond the scan."""
    return grey if grey.shape == (len(y), len(x)) else grey[np.ix_(y, x)]


def _read(
    array: LazyArray, spans: tuple[Span, ...], order: Triple
) -> tuple[NDArray[Any], tuple[NDArray[np.int64], ...]]:
    """What there is of a block of the scan, its axes in that order, and which of it stand along each axis of the block.

    Beyond the scan it is mirrored; what is no number is 0.
    """
    inside: list[Any] = [None] * 3
    places = []
    for (start, stop), axis in zip(spans, order, strict=True):
        at = reflected(np.arange(start, stop), array.shape[axis])
        inside[axis] = slice(int(at.min()), int(at.max()) + 1)
        places.append(at - at.min())
    values = np.asarray(array[tuple(inside)])
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, 0)
    return values.transpose(order), tuple(places)
