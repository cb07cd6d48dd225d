"""Ways to learn, one file each. A method is settings that can start a learner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, device, nn
from torch.optim import Optimizer

from ..networks import Network
from ..settings import Kind


@dataclass(frozen=True)
class Batch:
    """What one training step sees; float32 tensors on the training device, all drawn from (seed, stream, step).

    Frames have the grey range -1 (air) to 1 (bright metal) and k neighbouring slices as channels, the middle one being
    the slice that is segmented. Maps have one channel and belong to the middle slice. The three streams (masks, cracked,
    crack_free) are independent draws.
    """

    masks: Tensor
    """(n, 1, h, w), 0/1: drawn crack masks."""
    coverage: Tensor
    """(n, k, h, w), 0..1: void fraction of the drawn cracks, before any blur."""
    rendered: Tensor
    """(n, k, h, w): background frames with those cracks rendered in physically."""
    weight: Tensor
    """(n, 1, h, w), 0/1: 1 where the rendered frame's truth is known, 0 on doubtful voxels without a rendered crack."""
    crack_free: Tensor
    """(n, k, h, w): real frames of metal with the smallest share of doubtful voxels."""
    crack_free_trusted: Tensor
    """(n, 1, h, w), 0/1: 1 where that frame is metal beyond doubt."""
    cracked: Tensor
    """(n, k, h, w): real frames with the largest share of doubtful voxels."""
    cracked_trusted: Tensor
    """(n, 1, h, w), 0/1: 1 where that frame is metal beyond doubt."""
    cracked_part: Tensor
    """(n, 1, h, w), 0/1: 1 where that frame is part, cracks included."""
    contrast: float
    """Metal minus air in units of the frames' grey range."""
    point_spread: float
    """Standard deviation of the scan's point spread, voxels."""


class Learner(ABC):
    """A method at work. What it holds in these mappings is all of its state: it is saved and restored by name."""

    modules: dict[str, nn.Module]
    """Networks by name; ``"segmenter"`` (image → mask logits) is among them."""
    optimizers: dict[str, Optimizer]
    pools: dict[str, Tensor]
    """Other tensors that carry over from step to step (histories of fakes, …), of fixed shape."""

    @abstractmethod
    def step(self, batch: Batch, done: float, rng: np.random.Generator) -> dict[str, float]:
        """Learn from one batch; `done` is the share of the budget already used (0..1). Returns losses by name."""


class Method(Kind):
    """Settings of a way to learn."""

    family: ClassVar[str] = "napari_xct_crack.methods"

    @abstractmethod
    def start(self, network: Network, channels: int, on: device) -> Learner:
        """A new learner, weights drawn from torch's generator."""
