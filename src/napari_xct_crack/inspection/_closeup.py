"""A box of everything at full resolution, to be looked at in three dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..evaluate._place import common, read_at
from ..measure import Measured
from ..measure._tables import Table
from ..settings import Length, VoxelSize
from ..volume import Box, Triple, Volume

MOST = 2**27
"""Most voxels of a box."""
_MARGIN = 8
"""Voxels around a crack that is shown whole."""
Place = tuple[float, float, float]


@dataclass(frozen=True)
class CloseUp:
    """What lies in a box; all of it is in memory, at its place in the scan."""

    box: Box
    """In voxels of the scan."""
    place: Place
    """What was asked for, in voxels of the scan."""
    scan: Volume | None
    labels: Volume
    tips: Table
    fronts: Table


def extent_of(side: Length, voxel_size: VoxelSize | None, crack: Triple = (1, 1, 1)) -> Triple:
    """Sides of a box in voxels: as long as asked for, or longer to show all of a crack of an extent.

    A crack that is larger than the largest box is shown in part.

    Raises
    ------
    InputError
        If the sides that are asked for make a box of more than `MOST` voxels, or of none.
    """
    z, y, x = (max(1, round(length)) for length in side.voxels(voxel_size))
    if side.value == 0 or z * y * x > MOST:
        raise InputError(f"A box of {z} × {y} × {x} voxels is not shown; it may have 1 to {MOST:,} voxels.")
    whole = (max(z, crack[0] + 2 * _MARGIN), max(y, crack[1] + 2 * _MARGIN), max(x, crack[2] + 2 * _MARGIN))
    return whole if crack != (1, 1, 1) and math.prod(whole) <= MOST else (z, y, x)


def memory(extent: Triple, *volumes: Volume | None) -> int:
    """Bytes that a box of that extent takes."""
    return math.prod(extent) * sum(volume.dtype.itemsize for volume in volumes if volume is not None)


def around(place: Place, extent: Triple, bounds: Box) -> Box:
    """A box around a place, moved inside bounds, and cut where they are smaller."""
    start, stop = [], []
    for at, side, low, high in zip(place, extent, bounds.start, bounds.stop, strict=True):
        side = min(side, high - low)
        first = min(max(round(at) - side // 2, low), high - side)
        start.append(first)
        stop.append(first + side)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def close_up(measured: Measured, scan: Volume | None, place: Place, extent: Triple) -> CloseUp:
    """Read the box of that extent around a place.

    Parameters
    ----------
    scan
        What was scanned; the box lies where it and the labels overlap.
    place
        In voxels of the scan.

    Raises
    ------
    InputError
        If scan and labels do not overlap.
    """
    box = around(place, extent, common(measured.labels, scan))
    labels = _held(measured.labels, box)
    return CloseUp(
        box=box,
        place=place,
        scan=None if scan is None else _held(scan, box),
        labels=labels,
        tips=_inside(measured.tips, box),
        fronts=_inside(measured.fronts, box),
    )


def _held(volume: Volume, box: Box) -> Volume:
    """A box of a volume, read."""
    values = read_at(volume, box)
    return replace(volume, levels=(values,), box=None, offset=box.start, part=None, source=None)


def _inside(table: Table, box: Box) -> Table:
    kept = np.ones(len(table["z"]), np.bool_)
    for axis, low, high in zip("zyx", box.start, box.stop, strict=True):
        kept &= (table[axis] >= low) & (table[axis] < high)
    return {name: column[kept] for name, column in table.items()}
