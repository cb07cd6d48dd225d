"""PatchGAN: the discriminator that scores overlapping 70 × 70 patches."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ._init import init_normal

_STRIDES = (2, 2, 2, 1, 1)


def patchgan(channels: int = 1, width: int = 64, *, spectral: bool = False) -> nn.Sequential:
    """Build a discriminator from (n, channels, h, w) to one score per patch, 30 × 30 of them for 256 × 256.

    Parameters
    ----------
    channels
        Channels of the image.
    width
        Channels after the first layer; then 2, 4 and 8 times as many.
    spectral
        Bound every layer by spectral normalisation *instead of* normalising the features per image: the latter would
        undo the bound.

    References
    ----------
    Isola et al., CVPR 2017; Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.
    """
    widths = (channels, width, 2 * width, 4 * width, 8 * width, 1)
    layers: list[nn.Module] = []
    for place, stride in enumerate(_STRIDES):
        first, last = place == 0, place == len(_STRIDES) - 1
        layers.append(nn.Conv2d(widths[place], widths[place + 1], 4, stride=stride, padding=1))
        if not (first or last or spectral):
            layers.append(nn.InstanceNorm2d(widths[place + 1]))
        if not last:
            layers.append(nn.LeakyReLU(0.2))
    net = nn.Sequential(*layers)
    init_normal(net)
    if spectral:
        for layer in net:
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)
    return net
