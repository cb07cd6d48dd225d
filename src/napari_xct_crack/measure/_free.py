"""How far inside the part a place lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InputError, writing
from ..settings import VoxelSize
from ..volume import Box, Triple, Volume

MOST = 2**26
"""Voxels of a part mask that distances are computed on at once; a larger one is taken from a coarser level."""


@dataclass(frozen=True)
class FreeSurface:
    """Distance from voxels of the part to its free surface, on the part's own (maybe coarser) grid."""

    distances: NDArray[np.float32]
    """Shape (z, y, x), in µm or voxels of the mask; infinite where no surface is in view."""
    inside: NDArray[np.bool_]
    origin: Triple
    """Of its first voxel, in its own voxels."""
    factor: Triple
    """Voxels of the scan in one of its voxels."""
    step: float
    """Longest side of one of its voxels: distances are no more exact than that."""
    kept: Path | None = None
    """Folder of the files that the arrays are mapped from."""

    def stored(self, folder: Path) -> FreeSurface:
        """The same, mapped from files in a folder, which then stand for the arrays where it is sent to another process."""
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / "distances.npy", self.distances)
            np.save(folder / "inside.npy", self.inside)
        return _mapped(folder, self.origin, self.factor, self.step)

    def __reduce__(self) -> Any:
        if self.kept is None:
            return super().__reduce__()
        return _mapped, (self.kept, self.origin, self.factor, self.step)

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distances at voxels of the scan, shape (n, 3); 0 outside the part."""
        found: NDArray[np.float32] = self.distances[tuple(self._along(axis, places[:, axis]) for axis in range(3))]
        return found

    def within(self, box: Box) -> NDArray[np.bool_]:
        """The part in a box of the scan, at full resolution."""
        z, y, x = (self._along(axis, np.arange(box.start[axis], box.stop[axis])) for axis in range(3))
        found: NDArray[np.bool_] = self.inside[np.ix_(z, y, x)]
        return found

    def _along(self, axis: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Own voxels of voxels of the scan along one axis."""
        return np.clip(places // self.factor[axis] - self.origin[axis], 0, self.inside.shape[axis] - 1)


def _mapped(folder: Path, origin: Triple, factor: Triple, step: float) -> FreeSurface:
    distances, inside = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("distances", "inside"))
    return FreeSurface(distances, inside, origin, factor, step, folder)


def free_surface(part: Volume, scan: Volume, size: VoxelSize, factor: Triple | None = None) -> FreeSurface:
    """Distances to where the part ends inside the view; the ends of the part's volume are no surface.

    Parameters
    ----------
    part
        Mask of the part, a whole number of times coarser than `scan` or on the same voxels.
    size
        Sides of a voxel of `scan` in the unit of the distances.
    factor
        Voxels of the scan in one of the part, where that is known; else the voxel sizes tell.

    Raises
    ------
    InputError
        If the part does not cover the scan.
    """
    level = next((n for n, array in enumerate(part.levels) if np.prod(array.shape) <= MOST), len(part.levels) - 1)
    if level and part.box is not None:
        level = 0
    coarse = part.levels[level]
    ratio = factor or _ratio(part, scan)
    steps = [round(a / b) for a, b in zip(part.levels[0].shape, coarse.shape, strict=True)]
    inside = np.asarray(part.read() if level == 0 else coarse[:, :, :]) > 0
    z, y, x = (by * step for by, step in zip(ratio, steps, strict=True))
    origin = [first // step for first, step in zip(part.origin, steps, strict=True)]
    found = FreeSurface(
        _inward(inside, (size[0] * z, size[1] * y, size[2] * x)),
        inside,
        (origin[0], origin[1], origin[2]),
        (z, y, x),
        max(size[0] * z, size[1] * y, size[2] * x),
    )
    held = Box.of(inside.shape).shifted(found.origin)
    box = Box.of(scan.shape).shifted(scan.origin)
    for axis, by in enumerate(found.factor):
        if box.start[axis] // by < held.start[axis] or (box.stop[axis] - 1) // by >= held.stop[axis]:
            raise InputError(
                f"The part {part.name} of shape {part.shape} at {part.origin} does not cover {scan.name} of shape "
                f"{scan.shape} at {scan.origin}, its voxels being {ratio} times as large."
            )
    return found


def _ratio(part: Volume, scan: Volume) -> Triple:
    if not (part.voxel_size and scan.voxel_size):
        return (1, 1, 1)
    z, y, x = (max(1, round(a / b)) for a, b in zip(part.voxel_size, scan.voxel_size, strict=True))
    return (z, y, x)


def _inward(inside: NDArray[np.bool_], sides: VoxelSize) -> NDArray[np.float32]:
    if inside.all():
        return np.full(inside.shape, np.inf, np.float32)
    # From centre to centre; the surface lies half a voxel before the first centre outside.
    far = ndimage.distance_transform_edt(inside, sampling=sides).astype(np.float32)
    depth: NDArray[np.float32] = np.maximum(far - np.float32(min(sides) / 2), 0)
    return depth
