"""A library of crack masks in one file: how it is made and read. Masks are kept as bits and read one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..errors import InputError, writing
from ..events import Progress, Said, Warned, Work
from ..records import write_tensors
from ._polyline import LINE_FROM
from ._reading import LOSSY, bright, images, pages

FORMAT = "xct-crack mask library 1"
Mask = NDArray[np.bool_]
_EMPTY, _FULL, _PHOTO, _DAMAGED = "empty", "all crack", "photographs", "damaged"
Polarity = Literal["auto", "bright", "dark"]
"""Which pixels of a mask image are crack; automatically the fewer ones, counted over all images of one folder."""


@dataclass(frozen=True)
class Packed:
    """A mask as bits."""

    shape: tuple[int, int]
    bits: NDArray[np.uint8]
    share: float
    """Share of the pixels that are set."""

    @classmethod
    def of(cls, mask: Mask) -> Packed:
        return cls((mask.shape[0], mask.shape[1]), np.packbits(mask), float(mask.mean()))

    @property
    def mask(self) -> Mask:
        return np.unpackbits(self.bits, count=self.shape[0] * self.shape[1]).reshape(self.shape).astype(np.bool_)


class Masks:
    """The masks of a library file; nothing but their places is read before one is asked for.

    Raises
    ------
    InputError
        If the file is missing, damaged, empty or something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = cast(Any, safe_open(path, framework="numpy"))  # untyped
            if (self._file.metadata() or {}).get("format") != FORMAT:
                raise InputError(
                    f"{path} is no library of crack masks; make one with xct-crack library FOLDER LIBRARY."
                )
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
        return Packed((height, width), bits, 0.0).mask


def opened(path: Path) -> Masks:
    """The masks of a library file; the same file is opened once."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(
            f"The mask library {path} is missing; make it with xct-crack library FOLDER LIBRARY."
        ) from error
    return _opened(path.resolve(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _opened(path: Path, changed: int, size: int) -> Masks:
    return Masks(path)


def build(folder: Path, out: Path, polarity: Polarity = "auto", width: float | None = None) -> Work[int]:
    """Make a library of all mask images below a folder; returns how many masks it holds.

    Parameters
    ----------
    width
        Median width, in pixels, to which thicker cracks are thinned.

    Raises
    ------
    InputError
        If there is no image, or no mask is left.
    """
    found, done = images(folder), 0
    dropped = Counter(dict.fromkeys((_EMPTY, _FULL, _PHOTO, _DAMAGED), 0))
    kept: list[Packed] = []
    for _, paths in groupby(sorted(found, key=lambda path: (path.parent, path.name)), key=lambda path: path.parent):
        together: list[Packed] = []
        for path in paths:
            try:
                read = [bright(picture, path.suffix.lower() in LOSSY) for picture in pages(path)]
            except InputError as error:
                yield Warned(str(error))
                dropped[_DAMAGED] += 1
                read = []
            together += [Packed.of(mask) for mask in read if mask is not None]
            dropped[_PHOTO] += sum(mask is None for mask in read)
            done += 1
            yield Progress(done, len(found), "mask images")
        kept += _cracks(together, polarity, width, dropped)
    lost = ", ".join(f"{count} {why}" for why, count in dropped.items() if count) or "none"
    yield Said(f"{len(kept)} masks kept; dropped: {lost}.")
    if not kept:
        raise InputError(f"{folder} holds no mask with a crack; dropped: {lost}.")
    share = float(np.mean([mask.share for mask in kept]))
    yield Said(f"{share:.2%} of a mask is crack in the mean; the masks take {_write(out, kept) / 1e6:.1f} MB.")
    return len(kept)


def _cracks(masks: list[Packed], polarity: Polarity, width: float | None, dropped: Counter[str]) -> list[Packed]:
    """The masks of one folder with crack True, thinned; uniform ones are counted in `dropped`."""
    mixed = [mask for mask in masks if 0 < mask.share < 1]
    pixels = sum(mask.shape[0] * mask.shape[1] for mask in mixed)
    bright_share = sum(mask.share * mask.shape[0] * mask.shape[1] for mask in mixed) / max(pixels, 1)
    dark = polarity == "dark" or (polarity == "auto" and bright_share > 0.5)
    dropped[_EMPTY] += sum(mask.share == float(dark) for mask in masks)
    dropped[_FULL] += sum(mask.share == float(not dark) for mask in masks)
    turned = [Packed.of(~mask.mask) for mask in mixed] if dark else mixed
    return turned if width is None else [Packed.of(thinned(mask.mask, width)[1]) for mask in turned]


def thinned(mask: Mask, width: float) -> tuple[NDArray[np.float32], Mask]:
    """Thin cracks about their middle lines, never thicken them.

    Parameters
    ----------
    mask
        Shape (y, x).
    width
        Median width wanted, in pixels; it may lie below one.

    Returns
    -------
    Coverage, and where it is at least half or on a middle line whose width is at least 0.3.
    """
    from scipy import ndimage
    from skimage.morphology import skeletonize

    line = skeletonize(mask)
    if not line.any():
        return mask.astype(np.float32), mask.copy()
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    wide = 2 * depth[line] - 1
    factor = min(1.0, width / float(np.median(wide)))
    distance, nearest = ndimage.distance_transform_edt(~line, return_indices=True)
    local = (factor * (2 * depth - 1))[tuple(nearest)]
    overlap = np.minimum(distance + 0.5, local / 2) - np.maximum(distance - 0.5, -local / 2)
    coverage = np.where(mask, np.clip(overlap, 0, 1), 0).astype(np.float32)
    return coverage, np.asarray((coverage >= 0.5) | (line & (local >= LINE_FROM)))


def _write(out: Path, masks: list[Packed]) -> int:
    """Write a library file; returns the bytes of its masks."""
    from torch import from_numpy

    starts = np.concatenate([[0], np.cumsum([len(mask.bits) for mask in masks])])
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "bits": from_numpy(np.concatenate([mask.bits for mask in masks])),
        "shapes": from_numpy(np.array([mask.shape for mask in masks], np.int64)),
        "starts": from_numpy(starts.astype(np.int64)),
    }
    write_tensors(out, tensors, {"format": FORMAT})
    return int(starts[-1])
