"""Grey values of cracks in tensors: spread them as the scanner does, erase them from a frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_SMOOTHING = 1.5
"""Standard deviation, in voxels, of the smoothing before the closing: the scale at which doubt is judged."""


def spread(maps: Tensor, sigma: float) -> Tensor:
    """Blur (n, k, h, w) in the plane by a Gaussian of standard deviation `sigma` voxels, edges repeated."""
    radius = math.ceil(3 * sigma)
    if radius == 0:
        return maps
    n, k, h, w = maps.shape
    offset = torch.arange(-radius, radius + 1, dtype=maps.dtype, device=maps.device)
    kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
    kernel = kernel / kernel.sum()
    planes = functional.pad(maps.reshape(n * k, 1, h, w), (radius, radius, radius, radius), mode="replicate")
    planes = functional.conv2d(planes, kernel.reshape(1, 1, -1, 1))
    return functional.conv2d(planes, kernel.reshape(1, 1, 1, -1)).reshape(n, k, h, w)


def erase_cracks(frames: Tensor, trusted: Tensor, width: int) -> Tensor:
    """Lift doubtful dark lines to the grey around them and keep the noise.

    The lift is what a grey closing (square of side `width`) adds to the smoothed frame, less what it adds to mere
    noise, that is, on average over the trusted voxels.

    Parameters
    ----------
    frames, trusted
        Shape (n, 1, h, w); trusted voxels (1) are returned as they are.
    width
        Odd number of voxels; dark structures wider than this stay.
    """
    smooth = spread(frames, _SMOOTHING)
    half = width // 2
    grown = functional.max_pool2d(smooth, width, stride=1, padding=half)
    closed = -functional.max_pool2d(-grown, width, stride=1, padding=half)
    lift = closed - smooth
    noise = (lift * trusted).sum() / trusted.sum().clamp(min=1)
    return frames + (1 - trusted) * (lift - noise).clamp(min=0)
