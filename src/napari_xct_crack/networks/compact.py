"""A small U-Net for training and segmenting on a CPU."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from . import Network
from ._norm import Norm
from ._responses import SCALES, Responses, reach_of

_LEVELS = 5
"""Level l has 1/2^l of the resolution."""


class Compact(Network):
    """A residual U-Net, thin at full resolution, where memory bounds a CPU; four halvings of the resolution."""

    kind: Literal["compact"] = "compact"
    width: int = Field(8, ge=2, le=64, description="Channels at full resolution.")
    growth: Literal["2-4-8-8", "3-6-8-8"] = Field(
        "3-6-8-8",
        description="How many times as many channels the levels below have; 2-4-8-8 is a third faster and finds soft cracks a "
        "little worse.",
        json_schema_extra={"advanced": True},
    )
    responses: bool = Field(
        False,
        description="Show the net, beside the slices, what fixed filters see in them: smoothed metal, dark sheets and lines.",
    )

    def build(self, channels: int) -> nn.Module:
        widths = (self.width, *(self.width * int(times) for times in self.growth.split("-")))
        if not self.responses:
            return CompactUNet(channels, widths)
        ahead = Responses(channels)
        return nn.Sequential(ahead, CompactUNet(channels + ahead.added, widths))

    @property
    def stride(self) -> int:
        return 1 << (_LEVELS - 1)

    @property
    def reach(self) -> int:
        ahead = reach_of(max(SCALES)) if self.responses else 0
        return ahead + max(_reach_of(pixel, _LEVELS - 1) for pixel in range(self.stride))


class CompactUNet(nn.Module):
    """Module of :class:`Compact`; `widths` are the channels per level, finest first."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = _block(channels, widths[0])
        self.down = nn.ModuleList(_block(fine, coarse, stride=2) for fine, coarse in pairs)
        self.encode = nn.ModuleList(_block(coarse, coarse) for _, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(_block(fine, fine) for fine, _ in pairs)
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)

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


def _reach_of(pixel: int, levels: int) -> int:
    """How far away the input may lie that acts on this output pixel; its place within the stride matters."""
    low, high = pixel - 1, pixel + 1  # head
    for _ in range(levels):
        low, high = (low - 1) // 2, (high + 1) // 2  # 3×3 of the decoder, then each pixel has one parent
    low, high = low - 1, high + 1  # 3×3 at the bottom
    for level in range(levels):
        low, high = 2 * low - 1, 2 * high + 1  # strided 3×3
        widen = 0 if level == levels - 1 else 1  # 3×3 of the encoder at the finer level
        low, high = low - widen, high + widen
    return max(pixel - low, high - pixel) + 1  # 3×3 of the stem
