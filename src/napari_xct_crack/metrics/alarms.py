"""False alarms: predicted objects where there is no crack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..settings import VoxelSize
from .masks import Mask, within


@dataclass(frozen=True)
class FalseAlarms:
    """Objects that touch no crack, and the area that was looked at."""

    objects: int = 0
    area: int = 0
    """Voxels in slices."""
    at_pores: int = 0
    """How many of the objects touch a known pore."""

    def __add__(self, other: FalseAlarms) -> FalseAlarms:
        return FalseAlarms(self.objects + other.objects, self.area + other.area, self.at_pores + other.at_pores)

    @property
    def pores(self) -> FalseAlarms:
        """Only the objects at pores, over the same area."""
        return replace(self, objects=self.at_pores)

    @property
    def rest(self) -> FalseAlarms:
        """Only the objects away from pores, over the same area."""
        return FalseAlarms(self.objects - self.at_pores, self.area)

    @property
    def per_slice(self) -> float:
        """Per slice of 512² voxels; 0 if nothing was looked at."""
        return self.objects / self.area * 512**2 if self.area else 0.0

    def per_mm2(self, voxel_size: VoxelSize | None) -> float | None:
        """Per mm² of slice, or none where the voxel size is unknown or nothing was looked at."""
        if voxel_size is None or self.area == 0:
            return None
        return self.objects / (self.area * voxel_size[1] * voxel_size[2] * 1e-6)


def false_alarms(
    prediction: Mask,
    truth: NDArray[Any],
    tolerance: float = 2,
    size: int = 8,
    ignore: Mask | None = None,
    pores: Mask | None = None,
) -> FalseAlarms:
    """Count the 8-connected objects of each slice with at least `size` voxels, all farther than `tolerance` from truth.

    Ignored voxels belong to no object and to no area. Objects of which a voxel lies within `tolerance` of `pores`, if
    these are known, are also counted apart. An empty prediction has none; an empty truth leaves all objects false.
    """
    if ignore is not None:
        prediction = prediction & ~ignore
    near = within(truth > 0, tolerance)
    porous = np.zeros_like(near) if pores is None else within(pores, tolerance)
    objects = at_pores = 0
    for plane, close, pore in zip(prediction, near, porous, strict=True):
        labels, number = ndimage.label(plane, structure=np.ones((3, 3)))
        sizes, touching, pored = (
            np.bincount(labels[where], minlength=number + 1)[1:] for where in (labels > 0, close, pore)
        )
        false = (sizes >= size) & (touching == 0)
        objects += int(false.sum())
        at_pores += int((false & (pored > 0)).sum())
    area = prediction.size if ignore is None else int(prediction.size - ignore.sum())
    return FalseAlarms(objects, area, at_pores)
