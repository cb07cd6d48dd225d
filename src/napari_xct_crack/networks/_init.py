"""Initial weights of the adversarial nets."""

from __future__ import annotations

from torch import nn


def init_normal(module: nn.Module) -> None:
    """Draw all convolution weights from N(0, 0.02) and set their biases to 0, in place.

    References
    ----------
    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0.0, 0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
