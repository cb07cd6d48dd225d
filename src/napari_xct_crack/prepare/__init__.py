"""Make a scan ready: its crop, the part in it and the grey window, none of which copies a voxel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy import ndimage

from ..errors import InputError
from ..settings import Length, Settings
from ..volume import Box, Triple, Volume
from ._coarse import Coarse, coarse
from ._grid import part_at, part_cells, part_factor, with_part
from ._part import metal_threshold, whole_part

__all__ = [
    "PrepareSettings",
    "estimate_window",
    "find_part",
    "fit_to_part",
    "grey_histogram",
    "part_at",
    "part_factor",
    "prepare",
]

SAMPLES = 32
SAMPLE_SIDE = 192
FIELD_OF_VIEW_SHARE = 0.01
"""The lowest grey value stands for "outside the field of view" where it fills at least this share of the volume."""


class PrepareSettings(Settings):
    """How the part and the grey window are found; the same settings find them in another scan."""

    find_part: bool = Field(True, description="Tell the part from air and from what lies outside the field of view.")
    closing: Length = Field(
        Length(12.0), description="Cracks that reach the surface belong to the part up to this width."
    )
    low: float = Field(0.5, ge=0, lt=100, description="Percentile of the grey values inside the part shown as black.")
    high: float = Field(99.5, gt=0, le=100, description="Percentile of the grey values inside the part shown as white.")
    invert: bool = Field(False, description="Cracks are brighter than metal.")

    @model_validator(mode="after")
    def _rising(self) -> PrepareSettings:
        if self.low >= self.high:
            raise ValueError(f"the lower percentile must be below the upper one, given {self.low} and {self.high}")
        return self


def prepare(
    volume: Volume,
    settings: PrepareSettings | None = None,
    *,
    crop: Box | None = None,
    window: tuple[float, float] | None = None,
    part: Volume | None = None,
) -> Volume:
    """Crop a scan and add its part and its grey window, found by the settings where they are not given.

    Parameters
    ----------
    crop
        Box in the volume's own voxels.
    window
        Grey values shown as black and white; the first above the second means that cracks are brighter than metal.
    part
        Mask of the part, a whole number of times coarser than the scan or of the shape of scan or crop.

    Returns
    -------
    Volume
        A view; what was found is added to its notes.

    Raises
    ------
    InputError
        If the crop leaves the volume, the part does not fit it, or the volume holds one grey value only.
    SettingsError
        If a length is given in µm and the voxel size is unknown.
    """
    settings = settings or PrepareSettings()
    if part is not None:
        volume = with_part(volume if crop is None else volume.cropped(crop), part)
    elif settings.find_part and volume.part is None:
        volume = replace(volume, part=find_part(volume, settings))
    if crop is not None and part is None:
        volume = volume.cropped(crop)
    return replace(volume, window=window or volume.window or estimate_window(volume, settings))


def find_part(volume: Volume, settings: PrepareSettings | None = None) -> Volume:
    """Find metal, with the cracks and pores in it, against air and what lies outside the field of view.

    Works on a coarse picture of the whole scan, so that its size does not matter. A scan in which nothing but metal is
    seen is all part.

    Returns
    -------
    Volume
        Mask over level 0 of the scan (not only its crop), a whole number of times coarser.

    Raises
    ------
    InputError
        If the volume holds one grey value only.
    SettingsError
        If the closing is given in µm and the voxel size is unknown.
    """
    settings = settings or PrepareSettings()
    width = settings.closing.voxels(volume.voxel_size)
    small = coarse(volume)
    mask, note = _metal(small, settings.invert)
    radius = [side / 2 / cell for side, cell in zip(width, small.factor, strict=True)]
    mask = whole_part(mask, (radius[0], radius[1], radius[2]))
    sizes = volume.voxel_size
    if sizes is not None:
        z, y, x = (side * by for side, by in zip(sizes, small.factor, strict=True))
        sizes = (z, y, x)
    notes: tuple[str, ...] = (note, f"The part fills {100 * mask.mean():.3g} % of the scan.")
    if not small.complete:
        notes += (f"It was found from {len(mask)} slices; as an OME-Zarr with levels the scan would give a finer one.",)
    return Volume(levels=(mask,), role="mask", voxel_size=sizes, name=f"{volume.name} part", notes=notes)


def fit_to_part(volume: Volume) -> Box:
    """The smallest box of the volume's own voxels that holds its part, with a little around it.

    Raises
    ------
    InputError
        If there is none of the part in the volume.
    """
    start, stop = [], []
    cells, factor = part_cells(volume)
    for axis, by in enumerate(factor):
        along = np.flatnonzero(cells.any(axis=tuple(other for other in range(3) if other != axis)))
        start.append(int(along[0] - 1) * by)
        stop.append(int(along[-1] + 2) * by)
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])).intersection(volume.crop)
    z, y, x = volume.crop.start
    return box.shifted((-z, -y, -x))


def estimate_window(volume: Volume, settings: PrepareSettings | None = None) -> tuple[float, float]:
    """Percentiles of the grey values inside the part, from patches drawn with a fixed seed.

    A part that the volume does not carry is found first, where the settings say so.

    Returns
    -------
    tuple
        Grey values shown as black and white; the first above the second where cracks are brighter than metal.

    Raises
    ------
    InputError
        If there is none of the part in the volume, or one grey value only.
    """
    settings = settings or PrepareSettings()
    if volume.part is None and settings.find_part:
        volume = replace(volume, part=find_part(volume, settings))
    values = _sample(volume)
    low, high = (float(value) for value in np.percentile(values, (settings.low, settings.high)))
    if not low < high:
        raise InputError(
            f"{volume.name} has the grey value {low:g} almost everywhere inside the part: there is no contrast to show."
        )
    return (high, low) if settings.invert else (low, high)


def grey_histogram(volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How often grey values occur inside the part, counted where :func:`estimate_window` looks.

    Returns
    -------
    tuple
        Edges of 100 bins, shape (101,), which leave out the outermost 0.1 % at either end and hold the volume's window;
        voxels in each, shape (100,).

    Raises
    ------
    InputError
        If there is none of the part in the volume.
    """
    values = _sample(volume)
    ends = [*np.percentile(values, (0.1, 99.9)), *(volume.window or ())]
    counts, edges = np.histogram(values, 100, (min(ends), max(ends)))
    return edges, counts.astype(np.int64)


def _sample(volume: Volume) -> NDArray[np.float64]:
    """Grey values of patches around voxels of the part that are drawn at random."""
    rng = np.random.default_rng(0)
    cells, factor = part_cells(volume)
    places = np.argwhere(cells)
    chosen = rng.choice(len(places), min(SAMPLES, len(places)), replace=False)
    values = []
    for place in sorted(chosen):
        middle = (places[place] + rng.random(3)) * factor - volume.crop.start
        box = _around(middle, volume.shape)
        values.append(volume.read(box)[part_at(volume, box)])
    found = np.concatenate(values).astype(np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        raise InputError(f"{volume.name} holds none of the part in the crop, or no number in it.")
    return found


def _around(middle: NDArray[np.float64], shape: Triple) -> Box:
    """One slice of a patch around a place, moved into the volume."""
    sides = (1, min(SAMPLE_SIDE, shape[1]), min(SAMPLE_SIDE, shape[2]))
    z, y, x = (
        int(np.clip(round(at - side / 2), 0, whole - side))
        for at, side, whole in zip(middle, sides, shape, strict=True)
    )
    return Box((z, y, x), (z + sides[0], y + sides[1], x + sides[2]))


def _metal(small: Coarse, invert: bool) -> tuple[NDArray[np.bool_], str]:
    """Cells of metal before cracks are closed, and how they were told."""
    if small.grey.min() == small.grey.max():
        where = "everywhere" if small.complete else f"everywhere in the {len(small.grey)} slices that were looked at"
        raise InputError(f"The scan has the grey value {small.grey.flat[0]:g} {where}: there is no part to find.")
    seen = ~small.outside
    if small.outside.mean() < FIELD_OF_VIEW_SHARE:
        seen[:] = True
    finest = min(small.factor)
    blur = [finest / by if side > 1 else 0.0 for by, side in zip(small.factor, small.grey.shape, strict=True)]
    smooth = ndimage.gaussian_filter(small.grey, blur)
    values = -smooth if invert else smooth
    threshold = metal_threshold(values[seen])
    if threshold is None:
        return seen, "No air is seen: all that lies inside the field of view was taken as part."
    shown = -threshold if invert else threshold
    return seen & (values > threshold), f"Metal and air are parted at the grey value {shown:.6g}."
