"""A small U-Net at half the resolution: the four pixels of a 2×2 are channels, of its input and of its output."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..records import read_tensors
from . import Network
from .compact import CompactUNet, reach_of

_GROWTH = (1, 3, 4, 4)
"""How many times as many channels each level has as the finest; level l has 1/2^(l + 1) of the resolution."""
_LEARNT = Path(__file__).with_name("halved.safetensors")
"""Made by ``benchmarks/pretrain.py`` with this width and so many slices."""
_WIDTH, _SLICES = 16, 5
_STEM = "1.stem.0.weight"


class Halved(Network):
    """As good as `compact` in half its time: layers at full resolution, which memory bounds on a CPU, are left out."""

    kind: Literal["halved"] = "halved"
    width: int = Field(_WIDTH, ge=2, le=64, description="Channels at half the resolution.")

    def build(self, channels: int) -> nn.Module:
        widths = tuple(self.width * times for times in _GROWTH)
        return nn.Sequential(nn.PixelUnshuffle(2), CompactUNet(4 * channels, widths, 4), nn.PixelShuffle(2))

    def learnt(self, channels: int) -> dict[str, Tensor] | None:
        if self.width != _WIDTH:
            return None
        weights = read_tensors(_LEARNT)[0]
        weights[_STEM] = _of_slices(weights[_STEM], channels)
        return weights

    @property
    def stride(self) -> int:
        return 2 << (len(_GROWTH) - 1)

    @property
    def reach(self) -> int:
        return 2 * reach_of(len(_GROWTH)) + 1


def _of_slices(stem: Tensor, slices: int) -> Tensor:
    """Weights of the first layer for another odd number of slices: new outer ones count nothing, missing ones are merged inwards."""
    each = stem.view(len(stem), _SLICES, 4, *stem.shape[2:])
    more, fewer = max(0, slices - _SLICES) // 2, max(0, _SLICES - slices) // 2
    first, middle, last = each.tensor_split((fewer, _SLICES - fewer), dim=1)
    middle = middle.clone()
    middle[:, 0] += first.sum(1)
    middle[:, -1] += last.sum(1)
    nothing = torch.zeros_like(each[:, :1]).expand(-1, more, -1, -1, -1)
    return torch.cat([nothing, middle, nothing], 1).flatten(1, 2)
