"""A crack kind whose `decay` is another thing than that of `alpha`."""

from typing import Literal

import numpy as np
from pydantic import Field

from napari_xct_crack.cracks import CrackGenerator, Drawn
from napari_xct_crack.settings import VoxelSize
from napari_xct_crack.volume import Triple


class Beta(CrackGenerator):
    """Draws voids only."""

    kind: Literal["beta"] = "beta"
    decay: tuple[float, float] | None = Field((0.1, 0.2), description="Decay from, to.")
    full: bool = Field(True, description="Fill it.")

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        return Drawn(np.ones(shape, np.float32), np.ones(shape, bool))
