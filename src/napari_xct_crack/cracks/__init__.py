"""Crack generation modules (CGM), one file each. A generator is settings that can draw."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import read_json, write_json
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

    @classmethod
    def load(cls, path: Path) -> CrackGenerator:
        """A generator from a JSON file: one that was saved, or any settings file that has cracks.

        Raises
        ------
        XctCrackError
            If the file cannot be read or holds no generator.
        """
        values = read_json(path)
        values = values.get("cracks", values)
        if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
            raise InputError(f"{path} holds no settings of a crack generator.")
        return CrackGenerator.named(values["kind"]).checked(values)

    def save(self, path: Path) -> None:
        """Write a JSON file, which ``--settings`` of the commands that draw cracks reads too."""
        write_json(path, {"cracks": self.model_dump(mode="json")})

    def warnings(self, voxel_size: VoxelSize | None = None) -> tuple[str, ...]:
        """Sentences on what these settings draw that is hardly meant."""
        return ()

    @abstractmethod
    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        """Draw cracks into an empty stack of slices (one slice: ``shape[0] == 1``).

        Raises
        ------
        SettingsError
            If a length is given in µm and `voxel_size` is unknown.
        """
