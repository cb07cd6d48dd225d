"""Crack generation modules (CGM), one file each. A generator is settings that can draw."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..settings import Kind, VoxelSize
from ..volume import Triple


@dataclass(frozen=True)
class Drawn:
    """Synthetic cracks in a stack of slices, shape (z, y, x)."""

    coverage: NDArray[np.float32]
    """Void fraction of each voxel, 0..1."""
    target: NDArray[np.bool_]
    """What a segmenter should mark: the centre line wherever the aperture reaches 0.3 voxels, and all voxels at least half void."""


class CrackGenerator(Kind):
    """Settings of a crack generation module."""

    family: ClassVar[str] = "napari_xct_crack.cracks"

    @abstractmethod
    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        """Draw cracks into an empty stack of slices (one slice: ``shape[0] == 1``).

        Raises
        ------
        SettingsError
            If a length is given in µm and `voxel_size` is unknown.
        """
