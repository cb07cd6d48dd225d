"""Fixed filters ahead of a network: smoothed slices and dark sheets at two scales, from all neighbouring slices."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALES = (1.5, 3.0)
"""Standard deviations of the Gaussians, in voxels."""
_EACH = 3
"""Maps per scale: smoothed, sheet strength, and the strength of the lines within the slice."""
_TRUNCATE = 3.0


class Responses(nn.Module):
    """Appends to (n, k, h, w) frames the responses of their middle slice; nothing in it is learnt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.added = _EACH * len(SCALES)
        for number, scale in enumerate(SCALES):
            self.register_buffer(f"across_{number}", _derivatives(scale, channels // 2), persistent=False)
            self.register_buffer(f"within_{number}", _derivatives(scale, reach_of(scale)), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return torch.cat([frames, *(self._maps(frames, number, scale) for number, scale in enumerate(SCALES))], 1)

    def _maps(self, frames: Tensor, number: int, scale: float) -> Tensor:
        across, within = getattr(self, f"across_{number}"), getattr(self, f"within_{number}")
        means, slopes, bends = torch.einsum("nkhw,ck->cnhw", frames, across).unsqueeze(2)

        def filtered(maps: Tensor, y: int, x: int) -> Tensor:
            reach = within.shape[1] // 2
            padded = functional.pad(maps, (reach, reach, reach, reach), mode="replicate")
            return functional.conv2d(
                functional.conv2d(padded, within[y].view(1, 1, -1, 1)), within[x].view(1, 1, 1, -1)
            )

        yy, yx, xx = filtered(means, 2, 0), filtered(means, 1, 1), filtered(means, 0, 2)
        zy, zx, zz = filtered(slopes, 1, 0), filtered(slopes, 0, 1), filtered(bends, 0, 0)
        line = (yy + xx) / 2 + (((yy - xx) / 2) ** 2 + yx**2 + 1e-12).sqrt()
        sheet = _largest(zz, yy, xx, zy, zx, yx)
        return torch.cat([filtered(means, 0, 0), sheet * scale**2, line * scale**2], 1)


def reach_of(scale: float) -> int:
    """How many voxels a filter sees on either side."""
    return math.ceil(_TRUNCATE * scale)


def _derivatives(scale: float, reach: int) -> Tensor:
    """A Gaussian and its first two derivatives, shape (3, 2·reach + 1); a single slice has no derivative."""
    x = torch.arange(-reach, reach + 1, dtype=torch.float32)
    bell = torch.exp(-(x**2) / (2 * scale**2))
    bell /= bell.sum()
    bend = bell * (x**2 / scale**4 - 1 / scale**2)
    return torch.stack([bell, bell * x / scale**2, bend - bell * bend.sum()])


def _largest(zz: Tensor, yy: Tensor, xx: Tensor, zy: Tensor, zx: Tensor, yx: Tensor) -> Tensor:
    """Largest eigenvalue of symmetric 3×3 matrices, by the trigonometric solution of the cubic."""
    mean = (zz + yy + xx) / 3
    a, b, c = zz - mean, yy - mean, xx - mean
    size = ((a * a + b * b + c * c + 2 * (zy * zy + zx * zx + yx * yx)) / 6 + 1e-12).sqrt()
    determinant = a * (b * c - yx * yx) - zy * (zy * c - yx * zx) + zx * (zy * yx - b * zx)
    cosine = (determinant / (2 * size**3)).clamp(-0.999999, 0.999999)
    return mean + 2 * size * torch.cos(torch.arccos(cosine) / 3)
