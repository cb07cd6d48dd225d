"""What the methods of the quality benchmark are given, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_xct_crack.appearance import Appearance, estimate
from napari_xct_crack.clean import CleanSettings
from napari_xct_crack.response import flat_field
from napari_xct_crack.volume import Volume

Mask = NDArray[np.bool_]
LEAST = CleanSettings().settled((2, 1, 1)).min_size or 0
"""Connected objects of fewer voxels are removed from every mask, by the default clean-up."""


class Known(Protocol):
    """Grey values and the numbers of the cracks, shape (z, y, x); of a phantom much more is known."""

    scan: Any
    labels: Any


@dataclass(frozen=True)
class Scan:
    """A scan, ready to be learnt from and scored; masks of shape (z, y, x)."""

    volume: Volume
    phantom: Known
    part: Mask
    scored: Mask

    @cached_property
    def flat(self) -> NDArray[np.float32]:
        """Grey values minus their local mean."""
        return flat_field(self.phantom.scan, self.part)

    @cached_property
    def look(self) -> Appearance:
        """What can be estimated of the scan without labels."""
        return estimate(self.phantom.scan, self.part, self.flat)


@dataclass(frozen=True)
class Answer:
    """One test volume's mask."""

    mask: Mask
    levels: NDArray[np.uint8] | None = None
    """Probability times 255, where there is one."""


@dataclass(frozen=True)
class Answers:
    """What a method makes of all test volumes."""

    answers: list[Answer]
    cpu_seconds: float = 0
    """Of learning or tuning, without answering."""
    said: list[str] = field(default_factory=list)
    """Warnings of the training."""


@dataclass(frozen=True)
class Entry:
    """One method: `answer(train, tests, seed=, steps=, folder=)`; `folder` keeps what is learnt for other conditions."""

    answer: Callable[..., Answers]
    learns: bool = False
    """Whether seeds of training make a difference."""
    steps: float = 0
    """How many steps it is trained for, as a share of the benchmark's."""
