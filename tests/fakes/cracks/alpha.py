"""A crack kind that shares a field name with `beta`."""

from typing import Literal

import numpy as np
from pydantic import Field

from napari_xct_crack.cracks import CrackGenerator, Drawn
from napari_xct_crack.settings import Length, VoxelSize
from napari_xct_crack.volume import Triple


class Alpha(CrackGenerator):
    """Draws nothing."""

    kind: Literal["alpha"] = "alpha"
    decay: float = Field(0.05, ge=0, le=1, description="Decay a column.")
    widest: Length = Field(Length(3), description="Largest aperture.")
    range: tuple[Length, Length] = Field((Length(1), Length(2, "um")), description="Apertures from, to.")

    def draw(self, shape: Triple, rng: np.random.Generator, voxel_size: VoxelSize | None = None) -> Drawn:
        return Drawn(np.zeros(shape, np.float32), np.zeros(shape, bool))
