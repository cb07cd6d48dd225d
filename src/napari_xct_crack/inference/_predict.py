"""A segmenter on any box of a scan, tile by tile, such that neither tiles nor boxes can be seen in the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..blocks import boxes
from ..devices import half_precision
from ..errors import SettingsError
from ..events import Progress, Said, Work
from ..prepare import part_at, part_factor
from ..runs import Segmenter
from ..volume import Box, Triple, Volume
from ._feed import Feed
from ._tiles import PIXELS, Span, Tile, tiles

_STRIP = 256
"""Side of what is looked at at once to find the part's inside."""


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
    pixels: int = PIXELS
    """About the most pixels of a tile."""
    _slices: dict[torch.Size, int] = field(default_factory=dict)
    """Slices at once, by the shape of a tile, where memory was found to be short."""

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
        along, *spans = ((place.start[axis], place.stop[axis]) for axis in self.order)
        plane = (spans[0], spans[1])
        todo = [tile for tile in self.tiles(plane) if inside[tile.within(plane)].any()]
        total, done = len(todo) * (along[1] - along[0]), 0
        feed = Feed(
            self.volume.levels[0], self.order, self.window, self.segmenter.slices // 2, self.device.type == "cuda"
        )
        with closing(feed.ahead(todo, along)) as batches:
            for batch in batches:
                into = shown[batch.tile.within(plane)][batch.first :]
                for found in self._probabilities(batch.frames):
                    if isinstance(found, Said):
                        yield found
                        continue
                    first, values = found
                    into[first : first + len(values)] = _quantised(values[(slice(None), *batch.tile.cut)])
                    done += len(values)
                    yield Progress(done, total, "slices of tiles")
        result *= part
        return result

    def tiles(self, spans: tuple[Span, Span]) -> Iterator[Tile]:
        """The tiles that cover two spans of a slice."""
        y, x = (self.volume.levels[0].shape[axis] for axis in self.order[1:])
        return tiles(spans, (y, x), self.segmenter.stride, self.segmenter.reach, self.pixels)

    def _inner(self, box: Box) -> NDArray[np.bool_]:
        """The part without its surface: half of such a voxel is air, and as dark as a narrow crack."""
        if self.volume.part is None:
            return np.ones(box.shape, bool)
        deep = (max(part_factor(self.volume)) + 1) // 2  # half a voxel of a coarse mask
        inner = np.empty(box.shape, bool)
        for some in boxes(
            box.shape, (_STRIP, _STRIP, _STRIP)
        ):  # with what lies around all at once would be several slabs
            core = some.shifted(box.start)
            around = core.grown((deep, deep, deep)).intersection(Box.of(self.volume.shape))
            part = ndimage.binary_erosion(part_at(self.volume, around), iterations=deep, border_value=True)
            z, y, x = around.start
            inner[some.slices] = part[core.shifted((-z, -y, -x)).slices]
        return inner

    def _probabilities(self, frames: torch.Tensor) -> Iterator[tuple[int, torch.Tensor] | Said]:
        """(n + k - 1, h, w) frames to (n, h, w) probabilities, as many at once as the device can hold."""
        near = self.segmenter.slices // 2
        done, depth, shape = 0, len(frames) - 2 * near, frames.shape[1:]
        while done < depth:
            count = min(depth - done, self._slices.get(shape, depth))
            try:
                found = self._net(frames[done : done + count + 2 * near])
            except torch.cuda.OutOfMemoryError as error:
                if count == 1:
                    raise SettingsError(
                        f"{self.device} has too little memory for a tile of {shape[0]} × {shape[1]} pixels; "
                        "free some of it or use --device cpu."
                    ) from error
                torch.cuda.empty_cache()
                self._slices[shape] = count // 2
                yield Said(f"Memory of {self.device} ran out with {count} slices at once; going on with {count // 2}.")
                continue
            yield done, found
            done += count

    def _net(self, frames: torch.Tensor) -> torch.Tensor:
        stacked = frames.to(self.device, non_blocking=True).unfold(0, self.segmenter.slices, 1).permute(0, 3, 1, 2)
        with torch.inference_mode(), half_precision(self.device):
            logits: torch.Tensor = self.segmenter.net(stacked.contiguous(memory_format=torch.channels_last))
            return logits[:, 0].float().sigmoid_()


def _quantised(probability: torch.Tensor) -> NDArray[np.uint8]:
    """Probability times 255, rounded."""
    with torch.inference_mode():
        values: NDArray[np.uint8] = (probability * 255).round_().to(torch.uint8).cpu().numpy()
    return values
