"""A box of everything at full resolution, to be looked at in three dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluate._place import common, read_at
from ..measure import Measured
from ..measure._tables import Table
from ..settings import Length, VoxelSize
from ..volume import Box, Triple, Volume

MOST, LONGEST = 2**27, 2048
"""Most voxels of a box, and of one of its sides: what graphics drivers hold."""
_MARGIN = 8
"""Voxels around a crack that is shown whole."""
_NEAR = 32
"""Voxels from what is flown to to the edge of the view, and half of its sides besides."""


@dataclass(frozen=True)
class CloseUp:
    """What lies in a box; all of it is in memory, at its place in the scan."""

    box: Box
    """In voxels of the scan."""
    scan: Volume | None
    labels: Volume
    tips: Table
    fronts: Table


def extent_of(side: Length, voxel_size: VoxelSize | None, seen: Triple = (1, 1, 1)) -> Triple:
    """Sides of a box in voxels: as long as asked for, or longer to show all of what is to be seen.

    What does not fit into the largest box is shown in part.

    Raises
    ------
    InputError
        If the sides that are asked for make a box of more than `MOST` voxels, or of none.
    """
    z, y, x = (max(1, round(length)) for length in side.voxels(voxel_size))
    if side.value == 0 or not _fits((z, y, x)):
        raise InputError(
            f"A box of {z} × {y} × {x} voxels is not shown; it may have 1 to {MOST:,} voxels, {LONGEST} along a side."
        )
    if seen == (1, 1, 1):
        return (z, y, x)
    whole = (max(z, seen[0] + 2 * _MARGIN), max(y, seen[1] + 2 * _MARGIN), max(x, seen[2] + 2 * _MARGIN))
    return whole if _fits(whole) else (z, y, x)


def _fits(extent: Triple) -> bool:
    return math.prod(extent) <= MOST and max(extent) <= LONGEST


def memory(extent: Triple, *volumes: Volume | None) -> int:
    """Bytes that a box of that extent takes."""
    return math.prod(extent) * sum(volume.dtype.itemsize for volume in volumes if volume is not None)


def surroundings(seen: Box, voxel_size: VoxelSize | None) -> tuple[list[float], list[float]]:
    """Two corners, in the unit of the voxel's sides, between which a box is seen with what lies around it."""
    size = voxel_size or (1.0, 1.0, 1.0)
    middle = [(start + stop - 1) // 2 for start, stop in zip(seen.start, seen.stop, strict=True)]
    reach = [side + _NEAR for side in seen.shape]
    low, high = (
        [(at + way * by) * voxel for at, by, voxel in zip(middle, reach, size, strict=True)] for way in (-1, 1)
    )
    return low, high


def around(seen: Box, extent: Triple, bounds: Box) -> Box:
    """A box around another one, moved inside bounds, and cut where they are smaller."""
    start, stop = [], []
    for first, last, side, low, high in zip(seen.start, seen.stop, extent, bounds.start, bounds.stop, strict=True):
        side = min(side, high - low)
        corner = min(max((first + last) // 2 - side // 2, low), high - side)
        start.append(corner)
        stop.append(corner + side)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def close_up(measured: Measured, scan: Volume | None, seen: Box, extent: Triple) -> CloseUp:
    """Read the box of that extent around what is to be seen.

    Parameters
    ----------
    scan
        What was scanned; the box lies where it and the labels overlap.
    seen
        In voxels of the scan.

    Raises
    ------
    InputError
        If scan and labels do not overlap.
    """
    box = around(seen, extent, common(measured.labels, scan))
    numbers = read_at(measured.labels, box)
    # Where few bits do: software that draws numbers of 32 bits in 3-D takes ten times as long.
    numbers = numbers.astype(np.min_scalar_type(numbers.max()))
    return CloseUp(
        box=box,
        scan=None if scan is None else _held(scan, box, read_at(scan, box)),
        labels=_held(measured.labels, box, numbers),
        tips=_inside(measured.tips, box),
        fronts=_inside(measured.fronts, box),
    )


def _held(volume: Volume, box: Box, values: NDArray[Any]) -> Volume:
    """A volume of which a box is in memory."""
    return replace(volume, levels=(values,), box=None, offset=box.start, part=None, source=None)


def _inside(table: Table, box: Box) -> Table:
    kept = np.ones(len(table["z"]), np.bool_)
    for axis, low, high in zip("zyx", box.start, box.stop, strict=True):
        kept &= (table[axis] >= low) & (table[axis] < high)
    return {name: column[kept] for name, column in table.items()}
