"""A library of crack masks in one file: how it is made and read. Masks are kept as bits and read one by one."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..errors import InputError
from ..events import Progress, Said, Warned, Work
from ._reading import LOSSY, bright, images, pages

FORMAT = "xct-crack mask library 1"
Mask = NDArray[np.bool_]
_EMPTY, _FULL, _PHOTO = "empty", "all crack", "no masks but photographs"


class Masks:
    """The masks of a library file; nothing but their places is read before one is asked for.

    Raises
    ------
    InputError
        If the file is missing, damaged, empty or something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(path, framework="numpy")
            if (self._file.metadata() or {}).get("format") != FORMAT:
                raise InputError(f"{path} is no library of crack masks; make one with xct-crack library FOLDER LIBRARY.")
            self._shapes = self._file.get_tensor("shapes")
            self._starts = self._file.get_tensor("starts")
            self._bits = self._file.get_slice("bits")
            held = self._bits.get_shape()[0]
        except (OSError, SafetensorError) as error:
            raise InputError(
                f"The mask library {path} is missing or damaged ({error}); make it with xct-crack library FOLDER LIBRARY."
            ) from error
        needed = -(-self._shapes.prod(axis=1) // 8)
        if not len(needed) or held != self._starts[-1] or (np.diff(self._starts) != needed).any():
            raise InputError(f"The mask library {path} holds no masks; make it with xct-crack library FOLDER LIBRARY.")

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, number: int) -> Mask:
        """One mask, shape (y, x), crack True."""
        height, width = (int(side) for side in self._shapes[number])
        bits = self._bits[int(self._starts[number]) : int(self._starts[number + 1])]
        return np.unpackbits(bits, count=height * width).reshape(height, width).astype(np.bool_)


def opened(path: Path) -> Masks:
    """The masks of a library file; the same file is opened once."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"The mask library {path} is missing; make it with xct-crack library FOLDER LIBRARY.") from error
    return _opened(path.resolve(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _opened(path: Path, changed: int, size: int) -> Masks:
    return Masks(path)


def build(
    folder: Path, out: Path, polarity: Literal["auto", "bright", "dark"] = "auto", width: float | None = None
) -> Work[int]:
    """Make a library of all mask images below a folder; returns how many masks it holds.

    Parameters
    ----------
    polarity
        Which pixels are crack; automatically the fewer ones, counted over all images that lie in one folder.
    width
        Median width, in pixels, to which thicker cracks are thinned.

    Raises
    ------
    InputError
        If no mask is left.
    """
    found = images(folder)
    dropped: Counter[str] = Counter()
    sets: dict[Path, list[Mask]] = {}
    packed: list[tuple[tuple[int, int], NDArray[np.uint8]]] = []
    for number, path in enumerate(found):
        try:
            masks = [bright(picture, path.suffix.lower() in LOSSY) for picture in pages(path)]
        except InputError as error:
            yield Warned(str(error))
            dropped["damaged"] += 1
            masks = []
        dropped[_PHOTO] += sum(mask is None for mask in masks)
        sets.setdefault(path.parent, []).extend(_Bits(mask) for mask in masks if mask is not None)
        yield Progress(number + 1, len(found), "mask images")
    raise NotImplementedError
