"""Lay volumes over each other by their places in the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Box, Volume


def inside_part(part: Volume, box: Box, voxel_size: VoxelSize | None) -> NDArray[np.bool_]:
    """The part in a box of the scan, at full resolution.

    The part's voxels are larger by the nearest whole factors to the ratio of the voxel sizes, or of the same size where
    one of these is unknown.

    Raises
    ------
    InputError
        If the part does not cover the box.
    """
    factor = [1, 1, 1]
    if part.voxel_size and voxel_size:
        factor = [max(1, round(a / b)) for a, b in zip(part.voxel_size, voxel_size, strict=True)]
    place = [
        np.arange(first, stop) // by - origin
        for first, stop, by, origin in zip(box.start, box.stop, factor, part.origin, strict=True)
    ]
    low, high = ([int(axis[end]) for axis in place] for end in (0, -1))
    held = Box((low[0], low[1], low[2]), (high[0] + 1, high[1] + 1, high[2] + 1))
    if not Box.of(part.shape).contains(held):
        raise InputError(
            f"The part {part.name} of shape {part.shape} at {part.origin} does not cover the voxels {box.start} to "
            f"{box.stop} of the scan, its voxels being {factor} times as large."
        )
    inside: NDArray[np.bool_] = part.read(held)[np.ix_(*(axis - axis[0] for axis in place))] > 0
    return inside


def common(mask: Volume, *others: Volume | None) -> Box:
    """The box of the scan that all of them show.

    Raises
    ------
    InputError
        If there is none, or their voxel sizes differ.
    """
    box = Box.of(mask.shape).shifted(mask.origin)
    for other in others:
        if other is None:
            continue
        for a, b in zip(mask.voxel_size or (), other.voxel_size or (), strict=False):
            if abs(a - b) > 0.01 * max(a, b):
                raise InputError(
                    f"{mask.name} has voxels of {mask.voxel_size} µm and {other.name} of {other.voxel_size} µm; "
                    "only volumes of the same voxels can be compared."
                )
        box = box.intersection(Box.of(other.shape).shifted(other.origin))
        if box.size == 0:
            raise InputError(
                f"{mask.name} (shape {mask.shape} at {mask.origin}) and {other.name} (shape {other.shape} at "
                f"{other.origin}) show no common voxel of the scan."
            )
    return box


def read_at(volume: Volume, box: Box) -> NDArray[Any]:
    """A box that is given in voxels of the scan."""
    z, y, x = volume.origin
    return volume.read(box.shifted((-z, -y, -x)))
