"""One picture file: what its header says, and its pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import InputError
from ..settings import VoxelSize

_TYPES = {
    "1": np.bool_,
    "L": np.uint8,
    "P": np.uint8,
    "I": np.int32,
    "F": np.float32,
    "I;16": np.uint16,
    "I;16B": np.uint16,
    "I;16L": np.uint16,
}
_BAD = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Header:
    """Shape (y, x) or (y, x, channels), type and format of a picture."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    codec: str
    voxel_size: VoxelSize | None = None

    def __str__(self) -> str:
        return f"{' × '.join(str(side) for side in self.shape)} {self.dtype.name}"


def header(path: Path) -> Header:
    """What a picture says of itself; its pixels are not decoded.

    Raises
    ------
    InputError
        If it is no picture, is cut off, or holds more than one page.
    """
    if path.suffix.lower() in (".tif", ".tiff"):
        return _tiff_header(path)
    with _opened(path) as image:
        _check_complete(path, image)
        mode = _mode(image)
        channels = () if mode in _TYPES else (len(mode),)
        return Header((image.height, image.width, *channels), np.dtype(_TYPES.get(mode, np.uint8)), str(image.format))


def pixels(path: Path) -> NDArray[Any]:
    """All pixels, shape (y, x) or (y, x, channels), as stored.

    Raises
    ------
    InputError
        If they cannot be decoded.
    """
    if path.suffix.lower() in (".tif", ".tiff"):
        return _tiff_pixels(path)
    with _opened(path) as image:
        try:
            mode = _mode(image)
            array = np.asarray(image if mode in _TYPES else image.convert(mode))
        except _BAD as error:
            raise InputError(f"{path.name} is damaged and cannot be decoded ({error}).") from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error at twice that size is heeded
            image = Image.open(path)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path.name} claims more pixels than a slice can have ({error}).") from error
    except _BAD as error:
        raise InputError(f"{path.name} is named as a picture but holds none that can be read.") from error
    with image:
        yield image


def _mode(image: Image.Image) -> str:
    """How the pixels are read: grey as it is stored, else with three colours and, where it has one, an opacity."""
    if image.mode in _TYPES:
        return image.mode
    if image.mode == "P":
        palette = np.asarray(image.getpalette() or [0, 0, 0], dtype=np.int32).reshape(-1, 3)
        if np.ptp(palette, axis=1).max() == 0 and (np.diff(palette[:, 0]) >= 0).all():
            return "P"  # a rising grey scale is for display, the stored numbers are the scan's
    opaque = not image.mode.endswith("A") and "transparency" not in image.info
    return "RGB" if opaque else "RGBA"


def _png_depth(path: Path) -> int:
    """Bits of a channel, which stand at a fixed place of the header."""
    with path.open("rb") as file:
        return file.read(25)[-1]


def _check_complete(path: Path, image: Image.Image) -> None:
    """Uncompressed pixels must fit into the file, and colours into eight bits."""
    if image.format == "PNG" and _mode(image) not in _TYPES and _png_depth(path) == 16:
        raise InputError(f"{path.name} has colours of 16 bits a channel; save it in grey or as TIFF.")
    tiles = image.tile  # type: ignore[attr-defined]
    if not tiles:
        raise InputError(f"{path.name} is damaged: it has a header and no pixels.")
    codec, _, offset, arguments = tiles[0]
    if codec != "raw" or not isinstance(arguments, tuple):
        return
    needed, size = offset + int(arguments[1]) * image.height, path.stat().st_size
    if needed > size:
        raise InputError(f"{path.name} is truncated: it has {size} bytes and its pixels need {needed}.")


def _tiff_header(path: Path) -> Header:
    from ._tiff_checks import damage_said
    from ._tiff_voxels import stated_size
    from .tiff import codec_of, opened_tiff

    with opened_tiff(path) as (tif, series):
        page = series.keyframe
        if series.size != page.size:
            raise InputError(
                f"{path.name} holds {series.size // page.size} pages, a slice is one; open that file by itself."
            )
        with damage_said(path):
            size, _ = stated_size(tif, page, 1)
        shape = (page.shape[1], page.shape[2], page.shape[0]) if page.axes == "SYX" else page.shape
        return Header(tuple(int(side) for side in shape), series.dtype.newbyteorder("="), codec_of(page), size)


def _tiff_pixels(path: Path) -> NDArray[Any]:
    from .tiff import opened_tiff, page_pixels

    with opened_tiff(path) as (_, series):
        return page_pixels(path, series, 0)
