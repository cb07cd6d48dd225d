"""A small U-Net for training and segmenting on a CPU."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from . import Network
from ._norm import Norm
from ._responses import SCALES, Responses
from ._responses import reach_of as reach_of_filters

_GROWTH = (1, 3, 6, 8, 8)
"""How many times as many channels each level has as the finest; level l has 1/2^l of the resolution."""


class Compact(Network):
    """A residual U-Net, thin at full resolution, where memory bounds a CPU; four halvings of the resolution."""

    kind: Literal["compact"] = "compact"
    width: int = Field(8, ge=2, le=64, description="Channels at full resolution.")
    responses: bool = Field(
        False,
        description="Show the net, beside the slices, what fixed filters see in them: smoothed metal, dark sheets and lines.",
    )

    def build(self, channels: int) -> nn.Module:
        widths = tuple(self.width * times for times in _GROWTH)
        if not self.responses:
            return CompactUNet(channels, widths)
        ahead = Responses(channels)
        return nn.Sequential(ahead, CompactUNet(channels + ahead.added, widths))

    @property
    def stride(self) -> int:
        return 1 << (len(_GROWTH) - 1)

    @property
    def reach(self) -> int:
        ahead = reach_of_filters(max(SCALES)) if self.responses else 0
        return ahead + reach_of(len(_GROWTH))


class CompactUNet(nn.Module):
    """A residual U-Net from `channels` to `out` channels; `widths` are those of its levels, finest first."""

    def __init__(self, channels: int, widths: tuple[int, ...], out: int = 1) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = _block(channels, widths[0])
        self.down = nn.ModuleList(_block(fine, coarse, stride=2) for fine, coarse in pairs)
        self.encode = nn.ModuleList(_block(coarse, coarse) for _, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(_block(fine, fine) for fine, _ in pairs)
        self.head = nn.Conv2d(widths[0], out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        # Channels last is half as fast again on a CPU.
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        skips = []
        for down, encode in zip(self.down, self.encode, strict=True):
            skips.append(x)
            x = down(x)
            x = x + encode(x)
        for up, decode, skip in reversed(list(zip(self.up, self.decode, skips, strict=True))):
            x = decode(up(x) + skip)
        logits: Tensor = self.head(x)
        return logits


def _block(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, Norm(out, over="batch", affine=True), nn.ReLU(inplace=True))


def reach_of(levels: int) -> int:
    """How far away, in pixels, the input may lie that acts on an output of a :class:`CompactUNet` of so many levels."""
    return max(_reach_of(pixel, levels - 1) for pixel in range(1 << (levels - 1)))


def _reach_of(pixel: int, levels: int) -> int:
    """The same for one output pixel, of a net that halves the resolution so often; its place within the stride matters."""
    low, high = pixel - 1, pixel + 1  # head
    for _ in range(levels):
        low, high = (low - 1) // 2, (high + 1) // 2  # 3×3 of the decoder, then each pixel has one parent
    low, high = low - 1, high + 1  # 3×3 at the bottom
    for level in range(levels):
        low, high = 2 * low - 1, 2 * high + 1  # strided 3×3
        widen = 0 if level == levels - 1 else 1  # 3×3 of the encoder at the finer level
        low, high = low - widen, high + widen
    return max(pixel - low, high - pixel) + 1  # 3×3 of the stem
