"""TIFF and BigTIFF, one or many pages, compressed or not; pages are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from logging import NullHandler
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..errors import InputError
from ..settings import VoxelSize
from ..volume import Volume
from ._axes import axes_of
from ._grey import grey, grey_type
from ._stack import SliceStack
from ._tiff_checks import MALFORMED, check_chain, check_pages, damage_said, reason
from ._tiff_voxels import stated_size
from ._units import settle

tifffile.logger().addHandler(NullHandler())  # what it would print to the console is said by our errors

_UNDECODABLE = (*MALFORMED, OSError, MemoryError)


def open_tiff(path: Path, *, voxel_size: VoxelSize | None = None, index: Mapping[str, int] | None = None) -> Volume:
    """Open a TIFF lazily.

    Parameters
    ----------
    path
        The file.
    voxel_size
        µm along z, y, x; goes before what the file states.
    index
        Which entry of a further axis to take (``{"c": 0}``).

    Raises
    ------
    InputError
        If the file is truncated, claims more than it can hold, is in colour, has more axes than can be told, or if a
        longer axis is not chosen.
    """
    tif, series = _checked(path)
    stack, notes = _stack(path, series, dict(index or {}))
    if len(tif.series) > 1:
        notes += (f"It holds {len(tif.series)} images of different shape: the largest is read.",)
    with damage_said(path):
        stated, assumed = stated_size(tif, series.keyframe, stack.shape[0])
    size, said = settle(stated, voxel_size)
    return Volume(
        levels=(stack,),
        voxel_size=size,
        source=str(path.absolute()),
        name=path.name.split(".")[0],
        notes=notes + said + (assumed if size == stated else ()),
    )


@contextmanager
def opened_tiff(path: Path) -> Iterator[tuple[Any, Any]]:
    """An intact `tifffile.TiffFile` and its largest series, closed in the end; errors as in :func:`open_tiff`."""
    tif, series = _checked(path)
    with tif:
        yield tif, series


def page_pixels(path: Path, series: Any, number: int) -> NDArray[Any]:
    """One page of a series, shape (y, x) or (y, x, channels), in the machine's byte order.

    Raises
    ------
    InputError
        If it cannot be decoded.
    """
    try:
        picture = series.pages[number].asarray()
    except _UNDECODABLE as error:
        raise InputError(f"Page {number} of {path.name} is damaged and cannot be decoded ({reason(error)}).") from error
    return np.moveaxis(picture, 0, -1) if series.keyframe.axes == "SYX" else picture


def codec_of(page: Any) -> str:
    """``TIFF (lzw)``."""
    names = {int(one): one.name.lower().replace("none", "uncompressed") for one in tifffile.COMPRESSION}
    return f"TIFF ({names.get(int(page.compression), page.compression)})"


def _checked(path: Path) -> tuple[Any, Any]:
    """An open TIFF and its largest series, after everything that damage can spoil was looked at."""
    check_chain(path)
    with ExitStack() as undo, damage_said(path):
        tif = undo.enter_context(tifffile.TiffFile(path))
        series = max(tif.series, key=lambda one: int(one.nbytes))
        check_pages(path, tif, series)
        codec_of(series.keyframe)
        undo.pop_all()
        return tif, series


def _stack(path: Path, series: Any, index: dict[str, int]) -> tuple[SliceStack, tuple[str, ...]]:
    """The chosen z, y, x of a series, and what was assumed."""
    page = series.keyframe
    sides = (int(page.imagelength), int(page.imagewidth))
    names, notes = _names(path, series)
    channel = index.pop("c", None) if "S" in page.axes and "c" not in names else None
    leading = tuple(int(side) for side in series.shape[: len(names)])
    axes = axes_of((*leading, *sides), [*names, "y", "x"], index, path.name)
    pictures = _pictures(path, series)

    def read(z: int) -> NDArray[Any]:
        place = [axes.fixed.get(axis, z) for axis in range(len(leading))]
        number = int(np.ravel_multi_index(place, leading)) if leading else 0
        return grey(pictures(number), channel, path.name)

    count = 1 if axes.zyx[0] is None else leading[axes.zyx[0]]
    dtype = grey_type(series.dtype, path.name)
    if "S" in page.axes and channel is None:
        read(count // 2)  # real colour is found out on opening
        notes += ("Its colour channels are equal: read as grey.",)
    stack = SliceStack(read, (count, *sides), dtype, cached=series.dataoffset is None, codec=codec_of(page))
    return stack, axes.notes + notes


def _names(path: Path, series: Any) -> tuple[list[str], tuple[str, ...]]:
    """Names of the axes that lead from page to page; a single one without a name is z."""
    page = series.keyframe
    if page.axes not in ("YX", "YXS", "SYX"):
        raise InputError(f"{path.name} holds pages with the axes {page.axes}; pages of y and x are read.")
    names = list(series.axes[: len(series.axes) - page.ndim].lower())
    unnamed = [place for place, name in enumerate(names) if name in "iq"]
    if len(unnamed) > 1 or (unnamed and "z" in names):
        lengths = ", ".join(str(side) for side in series.shape)
        raise InputError(
            f"{path.name} has {len(series.shape)} dimensions of lengths {lengths} and does not name its axes; "
            "three (z, y, x) or named axes are needed."
        )
    if unnamed:
        names[unnamed[0]] = "z"
        return names, ("The pages are not named: they were taken as slices along z.",)
    return names, () if "z" in names else ("It has no z axis: read as a single slice.",)


def _pictures(path: Path, series: Any) -> Callable[[int], NDArray[Any]]:
    """Gives a page by its number: uncompressed pages in one run are mapped into memory, others decoded."""
    page = series.keyframe
    if series.dataoffset is None or series.dtype.kind == "b":
        return lambda number: page_pixels(path, series, number)
    dtype = series.dtype.newbyteorder(series.parent.byteorder)
    shape = (series.size // page.size, *page.shape)

    def mapped(number: int) -> NDArray[Any]:
        # anew each time: what a mapping has touched counts as the process's memory as long as it lives
        found = np.memmap(path, dtype=dtype, mode="r", offset=series.dataoffset, shape=shape)[number]
        return np.moveaxis(found, 0, -1) if page.axes == "SYX" else found

    return mapped
