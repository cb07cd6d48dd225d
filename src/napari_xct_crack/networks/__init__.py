"""Networks, one file each. A network is settings that can build a module and say which shapes it takes."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ..settings import Kind


class Network(Kind):
    """A fully convolutional net from (n, channels, h, w) to (n, 1, h, w) logits, same h and w."""

    family: ClassVar[str] = "napari_xct_crack.networks"

    @abstractmethod
    def build(self, channels: int) -> nn.Module:
        """A new module for `channels` input channels (neighbouring slices), weights drawn from torch's generator."""

    def learnt(self, channels: int) -> dict[str, Tensor] | None:
        """Weights of that module that were learnt on simulated scans, by their names; none where the package has none."""
        return None

    @property
    @abstractmethod
    def stride(self) -> int:
        """Height and width must be multiples of it, and tiles start on multiples of it."""

    @property
    @abstractmethod
    def reach(self) -> int:
        """How far, in pixels, an input pixel can act on the output once norm statistics are fixed."""
