"""UNet-256, the generator of pix2pix, and with it of the CycleGAN that the method started from."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from . import Network
from ._init import init_normal
from ._norm import Norm

_GROWTH = (1, 2, 4, 8, 8, 8, 8, 8)
"""Channels after each halving in units of the width."""


class UNet256(Network):
    """Eight halvings of the resolution, so a patch has at least 256 × 256 pixels; 54.4 million weights at width 64.

    References
    ----------
    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017.
    """

    kind: Literal["unet256"] = "unet256"
    width: int = Field(
        64, ge=4, le=128, description="Channels after the first halving; the deepest have 8 times as many."
    )

    def build(self, channels: int) -> nn.Module:
        net = UNet256Module(channels, tuple(self.width * growth for growth in _GROWTH))
        init_normal(net)
        return net

    @property
    def stride(self) -> int:
        return 1 << len(_GROWTH)

    @property
    def reach(self) -> int:
        # Kernel 4 at each halving: 1 pixel beyond the pair downwards and 1 upwards, in units of a pixel of each level.
        return 3 * (self.stride - 1)


class UNet256Module(nn.Module):
    """Module of :class:`UNet256`; `widths` are the channels after each halving."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        depth = len(widths)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for level, width in enumerate(widths):
            first, last = level == 0, level == depth - 1
            down: list[nn.Module] = [] if first else [nn.LeakyReLU(0.2, inplace=True)]
            down.append(nn.Conv2d(channels if first else widths[level - 1], width, 4, stride=2, padding=1))
            if not (first or last):
                down.append(_norm(width))
            self.down.append(nn.Sequential(*down))
            out = 1 if first else widths[level - 1]
            up: list[nn.Module] = [nn.ReLU(inplace=True)]
            up.append(nn.ConvTranspose2d(width if last else 2 * width, out, 4, stride=2, padding=1))
            if not first:
                up.append(_norm(out))
            self.up.append(nn.Sequential(*up))

    def forward(self, x: Tensor) -> Tensor:
        skips = []  # each is changed in place by the next level's LeakyReLU, which the ReLU on the way up undoes
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.up[-1](skips.pop())
        for up in reversed(self.up[:-1]):
            x = up(torch.cat([skips.pop(), x], 1))
        return x


def _norm(channels: int) -> Norm:
    return Norm(channels, over="instance", affine=False)
