"""Slices of a scan as a network sees them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)


def to_frames(grey: NDArray[np.generic], window: tuple[float, float]) -> NDArray[np.float32]:
    """Grey values to the networks' range: −1 at the window's first value, 1 at its second, clipped at ±1.5."""
    lo, hi = window
    scaled = grey.astype(np.float32)
    scaled -= np.float32(lo)
    scaled *= np.float32(2 / (hi - lo))
    scaled -= np.float32(1)
    return np.clip(scaled, -1.5, 1.5, out=scaled)


def shown_slices(wanted: int, depth: int) -> int:
    """So many neighbouring slices, odd, as a scan of `depth` slices has: repeated ones would not look like rendered ones."""
    return min(wanted, max(1, depth - 1 + depth % 2))


def reflected(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices beyond an axis of `length` folded back into it, the ends not repeated."""
    if length == 1:
        return np.zeros_like(index)
    folded = np.abs(index) % (2 * length - 2)
    result: NDArray[np.int64] = np.minimum(folded, 2 * length - 2 - folded)
    return result


def turned(array: NDArray[Pixel], flip: bool, turns: int) -> NDArray[Pixel]:
    """Quarter turns in the plane of the last two axes, then mirrored along the last one."""
    result: NDArray[Pixel] = np.rot90(array, turns, axes=(-2, -1))
    return result[..., ::-1] if flip else result
