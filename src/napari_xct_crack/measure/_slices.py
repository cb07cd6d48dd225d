"""Slice by slice: how many cracks, how long their traces, how much area, and where they end."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..blocks import boxes, each
from ..evaluate._place import read_at
from ..events import Progress, Work
from ..metrics import thinned
from ..metrics.tips import EDGE, EIGHT
from ..metrics.widths import trace_lengths
from ..settings import VoxelSize
from ..tips import slice_tips
from ..volume import Box, Volume
from ._inputs import Inputs

Floats = NDArray[np.float64]

_AT_ONCE = 2**24
"""Voxels of a slab …"""
_STRIP = 256
"""… and how many of its rows are read at once, for reading takes their memory twice."""


@dataclass(frozen=True)
class Slices:
    """What was found slice by slice."""

    rows: Floats
    """By slice: traces of cracks, their length and area, the pores' area, the part's area, tips."""
    tips: Floats
    """Rows of crack, z, y, x (voxels of the scan), direction y, x, sharpness."""


def by_slice(
    labels: Volume, cracks: NDArray[np.bool_], inputs: Inputs, executor: Executor | None = None
) -> Work[Slices]:
    """Look at every slice.

    Parameters
    ----------
    labels
        Numbers of the components.
    cracks
        By number, whether it is a crack; those that are not are pores.
    inputs
        Of these the probability, which follows tips below a voxel, and the free surface, where no crack has a tip.
    executor
        Looks at slabs, several at a time; labels and inputs must then be picklable, and small.
    """
    depth, height, width = labels.shape
    thick = max(1, min(64, _AT_ONCE // (height * width)))
    rows, tips = [np.zeros((0, 6))], [np.zeros((0, 7))]
    slab = partial(_slab, labels, np.packbits(cracks), replace(inputs, noise=None))
    for box, found in each(slab, boxes(labels.shape, (thick, height, width)), executor):
        rows.append(found.rows)
        tips.append(found.tips)
        yield Progress(box.stop[0], depth, "slices measured")
    return Slices(np.concatenate(rows), np.concatenate(tips))


def _slab(labels: Volume, packed: NDArray[np.uint8], inputs: Inputs, box: Box) -> Slices:
    """A few slices; which numbers are cracks is `packed` into bits."""
    cracks, rows, tips = np.unpackbits(packed).astype(bool), [], [np.zeros((0, 7))]
    size, free, probability = inputs.size, inputs.free, inputs.probability
    ids, place = np.empty(box.shape, labels.dtype), box.shifted(labels.origin)
    for strip in boxes(box.shape, (box.shape[0], _STRIP, box.shape[2])):
        ids[strip.slices] = labels.read(strip.shifted(box.start))
    levels = None if probability is None else read_at(probability, place)
    part = None if free is None else free.within(place)
    for z in range(len(ids)):
        row, found = _slice(ids[z], cracks, size, None if levels is None else levels[z])
        row[4] = size[1] * size[2] * (ids[z].size if part is None else np.count_nonzero(part[z]))
        found[:, 1:3] += place.start[1:]
        found = np.insert(found, 1, place.start[0] + z, axis=1)
        if free is not None:
            found = found[free.at(np.rint(found[:, 1:4]).astype(np.int64)) > inputs.mouth]
        row[5] = len(found)
        rows.append(row)
        tips.append(found)
    return Slices(np.stack(rows), np.concatenate(tips))


def _slice(
    ids: NDArray[Any], cracks: NDArray[np.bool_], size: VoxelSize, levels: NDArray[Any] | None
) -> tuple[Floats, Floats]:
    """One row of :class:`Slices`, and the tips without their z."""
    mask = cracks[ids]
    traces, count = ndimage.label(mask, EIGHT)
    tips = [np.zeros((0, 6))]
    length = 0.0
    for number, found in enumerate(ndimage.find_objects(traces), start=1):
        low = [max(0, side.start - 2) for side in found]
        around = tuple(slice(first, side.stop + 2) for first, side in zip(low, found, strict=True))
        trace = traces[around] == number
        length += trace_lengths(thinned(trace[None])).sum() * np.sqrt(size[1] * size[2])
        ends = slice_tips(trace, None if levels is None else _share(levels[around]))
        crack = np.full((len(ends.places), 1), ids[found][traces[found] == number][0])
        tips.append(np.hstack([crack, ends.places + low, ends.directions, ends.sharpness[:, None]]))
    table = np.concatenate(tips)
    inner = (table[:, 1:3] >= EDGE).all(axis=1) & (table[:, 1:3] < np.array(ids.shape) - EDGE).all(axis=1)
    area = size[1] * size[2]
    pores = np.count_nonzero(ids) - np.count_nonzero(mask)
    return np.array([count, length, np.count_nonzero(mask) * area, pores * area, 0, 0]), table[inner]


def _share(levels: NDArray[Any]) -> Floats:
    """Probability 0..1, be it stored as v / 255 or as itself."""
    return levels / 255 if levels.dtype == np.uint8 else levels.astype(np.float64)
