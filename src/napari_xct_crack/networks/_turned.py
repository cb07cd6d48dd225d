"""A network asked four times, with its frames turned by half a turn about each of the three axes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ABOUT = ((), (2, 3), (1, 3), (1, 2))
"""Axes of (n, k, h, w) frames that run backwards: as they are, then half a turn about the normal, y and x."""


class Turned(nn.Module):
    """Mean of the logits that a net gives to its frames and to the frames turned; stride and reach stay the net's."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor) -> Tensor:
        found = [self.net(frames.flip(axes)).flip([axis for axis in axes if axis > 1]) for axes in _ABOUT]
        mean: Tensor = torch.stack(found).mean(0)
        return mean
