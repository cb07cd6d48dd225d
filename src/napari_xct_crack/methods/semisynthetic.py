"""Supervised learning on cracks rendered into real backgrounds: one network, no adversary, minutes on a CPU."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import device, nn

from ..networks import Network
from ..networks._norm import norm_mode_for, set_norm
from ..processes import replicated
from . import Batch, Learner, Method
from ._losses import cross_entropy, tolerant_dice_loss


class SemiSynthetic(Method):
    """Binary cross-entropy and Dice against the drawn cracks; doubtful voxels count for nothing.

    Noise hides where exactly a thin crack runs long before it hides that there is one. Crack voxels therefore weigh more
    than metal, and the Dice loss forgives small displacements: without both a net stays silent on thin cracks.
    """

    kind: Literal["semisynthetic"] = "semisynthetic"
    learning_rate: float = Field(
        4e-3, gt=0, le=1, description="Largest learning rate of AdamW; it falls to 1 % along a cosine."
    )
    weight_decay: float = Field(
        1e-4, ge=0, le=1, description="Weight decay of AdamW.", json_schema_extra={"advanced": True}
    )
    crack_weight: float = Field(3.0, gt=0, le=100, description="How often a crack voxel counts in the cross-entropy.")
    dice: float = Field(1.0, ge=0, le=10, description="Weight of the Dice loss beside the cross-entropy.")
    tolerance: int = Field(1, ge=0, le=4, description="Displacement, in voxels, that the Dice loss forgives.")

    def start(self, network: Network, channels: int, on: device) -> Learner:
        segmenter = network.build(channels).to(on)
        return SemiSyntheticLearner(self, segmenter, replicated(segmenter))


class SemiSyntheticLearner(Learner):
    """A segmenter that learns; `replica` is the same as the processes that learn together call it."""

    def __init__(self, settings: SemiSynthetic, segmenter: nn.Module, replica: nn.Module) -> None:
        self.settings = settings
        self.modules = {"segmenter": segmenter}
        self.segment = replica
        optimizer = torch.optim.AdamW(
            segmenter.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.optimizers = {"segmenter": optimizer}
        self.pools = {}

    def step(self, batch: Batch, done: float, rng: np.random.Generator) -> dict[str, float]:
        segmenter, optimizer = self.modules["segmenter"], self.optimizers["segmenter"]
        segmenter.train()
        set_norm(segmenter, norm_mode_for(done))
        for group in optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * _schedule(done)
        logits = self.segment(batch.rendered)
        entropy = cross_entropy(logits, batch.masks, batch.weight, self.settings.crack_weight)
        overlap = tolerant_dice_loss(logits, batch.masks, batch.weight, self.settings.tolerance)
        loss = entropy + self.settings.dice * overlap
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(segmenter.parameters(), 5.0)
        optimizer.step()
        return {"cross-entropy": float(entropy.detach()), "dice": float(overlap.detach())}


def _schedule(done: float) -> float:
    """A short rise, then a cosine from 1 to 0.01."""
    rise = min(1.0, 0.1 + done / 0.03)
    return rise * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * done))))
