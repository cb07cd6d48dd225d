"""Several sheets in one volume: void, target, exact aperture, crack ids and fronts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..volume import Triple
from . import Drawn
from ._surface import Sheet, carve, frame, front_factor, surface


@dataclass(frozen=True)
class Carved:
    """Cracks in a volume, arrays of shape (z, y, x)."""

    coverage: NDArray[np.float32]
    """Void fraction of each voxel, 0..1."""
    target: NDArray[np.bool_]
    """Centre line wherever the aperture reaches 0.3 voxels, and all voxels at least half void."""
    aperture: NDArray[np.float32]
    """Opening, in voxels, of the crack that a target voxel belongs to; the widest one where they meet."""
    ids: NDArray[np.int32]
    """Number of that crack, from 1."""
    sheets: tuple[Sheet, ...] = ()
    origin: Triple = (0, 0, 0)
    """Where the volume's first voxel lies in the space of the sheets."""
    part: NDArray[np.bool_] | None = None

    @property
    def drawn(self) -> Drawn:
        """What a segmenter learns from."""
        return Drawn(self.coverage, self.target | (self.coverage >= 0.5))

    @classmethod
    def empty(cls, shape: Triple) -> Carved:
        """A volume without cracks, to be carved in place."""
        return cls(
            np.zeros(shape, np.float32),
            np.zeros(shape, np.bool_),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int32),
        )

    def fronts(self) -> list[NDArray[np.float64]]:
        """Where each sheet ends: points (n, 3) over z, y, x in voxels of this volume, in order around the crack.

        Only points inside the volume and the part, for only there a crack ends in metal.
        """
        fronts = []
        for sheet in self.sheets:
            line = front_line(sheet) - self.origin
            line = line[((line > -0.5) & (line < np.asarray(self.ids.shape) - 0.5)).all(axis=1)]
            if self.part is not None:
                line = line[self.part[tuple(np.rint(line).astype(int).T)]]
            fronts.append(line)
        return fronts


def carved(
    sheets: Sequence[Sheet], shape: Triple, origin: Triple = (0, 0, 0), part: NDArray[np.bool_] | None = None
) -> Carved:
    """Cracks in a box of that shape whose first voxel is `origin`: a whole volume, a stack, or any single slice.

    A part, shape (z, y, x), clips them: outside it there is no crack.
    """
    whole = Carved.empty(shape)
    for number, sheet in enumerate(sheets, 1):
        carve(sheet, whole.coverage, whole.target, whole.aperture, whole.ids, number, origin)
    if part is not None:
        for array in (whole.coverage, whole.target, whole.aperture, whole.ids):
            array[~part] = 0
    return replace(whole, sheets=tuple(sheets), origin=origin, part=part)


def front_line(sheet: Sheet, count: int = 4096) -> NDArray[np.float64]:
    """Points on a crack's front by direction in the sheet, shape (count, 3) over z, y, x."""
    from scipy import ndimage

    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    factor = front_factor(angle, sheet.front)
    u, v = sheet.radius * factor * np.cos(angle), sheet.radius * factor * np.sin(angle)
    tile = surface(sheet.hurst, sheet.tile)
    rise = sheet.roughness * ndimage.map_coordinates(
        tile, (u + sheet.shift[0], v + sheet.shift[1]), order=1, mode="grid-wrap"
    )
    n, along_u, along_v = (axis[:, None] for axis in frame(sheet.normal))
    line = np.asarray(sheet.centre)[:, None] + along_u * u + along_v * v + n * rise
    return np.ascontiguousarray(line.T)
