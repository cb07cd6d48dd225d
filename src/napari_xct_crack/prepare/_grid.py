"""The part mask on the grid of its scan: over level 0, a whole number of times coarser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..volume import Box, LazyArray, Triple, Volume
from ._coarse import coarse

CELLS = 64


class Embedded:
    """A mask of a crop as a mask of the whole scan: false outside the crop."""

    def __init__(self, mask: LazyArray, place: Box, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.dtype = np.dtype(bool)
        self._mask = mask
        self._place = place

    def __getitem__(self, key: tuple[slice, slice, slice]) -> NDArray[np.bool_]:
        z, y, x = (entry.indices(side)[:2] for entry, side in zip(key, self.shape, strict=True))
        box = Box((z[0], y[0], x[0]), (z[1], y[1], x[1]))
        result = np.zeros(box.shape, dtype=bool)
        common = box.intersection(self._place)
        if common.size:
            into = common.shifted((-box.start[0], -box.start[1], -box.start[2]))
            start = self._place.start
            result[into.slices] = np.asarray(self._mask[common.shifted((-start[0], -start[1], -start[2])).slices]) != 0
        return result


def with_part(volume: Volume, part: Volume) -> Volume:
    """The volume with a part mask of its scan or of its crop; errors as in :func:`part_factor`."""
    if part.shape == volume.shape and volume.box is not None:
        mask: Any = part.levels[0] if part.box is None else part.read()
        part = replace(part, levels=(Embedded(mask, volume.crop, volume.levels[0].shape),), box=None, again=None)
    result = replace(volume, part=part)
    part_factor(result)
    return result


def part_factor(volume: Volume) -> Triple:
    """Voxels of level 0 in a voxel of the part mask, along z, y, x.

    Raises
    ------
    InputError
        If the mask does not fit the scan.
    """
    whole = volume.levels[0].shape
    shape = whole if volume.part is None else volume.part.levels[0].shape
    z, y, x = (-(-side // cells) for side, cells in zip(whole, shape, strict=True))
    if any(-(-side // by) != cells for side, by, cells in zip(whole, (z, y, x), shape, strict=True)):
        raise InputError(
            f"The part mask of shape {shape} does not fit the scan of shape {whole}; it must have the shape of the "
            "scan, of its crop, or of the scan coarsened by whole numbers."
        )
    return (z, y, x)


def part_at(volume: Volume, box: Box | None = None) -> NDArray[np.bool_]:
    """The part at full resolution.

    Parameters
    ----------
    box
        Counted from the crop's corner, as in :meth:`Volume.read`; the whole crop if none.

    Returns
    -------
    NDArray
        Shape (z, y, x) of the box; all true where the volume has no part mask.

    Raises
    ------
    InputError
        If the box leaves the crop, or the mask does not fit the scan.
    """
    box = box or Box.of(volume.shape)
    if box.size == 0 or not Box.of(volume.shape).contains(box):
        raise InputError(f"The box {box.start} to {box.stop} does not lie inside the volume of shape {volume.shape}.")
    if volume.part is None:
        return np.ones(box.shape, dtype=bool)
    place, factor = box.shifted(volume.crop.start), part_factor(volume)
    z, y, x = (np.arange(a, b) // by for a, b, by in zip(place.start, place.stop, factor, strict=True))
    mask = volume.part.levels[0][slice(z[0], z[-1] + 1), slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)]
    inside: NDArray[np.bool_] = np.asarray(mask)[np.ix_(z - z[0], y - y[0], x - x[0])] != 0
    return inside


def part_cells(volume: Volume) -> tuple[NDArray[np.bool_], Triple]:
    """Which cells of a small grid over level 0 hold any of the part in the crop, and voxels of level 0 in a cell.

    Raises
    ------
    InputError
        If none does, or the mask does not fit the scan.
    """
    whole = volume.levels[0].shape
    if volume.part is None:
        z, y, x = (-(-side // CELLS) for side in whole)
        cells = np.ones([-(-side // by) for side, by in zip(whole, (z, y, x), strict=True)], dtype=bool)
    else:
        small, fine = coarse(volume.part), part_factor(volume)
        z, y, x = (a * b for a, b in zip(small.factor, fine, strict=True))
        cells = small.grey > 0
    for axis, by in enumerate((z, y, x)):
        start = np.arange(cells.shape[axis]) * by
        reached = (start + by > volume.crop.start[axis]) & (start < volume.crop.stop[axis])
        cells &= reached.reshape([-1 if other == axis else 1 for other in range(3)])
    if not cells.any():
        raise InputError(f"The crop of {volume.name} holds none of the part.")
    return cells, (z, y, x)
