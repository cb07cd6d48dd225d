"""Everything about components that is measured place by place: one pass over boxes of the labels, joined by number."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..blocks import boxes, each
from ..events import Progress, Work
from ..volume import Volume
from ._box import Floats, Found, Ids, Look, Piece
from ._extent import Shadow, ends, length
from ._fit import LEAST, Fit
from ._inputs import Inputs

SIDE = 128
"""Side of a box that is measured at once."""


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


def survey(
    labels: Volume, voxels: Ids, inputs: Inputs, side: int = SIDE, executor: Executor | None = None
) -> Work[Survey]:
    """Measure all components.

    Parameters
    ----------
    labels
        Numbers of the components, from 1.
    voxels
        Of each component, the largest first.
    side
        Of the boxes that are in memory at once, without what is read around them; any gives the same result.
    executor
        Looks at the boxes, several at a time; labels and inputs must then be picklable, and small.
    """
    grid = list(boxes(labels.shape, (side, side, side)))
    look = Look(labels, replace(inputs, noise=None), int(np.count_nonzero(voxels >= LEAST)))
    joined = _Joined(voxels, inputs)
    for done, (_, found) in enumerate(each(look, grid, executor), start=1):
        joined.add(found)
        yield Progress(done, len(grid), "boxes measured")
    return joined.survey()


class _Joined:
    """Adds up box by box, and keeps of a body what is needed until all of it was seen."""

    def __init__(self, voxels: Ids, inputs: Inputs) -> None:
        self._result, self._inputs, self._fit = Survey.of(len(voxels)), inputs, Fit()
        self._voxels = np.concatenate([np.zeros(1, np.int64), voxels])
        self._shadow = Shadow(inputs.load_axis, inputs.size)
        self._unseen = self._voxels.copy()
        self._begun: dict[int, tuple[Ids, Ids]] = {}
        self._fronts, self._outward = [self._result.fronts], [self._result.outward]

    def add(self, found: Found) -> None:
        """Take what was found in a box."""
        result = self._result
        for piece in found.pieces:
            result.surface[piece.number] += piece.surface
            result.area[piece.number] += piece.area
            result.aperture_sum[piece.number] += piece.aperture_sum
            result.aperture_max[piece.number] = max(result.aperture_max[piece.number], piece.aperture_max)
            result.depth[piece.number] = min(result.depth[piece.number], piece.depth)
            self._fronts.append(piece.fronts)
            self._outward.append(piece.outward)
            self._extend(piece)
        for counted, column in ((found.certain, result.certain), (found.possible, result.possible)):
            if counted is not None:
                column[counted[0]] += counted[1]
        if found.fit is not None:
            self._fit.add(found.fit)

    def survey(self) -> Survey:
        result = self._result
        result.fronts, result.outward = np.concatenate(self._fronts), np.concatenate(self._outward)
        if self._inputs.scan is not None:
            result.share = self._fit.shares(self._voxels, self._inputs.contrast)
        return result

    def _extend(self, piece: Piece) -> None:
        """Join a piece to its body, and take length and shadow once no piece is missing."""
        number, size, outer, cells = piece.number, self._inputs.size, piece.ends, piece.shadow
        if number in self._begun:
            outer_before, cells_before = self._begun.pop(number)
            outer = ends(np.concatenate([outer_before, outer]), size)
            cells = np.union1d(cells_before, cells)
        self._unseen[number] -= piece.voxels
        if self._unseen[number]:
            self._begun[number] = outer, cells
            return
        self._result.length[number] = length(outer, size)
        self._result.shadow[number] = len(cells) * self._shadow.cell
