"""A segmenter on any box of a scan, tile by tile, such that neither tiles nor boxes can be seen in the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import SettingsError
from ..events import Progress, Said, Work
from ..frames import reflected, to_frames
from ..prepare import part_at, part_factor
from ..runs import Segmenter
from ..volume import Box, LazyArray, Triple, Volume

PIXELS = 2**21
"""About how many pixels the net sees at once …"""
CPU_PIXELS = 768**2
"""… and on a CPU, whose cache a thin net's layers then just fit."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Tile:
    """One tile along two axes: what it answers for, and what the net sees."""

    core: tuple[Span, Span]
    seen: tuple[Span, Span]


@dataclass
class Predictor:
    """Segments boxes of one volume.

    Parameters
    ----------
    segmenter
        On the device that is to be used.
    volume
        The scan; its crop and part are obeyed, and what lies around the crop is seen.
    window
        Grey values that the net sees as -1 and 1.
    normal
        Axis along which slices are taken.
    """

    segmenter: Segmenter
    volume: Volume
    window: tuple[float, float]
    normal: int
    device: torch.device
    pixels: int | None = None
    """How many pixels the net sees at once; chosen by the device if not given."""
    _slices: dict[int, int] = field(default_factory=dict)
    """Slices at once, by pixels of a tile, where memory was found to be short."""

    @property
    def most(self) -> int:
        """About how many pixels the net sees at once."""
        return self.pixels or (CPU_PIXELS if self.device.type == "cpu" else PIXELS)

    @property
    def order(self) -> Triple:
        """The normal, then the two axes of a slice."""
        return ((0, 1, 2), (1, 0, 2), (2, 0, 1))[self.normal]

    def predict(self, box: Box) -> Work[NDArray[np.uint8]]:
        """Probability times 255 in a box counted from the crop's corner; 0 outside the part and in its outermost voxels."""
        result = np.zeros(box.shape, np.uint8)
        part = self._inner(box)
        shown, inside = result.transpose(self.order), part.transpose(self.order)
        place = box.shifted(self.volume.crop.start)
        spans = [(place.start[axis], place.stop[axis]) for axis in self.order]
        plane = [self.volume.levels[0].shape[axis] for axis in self.order[1:]]
        todo = [tile for tile in self._tiles((spans[1], spans[2]), plane) if inside[_within(tile, spans)].any()]
        depth = spans[0][1] - spans[0][0]
        for number, tile in enumerate(todo):
            for event in self._tile(tile, spans[0], shown[_within(tile, spans)]):
                if isinstance(event, int):
                    yield Progress(number * depth + event, len(todo) * depth, "slices of tiles")
                else:
                    yield event
        result *= part
        return result

    def _inner(self, box: Box) -> NDArray[np.bool_]:
        """The part without its surface: half of such a voxel is air, and as dark as a narrow crack."""
        if self.volume.part is None:
            return np.ones(box.shape, bool)
        deep = (max(part_factor(self.volume)) + 1) // 2  # half a voxel of a coarse mask
        around = box.grown((deep, deep, deep)).intersection(Box.of(self.volume.shape))
        part = ndimage.binary_erosion(part_at(self.volume, around), iterations=deep, border_value=True)
        held = box.shifted((-around.start[0], -around.start[1], -around.start[2]))
        inner: NDArray[np.bool_] = part[held.slices]
        return inner

    def _tiles(self, spans: tuple[Span, Span], plane: list[int]) -> Iterator[Tile]:
        stride = self.segmenter.stride
        halo = -(-self.segmenter.reach // stride) * stride
        side = max(int(self.most**0.5) // stride * stride - 2 * halo, 2 * halo, stride)
        for pair in product(
            *(_along(span, length, stride, halo, side) for span, length in zip(spans, plane, strict=True))
        ):
            yield Tile((pair[0][0], pair[1][0]), (pair[0][1], pair[1][1]))

    def _tile(self, tile: Tile, along: Span, result: NDArray[np.uint8]) -> Iterator[int | Said]:
        """Fill the part of the result that one tile answers for; yields how many of its slices are done."""
        near = self.segmenter.slices // 2
        grey, (z, y, x) = _read(self.volume.levels[0], ((along[0] - near, along[1] + near), *tile.seen), self.order)
        cut = tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(tile.core, tile.seen, strict=True))
        size = len(y) * len(x)
        done, depth = 0, along[1] - along[0]
        while done < depth:
            count = min(depth - done, self._slices.get(size, max(1, self.most // size)))
            frames = to_frames(grey[np.ix_(z[done : done + count + 2 * near], y, x)], self.window)
            try:
                result[done : done + count] = self._net(frames)[(slice(None), *cut)]
            except torch.cuda.OutOfMemoryError as error:
                if count == 1:
                    raise SettingsError(
                        f"{self.device} has too little memory for a tile of {len(y)} × {len(x)} pixels; "
                        "free some of it or use --device cpu."
                    ) from error
                torch.cuda.empty_cache()
                self._slices[size] = count // 2
                yield Said(f"Memory of {self.device} ran out with {count} slices at once; going on with {count // 2}.")
                continue
            done += count
            yield done

    def _net(self, frames: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(n + k - 1, h, w) frames to (n, h, w) probabilities times 255."""
        slices = self.segmenter.slices
        stacked = torch.from_numpy(frames).to(self.device).unfold(0, slices, 1).permute(0, 3, 1, 2)
        stacked = stacked.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            logits: torch.Tensor = self.segmenter.net(stacked)
            scaled = torch.sigmoid(logits[:, 0].float()) * 255
            values: NDArray[np.uint8] = scaled.round().to(torch.uint8).cpu().numpy()
        return values


def _along(span: Span, length: int, stride: int, halo: int, side: int) -> list[tuple[Span, Span]]:
    """Cores and what is seen of them along one axis, on multiples of the stride counted from the scan's origin.

    What the net sees never begins before the scan, and ends on the first multiple behind it: there the net's own
    padding is met as if the slice were one tile.
    """
    end = -(-length // stride) * stride
    first = span[0] // stride * stride
    if side + 2 * halo >= end:
        side = end
    count = -(-(span[1] - first) // side)
    side = -(-(span[1] - first) // (count * stride)) * stride
    found = []
    for start in range(first, span[1], side):
        seen = (max(0, start - halo), min(end, start + side + halo))
        found.append(((max(start, span[0]), min(start + side, span[1])), seen))
    return found


def _within(tile: Tile, spans: list[Span]) -> tuple[slice, slice, slice]:
    """Where a tile's core lies in its box."""
    y, x = (slice(a - first, b - first) for (a, b), (first, _) in zip(tile.core, spans[1:], strict=True))
    return (slice(None), y, x)


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
