"""The adversary of one domain: a discriminator that learns to tell real images from fakes, old and new."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ._history import exchange


class Verdict(NamedTuple):
    """Scalars of one comparison of real images with fakes."""

    loss: Tensor
    gap: Tensor
    """Mean score of the real minus that of the fakes: near 1 the adversary has won, at 0 it cannot tell."""


class Adversary:
    """Least-squares adversary.

    Parameters
    ----------
    name
        Names its history among the learner's pools.
    net
        The discriminator, from (n, 1, h, w) to scores.
    history
        How many fakes are kept.
    penalty
        Weight of the zero-centred gradient penalty on real images.

    References
    ----------
    Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017.
    Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018.
    """

    def __init__(self, name: str, net: nn.Module, history: int, penalty: float) -> None:
        self.name, self.net, self.history, self.penalty = name, net, history, penalty

    def against(self, fake: Tensor) -> Tensor:
        """What a generator pays for fakes that are not taken for real."""
        scores: Tensor = self.net(fake)
        return (scores - 1).square().mean()

    def judge(self, real: Tensor, fake: Tensor, pools: dict[str, Tensor], rng: np.random.Generator) -> Verdict:
        """Compare real images with fakes (both detached), some of which the history exchanges for older ones."""
        real = real.detach().requires_grad_(self.penalty > 0)
        good = self.net(real)
        bad = self.net(exchange(pools, f"{self.name}_history", fake, self.history, rng))
        loss = 0.5 * ((good - 1).square().mean() + bad.square().mean())
        if self.penalty > 0:
            slope = torch.autograd.grad(good.sum(), real, create_graph=True)[0]
            loss = loss + self.penalty / 2 * slope.square().sum((1, 2, 3)).mean()
        return Verdict(loss, good.mean() - bad.mean())
