"""Surface, mid-surface, area and aperture of thin bodies from the voxels around; every measure is local and adds up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..settings import VoxelSize
from ..tips import gradient_of

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Slopes = list[NDArray[np.float32]]

SMOOTH = 1.0
"""Standard deviation of the smoothing before slopes are taken, in sides of a cube of a voxel's volume …"""
AROUND = 2.0
"""… and of the neighbourhood whose slopes together give a sheet's normal."""
REACH = 16
"""Voxels around that count; wider openings are not measured."""


@dataclass(frozen=True)
class MidSurface:
    """Voxels in the middle of a sheet; lengths and areas in the unit of the voxel's sides."""

    places: NDArray[np.int64]
    """Shape (n, 3)."""
    normals: Floats
    """Unit vectors z, y, x across the sheet, without sign, shape (n, 3)."""
    areas: Floats
    """Area of the sheet that each stands for."""
    apertures: Floats
    """Twice the distance to the nearest voxel outside, less what the voxel itself is wide."""


def slopes(mask: Mask, size: VoxelSize) -> Slopes:
    """Gradient of the smoothed mask along z, y, x; beyond the ends of the array the mask goes on as it ends there."""
    window = [SMOOTH * _mean_side(size) / side for side in size]
    return gradient_of(ndimage.gaussian_filter(mask.astype(np.float32), window, mode="nearest", truncate=3), size)


def surface_areas(mask: Mask, size: VoxelSize, gradient: Slopes) -> Floats:
    """What each voxel of a mask adds to the area of its surface, same shape.

    A face between mask and background counts with |n·e|, n being the local normal and e the face's: a plane of any
    direction then has its true area [1]_. Ends of the array are no faces.

    References
    ----------
    .. [1] D. Coeurjolly, F. Flin, O. Teytaud, L. Tougne, "Multigrid convergence and surface area estimation",
       Geometry, Morphology, and Computational Imaging, LNCS 2616, 2003.
    """
    area = np.zeros(mask.shape)
    for axis in range(3):
        face = np.prod(size) / size[axis]
        low, high = _pair(axis, mask.ndim)
        slope = [part[low] + part[high] for part in gradient]
        length = np.sqrt(sum(part**2 for part in slope))
        share = np.divide(np.abs(slope[axis]), length, out=np.ones(length.shape, np.float32), where=length > 0)
        for inner, outer in ((low, high), (high, low)):
            area[inner] += np.where(mask[inner] & ~mask[outer], share, 0) * face
    return area


def mid_surface(mask: Mask, size: VoxelSize, gradient: Slopes) -> MidSurface:
    """The middle of every run of voxels across the sheets of a mask.

    Runs go along the axis nearest to the local normal m, which is the direction of the strongest slopes around (the first
    eigenvector of the structure tensor). With a that axis, h the voxel's side along it and F the area of its face, a run
    stands for the area F / |m·a|. The aperture there is 2·D − h·|m·a| for a run of an odd number of voxels and 2·D for
    an even one, D being the distance from the middle voxel's centre to that of the nearest voxel outside.
    """
    places = np.argwhere(mask)
    if not len(places):
        return MidSurface(places, np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    normals = _normals(gradient, places, size)
    axis = np.argmax(np.abs(normals), axis=1)
    middle, even = np.zeros(len(places), bool), np.zeros(len(places), bool)
    for along in range(3):
        chosen = axis == along
        at_middle, is_even = _middles(mask, along)
        where = tuple(places[chosen].T)
        middle[chosen], even[chosen] = at_middle[where], is_even[where]
    places, normals, axis, even = places[middle], normals[middle], axis[middle], even[middle]
    sides = np.array(size)
    slant = np.abs(np.take_along_axis(normals, axis[:, None], axis=1))[:, 0]
    distance = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"), sampling=size)[1:-1, 1:-1, 1:-1]
    wide = 2 * distance[tuple(places.T)] - np.where(even, 0, sides[axis] * slant)
    return MidSurface(places, normals, np.prod(sides) / sides[axis] / slant, wide)


def _normals(gradient: Slopes, places: NDArray[np.int64], size: VoxelSize) -> Floats:
    window, where = [AROUND * _mean_side(size) / side for side in size], tuple(places.T)
    tensor = np.zeros((len(places), 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            product = ndimage.gaussian_filter(gradient[i] * gradient[j], window, mode="nearest", truncate=2.5)
            tensor[:, i, j] = tensor[:, j, i] = product[where]
    normals: Floats = np.linalg.eigh(tensor)[1][:, :, 2].astype(np.float64)
    return normals


def _mean_side(size: VoxelSize) -> float:
    return float(np.cbrt(np.prod(size)))


def _middles(mask: Mask, axis: int) -> tuple[Mask, Mask]:
    """Middle voxel of each run along an axis (the first of two), and whether the run has an even number of voxels."""
    runs = np.moveaxis(mask, axis, -1)
    count = runs.shape[-1]
    place = np.arange(count, dtype=np.int32)
    before = np.pad(runs, [(0, 0), (0, 0), (1, 1)])
    first = np.maximum.accumulate(np.where(runs & ~before[..., :-2], place, 0), axis=-1)
    ends = np.where(runs & ~before[..., 2:], place, count - 1)
    last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    middle = runs & (place == (first + last) // 2)
    return np.moveaxis(middle, -1, axis), np.moveaxis((last - first) % 2 == 1, -1, axis)


def _pair(axis: int, dimensions: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices for voxels and their next ones along an axis."""
    low, high = [slice(None)] * dimensions, [slice(None)] * dimensions
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    return tuple(low), tuple(high)
