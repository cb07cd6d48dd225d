"""Grey values of cracks in tensors: spread them as the scanner does, put them into a frame, erase them from one."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..processes import joined, own
from . import Batch

_SMOOTHING = 1.5
"""Standard deviation, in voxels, of the smoothing before the closing: the scale at which doubt is judged."""

_FRAME_LIMIT = 1.5
"""Frames are clipped to ± this when they are read; a synthetic one that leaves it would give itself away."""

Composite = Literal["additive", "alpha", "alpha_doubled"]


def compose(
    how: Composite, background: Tensor, void: Tensor, answer: Tensor, contrast: Tensor | float, point_spread: float
) -> Tensor:
    """Put cracks into frames.

    ``additive`` takes from the frame contrast · void, blurred in the plane by the point spread and scaled by a factor
    between 0 and 2 that the synthesiser answers, so that the frame's noise stays inside the cracks. ``alpha`` paints
    the synthesiser's grey, in [-1, 1], with the void as opacity; ``alpha_doubled`` paints twice that grey minus one,
    which leaves the range of images.

    Parameters
    ----------
    background, void, answer
        Shape (n, k, h, w): frames, void or mask as a share between 0 and 1, output of the synthesiser.
    contrast
        Metal minus air in the frames' grey range times the depth of the cracks; broadcasts to (n, 1, 1, 1).
    point_spread
        Standard deviation in voxels.
    """
    if how == "additive":
        missing = spread(2 * answer.sigmoid() * void, point_spread)
        return (background - contrast * missing).clamp(-_FRAME_LIMIT, _FRAME_LIMIT)
    grey = answer.tanh()
    if how == "alpha_doubled":
        grey = 2 * grey - 1
    return void * grey + (1 - void) * background


def void_of(how: Composite, batch: Batch) -> Tensor:
    """What share of each voxel the drawn cracks take: physically, or as alpha the mask itself in its own slice."""
    if how == "additive":
        return batch.coverage
    middle = batch.coverage.shape[1] // 2
    return torch.cat([batch.coverage[:, :middle], batch.masks, batch.coverage[:, middle + 1 :]], 1)


def depths(shallowest: float, batch: Batch, rng: np.random.Generator) -> Tensor:
    """One depth per image, log-uniform from `shallowest` to 1, shape (n, 1, 1, 1)."""
    count = len(batch.masks)
    drawn = np.exp(rng.uniform(math.log(shallowest), 0.0, (joined() * count, 1, 1, 1)))[own(count)]
    return torch.as_tensor(drawn, dtype=batch.masks.dtype, device=batch.masks.device)


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

    The lift is what a grey closing (square, side `width`) adds to the smoothed frame, less what it adds to mere
    noise, that is, on average over the trusted voxels.

    Parameters
    ----------
    frames, trusted
        Shape (n, 1, h, w); trusted voxels (1) are returned as they are.
    width
        Dark structures wider than this many voxels stay; an even number counts as the odd one above.
    """
    smooth = spread(frames, _SMOOTHING)
    half = width // 2
    grown = functional.max_pool2d(smooth, 2 * half + 1, stride=1, padding=half)
    closed = -functional.max_pool2d(-grown, 2 * half + 1, stride=1, padding=half)
    lift = closed - smooth
    noise = (lift * trusted).sum() / trusted.sum().clamp(min=1)
    return frames + (1 - trusted) * (lift - noise).clamp(min=0)
