"""Mask images of any make as arrays of two values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

LOSSY = frozenset((".jpg", ".jpeg"))
TIFF = frozenset((".tif", ".tiff"))
SUFFIXES = LOSSY | TIFF | {".png", ".bmp"}
_FAINT = 64
"""A lossy image whose greys span less has one value and the compression's ripples."""
_GREYS = 0.25
"""An image with a larger share of pixels far from both ends of its range is a photograph."""


def images(folder: Path) -> list[Path]:
    """All mask images below a folder, in order of their names.

    Raises
    ------
    InputError
        If there is no such folder or it holds no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one that holds mask images.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise InputError(f"{folder} holds no mask image; wanted are {', '.join(sorted(SUFFIXES))}.")
    return found


def pages(path: Path) -> Iterator[NDArray[np.generic]]:
    """The pictures of one file, each of shape (y, x) or (y, x, colours).

    Raises
    ------
    InputError
        If the file is damaged.
    """
    import tifffile
    from PIL import Image

    try:
        if path.suffix.lower() in TIFF:
            with tifffile.TiffFile(path) as file:
                yield from (page.asarray() for page in file.pages)
            return
        with Image.open(path) as image:
            if image.mode in ("P", "PA", "LA", "CMYK", "YCbCr", "HSV", "LAB"):
                yield np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
            else:
                yield np.asarray(image)
    except (OSError, ValueError, SyntaxError, tifffile.TiffFileError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as an image ({error}).") from error


def bright(picture: NDArray[np.generic], lossy: bool = False) -> NDArray[np.bool_] | None:
    """Where a picture is bright, or opaque; none if it is a photograph.

    Parameters
    ----------
    picture
        Shape (y, x) or (y, x, colours), the last colour of 2 or 4 being opacity.
    lossy
        Whether greys come from compression.
    """
    grey = _grey(picture)
    low, high = float(grey.min()), float(grey.max())
    if high == low or (lossy and high - low < _FAINT):
        return np.full(grey.shape, float(grey.mean()) > (127 if lossy else 0))
    level = (grey.astype(np.float64) - low) / (high - low)
    if float(((level > 0.25) & (level < 0.75)).mean()) > _GREYS:
        return None
    return np.asarray(level > 0.5)


def _grey(picture: NDArray[np.generic]) -> NDArray[np.generic]:
    """The one channel that tells most."""
    if picture.ndim == 2:
        return picture
    colours = picture.reshape(*picture.shape[:2], -1)
    opaque = np.ones(colours.shape[:2], np.bool_)
    if colours.shape[2] in (2, 4):
        opaque, colours = np.asarray(colours[..., -1] > colours[..., -1].max() / 2), colours[..., :-1]
    spread = [float(channel[opaque].astype(np.float64).std()) for channel in np.moveaxis(colours, -1, 0)]
    if max(spread) == 0 and not opaque.all():
        return opaque
    channel = colours[..., int(np.argmax(spread))].copy()
    # what cannot be seen is background, which is most of what can
    values, counts = np.unique(channel[opaque], return_counts=True)
    channel[~opaque] = values[np.argmax(counts)]
    return channel
