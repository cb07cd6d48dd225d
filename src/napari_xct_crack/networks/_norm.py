"""Normalisation whose statistics can be fixed while training goes on, so that the exported net is the trained one.

Statistics of the tile at hand make the output depend on what else lies in the tile, which shows as seams. Training
therefore begins with the tile's own statistics, goes over to running ones, and ends with fixed ones.
"""

from __future__ import annotations

import copy
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

Mode = Literal["live", "running", "fixed"]
"""Normalise by the input's own statistics, by running ones that are still updated, or by running ones as they stand."""

RUNNING_FROM = 0.8
FIXED_FROM = 0.9

Module = TypeVar("Module", bound=nn.Module)


class Norm(nn.Module):
    """Instance or batch norm with running statistics in buffers.

    Outside of training (``eval``) the running statistics are always used as they are, whatever the mode.

    Parameters
    ----------
    channels
        Number of channels of the input, (n, channels, h, w).
    over
        Live statistics are those of each image (``"instance"``) or of the whole batch (``"batch"``).
    affine
        Learn a scale and a shift per channel.
    momentum
        Share of the new in the running statistics at each pass.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self, channels: int, *, over: Literal["instance", "batch"], affine: bool, momentum: float = 0.05
    ) -> None:
        super().__init__()
        self.over = over
        self.momentum = momentum
        self.eps = 1e-5
        self.mode: Mode = "live"
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.mode == "live":
            live = functional.instance_norm if self.over == "instance" else functional.batch_norm
            return live(x, self.running_mean, self.running_var, self.weight, self.bias, True, self.momentum, self.eps)
        if self.training and self.mode == "running":
            self._update(x.detach())
        # Copies, because a second pass before the backward one updates the buffers in place.
        mean, var = self.running_mean.clone(), self.running_var.clone()
        return functional.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.eps)

    @torch.no_grad()
    def _update(self, x: Tensor) -> None:
        """Move the running statistics towards those of `x`, reckoned as the live mode does, in full precision."""
        x = x.float()
        if self.over == "instance":
            var, mean = torch.var_mean(x, dim=(2, 3))
            var, mean = var.mean(0), mean.mean(0)
        else:
            var, mean = torch.var_mean(x, dim=(0, 2, 3))
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(var, self.momentum)


def norm_mode_for(done: float) -> Mode:
    """The mode at a share `done` (0..1) of the training budget."""
    if done < RUNNING_FROM:
        return "live"
    return "running" if done < FIXED_FROM else "fixed"


def set_norm(module: nn.Module, mode: Mode) -> None:
    """Set the mode of every :class:`Norm` inside a module."""
    for part in module.modules():
        if isinstance(part, Norm):
            part.mode = mode


def fold(module: Module) -> Module:
    """A copy for inference in which each norm that directly follows a convolution is part of that convolution.

    The copy is in ``eval`` mode and its outputs equal those of ``module.eval()`` up to rounding.
    """
    folded = copy.deepcopy(module).eval()
    for part in folded.modules():
        if isinstance(part, nn.Sequential):
            for place in range(len(part) - 1):
                conv, norm = part[place], part[place + 1]
                if isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, Norm):
                    _absorb(conv, norm)
                    part[place + 1] = nn.Identity()
    return folded


def _absorb(conv: nn.Conv2d | nn.ConvTranspose2d, norm: Norm) -> None:
    """Put a norm's fixed scale and shift into the weights of the convolution before it."""
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
        transpose=isinstance(conv, nn.ConvTranspose2d),
    )
