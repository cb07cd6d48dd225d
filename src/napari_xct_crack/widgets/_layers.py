"""The one place where a volume becomes layers of napari and a layer a volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from ..errors import InputError
from ..volume import Box, LazyArray, Triple, Volume
from ._colours import one_colour

if TYPE_CHECKING:
    from napari.layers import Layer

LayerData = tuple[Any, dict[str, Any], str]
_KEY = "xct_crack"
UNKNOWN = (1.0, 1.0, 1.0)
"""Scale of a layer whose voxel size is unknown."""


def lazy(level: LazyArray) -> Any:
    """An array as napari should hold it.

    What lies on disk is wrapped in dask chunk by chunk: given as it is, napari reads whole pyramids to show one slice.
    """
    if (isinstance(level, np.ndarray) and not isinstance(level, np.memmap)) or isinstance(level, da.Array):
        return level
    chunks = getattr(level, "chunks", None) or (1, *level.shape[1:])
    return da.from_array(level, chunks=chunks, name=False, inline_array=True, meta=np.empty((0, 0, 0), level.dtype))


def data_of(volume: Volume) -> list[Any]:
    """The pyramid of a volume's crop, finest first; of a crop, only the levels on whose grid its corner lies."""
    full, crop = volume.levels[0].shape, volume.crop
    shown = []
    for level in volume.levels:
        factor = [max(1, round(side / small)) for side, small in zip(full, level.shape, strict=True)]
        if any(start % by for start, by in zip(crop.start, factor, strict=True)):
            continue
        box = tuple(
            slice(start // by, min(math.ceil(stop / by), side))
            for start, stop, by, side in zip(crop.start, crop.stop, factor, level.shape, strict=True)
        )
        shown.append(lazy(level)[box])
    return shown


def layer_of(volume: Volume, **options: Any) -> LayerData:
    """A volume as layer data; `options` go to the layer.

    Images and probabilities become image layers, masks and labels label layers, at their place in µm.
    """
    levels = data_of(volume)
    voxel = volume.voxel_size or UNKNOWN
    settings: dict[str, Any] = {
        "name": volume.name,
        "scale": voxel,
        "translate": tuple(start * side for start, side in zip(volume.origin, voxel, strict=True)),
        "units": ("um" if volume.voxel_size else "pixel",) * 3,
        "axis_labels": ("z", "y", "x"),
        "metadata": {_KEY: volume},
        "multiscale": len(levels) > 1,
    }
    if volume.role == "image":
        settings |= _contrast(volume, levels)
    elif volume.role == "probability":
        settings |= {
            "colormap": "magma",
            "blending": "additive",
            "opacity": 0.7,
            "contrast_limits": (0, full_scale(volume)),
        }
    kind = "image" if volume.role in ("image", "probability") else "labels"
    if kind == "labels":
        levels = [level.astype(np.uint8) if level.dtype == bool else level for level in levels]
        settings |= one_colour() if volume.role == "mask" else {}
    return (levels if len(levels) > 1 else levels[0], settings | options, kind)


def part_layer(volume: Volume, name: str) -> LayerData:
    """The part of a volume as a faint labels layer over the scan."""
    from ..prepare import part_factor

    assert volume.part is not None
    factor = np.array(part_factor(volume))
    voxel = np.array(volume.voxel_size or UNKNOWN)
    mask = volume.part
    settings = {
        "scale": tuple(factor * voxel),
        "translate": tuple((np.array(volume.offset) + (factor - 1) / 2) * voxel),
        "units": ("um" if volume.voxel_size else "pixel",) * 3,
        **one_colour((0.2, 0.6, 1.0, 1.0)),
        "opacity": 0.25,
    }
    data, kwargs, kind = layer_of(Volume(levels=mask.levels, role="mask", name=name))
    return data, kwargs | settings, kind


def slice_box(prepared: Volume, along: int, at: int, scan: Volume) -> Box:
    """Slice `at` of the scan along an axis, as a box counted from the corner of the prepared crop.

    Raises
    ------
    InputError
        If the slice does not meet the crop.
    """
    at -= prepared.crop.start[along] - scan.crop.start[along]
    side = prepared.shape[along]
    if not 0 <= at < side:
        raise InputError("The slice that is shown lies outside the crop; move into it.")
    start, stop = [0, 0, 0], list(prepared.shape)
    start[along], stop[along] = at, at + 1
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def full_scale(volume: Volume) -> float:
    """The stored value that means a probability of one."""
    return float(np.iinfo(volume.dtype).max) if np.issubdtype(volume.dtype, np.integer) else 1.0


def thresholded(probability: Volume, threshold: float) -> Any:
    """Label data, 1 where a probability reaches `threshold`, computed only where it is looked at."""
    cut = threshold * full_scale(probability)
    levels = [(level >= cut).astype(np.uint8) for level in data_of(probability)]
    return levels if len(levels) > 1 else levels[0]


def _contrast(volume: Volume, levels: list[Any]) -> dict[str, Any]:
    if volume.window is not None:
        low, high = sorted(volume.window)
        return {
            "contrast_limits": (low, high),
            "colormap": "gray" if volume.window[0] <= volume.window[1] else "gray_r",
        }
    coarse = levels[-1]
    rows, columns = (max(1, side // 512) for side in coarse.shape[1:])
    plane = np.asarray(coarse[coarse.shape[0] // 2, ::rows, ::columns])
    finite = plane[np.isfinite(plane)]
    low, high = np.percentile(finite, (0.5, 99.8)) if finite.size else (0.0, 1.0)
    return {"contrast_limits": (float(low), float(high) if high > low else float(low) + 1.0), "colormap": "gray"}


def volume_of(layer: Layer) -> Volume:
    """The volume that a layer shows: the one it was made from, else one over the layer's own data.

    Raises
    ------
    InputError
        If the layer is no image or label layer, is in colour, or has neither two nor three dimensions.
    """
    if made_here(layer):
        known: Volume = layer.metadata[_KEY]
        return known
    kind = layer.__class__.__name__  # a plugin is given layers in a proxy, whose type is another
    if kind not in ("Image", "Labels") or getattr(layer, "rgb", False):
        raise InputError(f"The layer {layer.name!r} is no grey image; choose an image or labels layer of one channel.")
    if layer.ndim not in (2, 3):
        raise InputError(f"The layer {layer.name!r} has {layer.ndim} dimensions; a scan has the axes z, y, x.")
    levels = list(layer.data) if layer.multiscale else [layer.data]
    voxel = _voxel_size(layer)
    path = layer.source.path
    return Volume(
        levels=tuple(level if layer.ndim == 3 else level[None] for level in levels),
        role="image" if kind == "Image" else "labels",
        voxel_size=voxel,
        offset=_offset(layer),
        source=None if path is None else str(path),
        name=layer.name,
    )


def made_here(layer: Layer) -> bool:
    """Whether the layer was made from a volume."""
    return isinstance(layer.metadata.get(_KEY), Volume)


def _voxel_size(layer: Layer) -> tuple[float, float, float] | None:
    """The layer's scale in µm where its units are lengths, else unknown."""
    sides = []
    for scale, unit in zip(layer.scale, layer.units, strict=True):
        if not unit.is_compatible_with("um"):
            return None
        sides.append(float((scale * unit).to("um").magnitude))
    z, y, x = sides if len(sides) == 3 else [sides[0], *sides]
    return (z, y, x)


def _offset(layer: Layer) -> Triple:
    steps = [round(float(at) / float(by)) for at, by in zip(layer.translate, layer.scale, strict=True)]
    z, y, x = steps if len(steps) == 3 else [0, *steps]
    return (z, y, x)


def drawn_box(shapes: Layer, image: Layer, shape: Triple, along: int, between: tuple[int, int]) -> Box:
    """The voxels whose centres lie in the last rectangle of a shapes layer.

    Parameters
    ----------
    shapes
        The layer that was drawn on, in any scale of its own.
    image
        The layer whose voxels are meant.
    shape
        Shape of the image at full resolution.
    along, between
        The axis (0, 1, 2) that is normal to the drawing, and the slices to take along it, half open.

    Raises
    ------
    InputError
        If nothing was drawn, or only outside the image.
    """
    if not len(shapes.data):
        raise InputError("No rectangle was drawn; draw one on the slice that is shown.")
    missing = [0.0] * (image.ndim - shapes.ndim)
    world = [[*missing, *shapes.data_to_world(corner)] for corner in shapes.data[-1]]
    corners = np.array([image.world_to_data(corner) for corner in world])
    start = np.maximum(np.ceil(corners.min(axis=0) - 1e-6), 0).astype(int)
    stop = np.minimum(np.floor(corners.max(axis=0) + 1e-6) + 1, shape).astype(int)
    start[along], stop[along] = max(0, between[0]), min(shape[along], between[1])
    if np.any(stop <= start):
        raise InputError(
            f"The rectangle from {tuple(start)} to {tuple(stop)} holds no voxel of the image {tuple(shape)}."
        )
    return Box(tuple(map(int, start)), tuple(map(int, stop)))  # type: ignore[arg-type]


def outline_of(box: Box, image: Layer, along: int, at: int) -> Any:
    """Corners, in world coordinates, of a box cut by the slice `at` along an axis, shape (4, 3)."""
    first, second = (axis for axis in range(3) if axis != along)
    low, high = np.array(box.start) - 0.5, np.array(box.stop) - 0.5
    corners = np.empty((4, 3))
    corners[:, along] = at
    corners[:, first] = low[first], low[first], high[first], high[first]
    corners[:, second] = low[second], high[second], high[second], low[second]
    return np.array([image.data_to_world(corner) for corner in corners])
