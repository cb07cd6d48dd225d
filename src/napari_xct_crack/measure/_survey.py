"""Everything about components that is measured place by place: one pass over boxes of the labels, joined by number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..appearance import Noise
from ..blocks import boxes
from ..clean._stages import above
from ..evaluate._place import read_at
from ..events import Progress, Work
from ..settings import VoxelSize
from ..tips import goes_on, rim
from ..volume import Box, Volume
from ._extent import Shadow, ends, length
from ._fit import MOST_BLUR, Fit, halo
from ._free import FreeSurface
from ._sheet import REACH, Mask, MidSurface, mid_surface, slopes, surface_areas

SIDE = 128
"""Side of a box that is measured at once."""
LOW, HIGH = 0.3, 0.7
"""Thresholds of the probability between which a volume is told."""
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Inputs:
    """What is looked at beside the labels, and how."""

    size: VoxelSize
    load_axis: tuple[float, float, float]
    grow: int
    scan: Volume | None = None
    contrast: float = 1.0
    blur: float = 1.1
    """Standard deviation of the scan's point spread in voxels."""
    noise: Noise | None = None
    probability: Volume | None = None
    free: FreeSurface | None = None
    mouth: float = 0.0
    """A crack that ends so near to the free surface opens there: that end is no tip and no front."""
    build_axis: tuple[float, float, float] = (1.0, 0.0, 0.0)


@dataclass
class Survey:
    """By number of the component, index 0 unused; lengths in the unit of the voxel's sides."""

    surface: Floats
    area: Floats
    """Of the mid-surface."""
    aperture_sum: Floats
    """Aperture times area."""
    aperture_max: Floats
    share: Floats
    """Of the label that is void by missing grey value; not a number where it cannot be told."""
    certain: Floats
    """Voxels of the label at the higher threshold …"""
    possible: Floats
    """… and of the grown label at the lower one."""
    depth: Floats
    """Distance to the free surface."""
    shadow: Floats
    """Area projected along the load."""
    length: Floats
    fronts: NDArray[np.int32]
    """Places at the rim of sheets: rows of number, z, y, x …"""
    outward: NDArray[np.float32]
    """… and the direction out of the sheet there, z, y, x."""

    @classmethod
    def of(cls, count: int) -> Survey:
        def none(value: float = 0.0) -> Floats:
            return np.full(count + 1, value)

        return cls(
            surface=none(),
            area=none(),
            aperture_sum=none(),
            aperture_max=none(),
            share=none(np.nan),
            certain=none(),
            possible=none(),
            depth=none(np.inf),
            shadow=none(),
            length=none(),
            fronts=np.zeros((0, 4), np.int32),
            outward=np.zeros((0, 3), np.float32),
        )


def survey(labels: Volume, voxels: Ids, inputs: Inputs, side: int = SIDE) -> Work[Survey]:
    """Measure all components.

    Parameters
    ----------
    labels
        Numbers of the components, from 1.
    voxels
        Of each component.
    side
        Of the boxes that are in memory at once, without what is read around them; any gives the same result.
    """
    surveyor = _Surveyor(labels, voxels, inputs)
    grid = list(boxes(labels.shape, (side, side, side)))
    for done, box in enumerate(grid):
        surveyor.look_at(box)
        yield Progress(done + 1, len(grid), "boxes measured")
    return surveyor.joined()


class _Surveyor:
    """Adds up box by box, and keeps of a body what is needed until all of it was seen."""

    def __init__(self, labels: Volume, voxels: Ids, inputs: Inputs) -> None:
        self._labels, self._result, self._inputs = labels, Survey.of(len(voxels)), inputs
        self._voxels = np.concatenate([np.zeros(1, np.int64), voxels])
        self._fit = Fit(min(inputs.blur, MOST_BLUR))
        self._shadow = Shadow(inputs.load_axis, inputs.size)
        self._unseen = self._voxels.copy()
        self._begun: dict[int, tuple[Ids, Ids]] = {}
        self._fronts, self._outward = [self._result.fronts], [self._result.outward]
        self._halo = max(REACH, halo(self._fit.blur) if inputs.scan else 0, inputs.grow + 1)

    def look_at(self, box: Box) -> None:
        around = box.grown((self._halo,) * 3).intersection(Box.of(self._labels.shape))
        ids = self._labels.read(around)
        if not ids.any():
            return
        z, y, x = around.start
        core = box.shifted((-z, -y, -x))
        anything = ids > 0
        for number, piece, place in _pieces(ids, core.slices):
            own = np.zeros(piece.shape, bool)
            a, b = np.array(core.start) - place, np.array(core.stop) - place
            own[tuple(slice(max(0, low), max(0, high)) for low, high in zip(a, b, strict=True))] = True
            middle = self._measure(
                number, piece, own, np.array([a + b for a, b in zip(place, around.start, strict=True)])
            )
            self._end(number, piece, own, middle, anything, np.array(place), np.array(around.start))
        place_of = around.shifted(self._labels.origin)
        if self._inputs.probability is not None:
            self._compare(ids, core, read_at(self._inputs.probability, place_of))
        if self._inputs.scan is not None:
            inside = np.ones(ids.shape, bool) if self._inputs.free is None else self._inputs.free.within(place_of)
            self._fit.add(ids, read_at(self._inputs.scan, place_of), inside, self._voxels, core.slices)

    def joined(self) -> Survey:
        result = self._result
        result.fronts, result.outward = np.concatenate(self._fronts), np.concatenate(self._outward)
        if self._inputs.scan is not None:
            result.share = self._fit.shares(self._voxels, self._inputs.contrast)
        return result

    def _measure(self, number: int, piece: Mask, own: Mask, place: Ids) -> MidSurface:
        """Add what a piece has inside the box, its `own`; what lies around only lends its shape. Returns its middle."""
        result, size = self._result, self._inputs.size
        gradient = slopes(piece, size)
        result.surface[number] += surface_areas(piece, size, gradient)[own].sum()
        middle = mid_surface(piece, size, gradient)
        held = own[tuple(middle.places.T)]
        result.area[number] += middle.areas[held].sum()
        result.aperture_sum[number] += (middle.areas * middle.apertures)[held].sum()
        result.aperture_max[number] = max(result.aperture_max[number], middle.apertures[held].max(initial=0))
        places = np.argwhere(piece & own) + place
        self._extend(number, places)
        if self._inputs.free is not None:
            nearest = self._inputs.free.at(places + self._labels.origin).min()
            result.depth[number] = min(result.depth[number], nearest)
        return middle

    def _end(
        self, number: int, piece: Mask, own: Mask, middle: MidSurface, anything: Mask, place: Ids, start: Ids
    ) -> None:
        """Add the front of a piece that lies at `place` in a box beginning at `start`; `anything` is all cracks there."""
        at_rim, outward = rim(piece, middle.places, middle.normals, self._inputs.size)
        chosen = at_rim & own[tuple(middle.places.T)]
        at, outward = middle.places[chosen] + place, outward[chosen]
        last = ~goes_on(anything, at, outward, self._inputs.size)
        at, outward = at[last] + start + self._labels.origin, outward[last]
        inner = ... if self._inputs.free is None else self._inputs.free.at(at) > self._inputs.mouth
        self._fronts.append(np.insert(at, 0, number, axis=1).astype(np.int32)[inner])
        self._outward.append(outward.astype(np.float32)[inner])

    def _extend(self, number: int, places: Ids) -> None:
        """Join a piece to its body, and take length and shadow once no piece is missing."""
        size, outer, cells = self._inputs.size, ends(places, self._inputs.size), self._shadow.cells(places)
        if number in self._begun:
            outer_before, cells_before = self._begun.pop(number)
            outer = ends(np.concatenate([outer_before, outer]), size)
            cells = np.union1d(cells_before, cells)
        self._unseen[number] -= len(places)
        if self._unseen[number]:
            self._begun[number] = outer, cells
            return
        self._result.length[number] = length(outer, size)
        self._result.shadow[number] = len(cells) * self._shadow.cell

    def _compare(self, ids: NDArray[Any], core: Box, levels: NDArray[Any]) -> None:
        """Add what the probability says of the labels and a little around them, each by its nearest label."""
        result, count = self._result, len(self._voxels)
        far, nearest = ndimage.distance_transform_edt(ids == 0, return_indices=True)
        near = np.zeros(ids.shape, bool)
        near[core.slices] = far[core.slices] <= self._inputs.grow
        owner, values = ids[tuple(axis[near] for axis in nearest)], levels[near]
        result.certain += np.bincount(owner, (far[near] == 0) & above(values, HIGH), minlength=count)
        result.possible += np.bincount(owner, above(values, LOW), minlength=count)


def _pieces(ids: NDArray[Any], core: tuple[slice, slice, slice]) -> Iterator[tuple[int, Mask, tuple[int, int, int]]]:
    """Each component in the core: its number, its mask with all of it that lies around, and where that mask starts."""
    places = np.nonzero(ids)
    present, rows = np.unique(ids[places], return_inverse=True)
    compact = np.zeros(ids.shape, np.int32)
    compact[places] = rows + 1
    wanted = set(np.unique(compact[core]).tolist()) - {0}
    for row, found in enumerate(ndimage.find_objects(compact)):
        if row + 1 in wanted:
            z, y, x = (slice(max(0, a.start - 1), a.stop + 1) for a in found)
            yield int(present[row]), compact[z, y, x] == row + 1, (z.start, y.start, x.start)
