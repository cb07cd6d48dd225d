"""The voxel size that a TIFF states: OME, ImageJ, or the resolution tags."""

from __future__ import annotations

from typing import Any

import tifffile

from ..settings import VoxelSize
from ._units import micrometres

_CENTIMETRE = 3

Stated = tuple[VoxelSize | None, tuple[str, ...]]


def stated_size(tif: Any, page: Any, slices: int) -> Stated:
    """µm along z, y, x where the file states them, and what was assumed.

    Parameters
    ----------
    tif
        The open `tifffile.TiffFile`.
    page
        Its page that stands for all.
    slices
        How many slices it has: a single one needs no pitch.
    """
    z, y, x = _ome(tif) if tif.is_ome else _imagej(tif, page) if tif.is_imagej else _tags(page)
    if y is None or x is None:
        return None, ()
    if z is None:
        assumed = (
            ()
            if slices == 1
            else (f"The file does not state the distance of its slices: taken as {y:.6g} µm, as in the plane.",)
        )
        return (y, y, x), assumed
    return (z, y, x), ()


def _ome(tif: Any) -> list[float | None]:
    found = tifffile.xml2dict(tif.ome_metadata).get("OME", {}).get("Image", {})
    pixels = (found[0] if isinstance(found, list) else found).get("Pixels", {})
    return [_positive(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "ZYX"]


def _imagej(tif: Any, page: Any) -> list[float | None]:
    metadata = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", "pixel"))
    across = [_positive(_pitch(page, tag), unit) for tag in ("YResolution", "XResolution")]
    return [_positive(metadata.get("spacing"), unit), *across]


def _tags(page: Any) -> list[float | None]:
    """Only where given per centimetre: dots per inch are a printing default that instruments leave in."""
    if page.resolutionunit != _CENTIMETRE:
        return [None, None, None]
    return [None, *(_positive(_pitch(page, tag), "cm") for tag in ("YResolution", "XResolution"))]


def _pitch(page: Any, tag: str) -> float | None:
    """Length of a pixel in the tag's unit; the tag stores pixels per unit as a fraction."""
    pixels, units = page.tags[tag].value if tag in page.tags else (0, 0)
    return units / pixels if pixels else None


def _positive(length: float | None, unit: str) -> float | None:
    factor = micrometres(unit)
    if length is None or factor is None or not 0 < float(length) < float("inf"):
        return None
    return float(length) * factor
