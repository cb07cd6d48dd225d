"""What a box of the labels holds of each component: any process can look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..clean._stages import above
from ..evaluate._place import read_at
from ..tips import goes_on, rim
from ..volume import Box, Triple, Volume
from ._extent import Shadow, ends
from ._fit import MOST_BLUR, Sums, halo, sums
from ._inputs import Inputs
from ._sheet import REACH, Mask, MidSurface, mid_surface, slopes, surface_areas

LOW, HIGH = 0.3, 0.7
"""Thresholds of the probability between which a volume is told."""
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """What a box holds of a component."""

    number: int
    voxels: int
    surface: float
    area: float
    aperture_sum: float
    aperture_max: float
    depth: float
    ends: Ids
    shadow: Ids
    """Cells that it projects into."""
    fronts: NDArray[np.int32]
    outward: NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """What is found in a box."""

    pieces: tuple[Piece, ...] = ()
    certain: tuple[Ids, Ids] | None = None
    """Numbers of components, and how many voxels each has; so is `possible`."""
    possible: tuple[Ids, Ids] | None = None
    fit: Sums | None = None


@dataclass(frozen=True)
class Look:
    """Measures what lies in a box; what lies around only lends its shape."""

    labels: Volume
    inputs: Inputs
    fitted: int
    """Highest number of a component that is fitted to the scan."""

    def __call__(self, box: Box) -> Found:
        inputs, blur = self.inputs, min(self.inputs.blur, MOST_BLUR)
        reach = max(REACH, halo(blur) if inputs.scan else 0, inputs.grow + 1)
        around = box.grown((reach,) * 3).intersection(Box.of(self.labels.shape))
        ids = self.labels.read(around)
        if not ids.any():
            return Found()
        z, y, x = around.start
        core, place = box.shifted((-z, -y, -x)), around.shifted(self.labels.origin)
        pieces = tuple(self._pieces(ids, core, np.array(around.start)))
        certain = possible = None
        if inputs.probability is not None:
            certain, possible = _compared(ids, core, read_at(inputs.probability, place), inputs.grow)
        if inputs.scan is None:
            return Found(pieces, certain, possible)
        inside = np.ones(ids.shape, bool) if inputs.free is None else inputs.free.within(place)
        fit = sums(blur, ids, read_at(inputs.scan, place), inside, self.fitted, core.slices)
        return Found(pieces, certain, possible, fit)

    def _pieces(self, ids: NDArray[Any], core: Box, start: Ids) -> Iterator[Piece]:
        """Measure each component in the core of a box that begins at `start`."""
        anything, size, free = ids > 0, self.inputs.size, self.inputs.free
        shadow = Shadow(self.inputs.load_axis, size)
        for number, piece, place in _masks(ids, core.slices):
            own = np.zeros(piece.shape, bool)
            a, b = np.array(core.start) - place, np.array(core.stop) - place
            own[tuple(slice(max(0, low), max(0, high)) for low, high in zip(a, b, strict=True))] = True
            gradient = slopes(piece, size)
            middle = mid_surface(piece, size, gradient)
            held = own[tuple(middle.places.T)]
            places = np.argwhere(piece & own) + start + place
            fronts, outward = self._fronts(piece, own, middle, anything, place, start)
            yield Piece(
                number=number,
                voxels=len(places),
                surface=surface_areas(piece, size, gradient)[own].sum(),
                area=middle.areas[held].sum(),
                aperture_sum=(middle.areas * middle.apertures)[held].sum(),
                aperture_max=middle.apertures[held].max(initial=0),
                depth=np.inf if free is None else free.at(places + self.labels.origin).min(),
                ends=ends(places, size),
                shadow=shadow.cells(places),
                fronts=np.insert(fronts, 0, number, axis=1).astype(np.int32),
                outward=outward.astype(np.float32),
            )

    def _fronts(
        self, piece: Mask, own: Mask, middle: MidSurface, anything: Mask, place: Triple, start: Ids
    ) -> tuple[Ids, Floats]:
        """The front of a piece that lies at `place` in a box beginning at `start`; `anything` is all cracks there."""
        at_rim, outward = rim(piece, middle.places, middle.normals, self.inputs.size)
        chosen = at_rim & own[tuple(middle.places.T)]
        at, outward = middle.places[chosen] + place, outward[chosen]
        last = ~goes_on(anything, at, outward, self.inputs.size)
        at, outward = at[last] + start + self.labels.origin, outward[last]
        inner = ... if self.inputs.free is None else self.inputs.free.at(at) > self.inputs.mouth
        return at[inner], outward[inner]


def _compared(ids: NDArray[Any], core: Box, levels: NDArray[Any], grow: int) -> tuple[tuple[Ids, Ids], tuple[Ids, Ids]]:
    """What the probability says of the labels at a high threshold, and at a low one of what is nearest to each, too."""
    far, nearest = ndimage.distance_transform_edt(ids == 0, return_indices=True)
    near = np.zeros(ids.shape, bool)
    near[core.slices] = far[core.slices] <= grow
    owner, values, own = ids[tuple(axis[near] for axis in nearest)], levels[near], far[near] == 0
    return (
        np.unique(owner[own & above(values, HIGH)], return_counts=True),
        np.unique(owner[above(values, LOW)], return_counts=True),
    )


def _masks(ids: NDArray[Any], core: tuple[slice, slice, slice]) -> Iterator[tuple[int, Mask, tuple[int, int, int]]]:
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
