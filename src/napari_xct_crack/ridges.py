"""Dark ridges: how much a place looks like a dark sheet or line, without any training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def sato(flat: NDArray[np.floating[Any]], sigma: float, planar: bool = False) -> NDArray[np.float32]:
    """Dark ridges after Sato, at one scale: the largest eigenvalue of the Hessian times σ², at least 0.

    Parameters
    ----------
    flat
        Flat-fielded volume, shape (z, y, x).
    sigma
        Standard deviation of the Gaussian derivatives in voxels.
    planar
        Slice by slice (dark lines) instead of in 3-D (dark sheets).

    Returns
    -------
    float32, same shape.

    References
    ----------
    Sato et al., Medical Image Analysis 2 (1998) 143-168.
    """
    values = np.asarray(flat, dtype=np.float32)
    axes = (1, 2) if planar else (0, 1, 2)
    blur = [sigma if axis in axes else 0.0 for axis in range(3)]
    second = {}
    for place, a in enumerate(axes):
        for b in axes[place:]:
            order = [int(axis == a) + int(axis == b) for axis in range(3)]
            second[a, b] = ndimage.gaussian_filter(values, blur, order=order, mode="nearest")
    largest = _largest_of_2(second) if planar else _largest_of_3(second)
    return np.asarray(np.maximum(largest * sigma**2, 0), dtype=np.float32)


def standardised(values: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values minus their median, in units of 1.48 times their median absolute deviation, both over `where`.

    All 0 where `where` is empty or holds one value only.
    """
    inside = values[where]
    centre = np.median(inside) if inside.size else np.float32(0)
    spread = 1.48 * float(np.median(np.abs(inside - centre))) if inside.size else 0.0
    if spread == 0:
        return np.zeros_like(values)
    return np.asarray((values - centre) / np.float32(spread), dtype=np.float32)


def _largest_of_2(second: dict[tuple[int, int], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Largest eigenvalue of symmetric 2×2 matrices."""
    yy, yx, xx = second[1, 1], second[1, 2], second[2, 2]
    return np.asarray((yy + xx) / 2 + np.hypot((yy - xx) / 2, yx), dtype=np.float32)


def _largest_of_3(second: dict[tuple[int, int], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Largest eigenvalue of symmetric 3×3 matrices, by the trigonometric solution of the cubic."""
    mean = (second[0, 0] + second[1, 1] + second[2, 2]) / 3
    a, b, c = (second[axis, axis] - mean for axis in range(3))
    d, e, f = second[0, 1], second[0, 2], second[1, 2]
    size = np.sqrt((a * a + b * b + c * c + 2 * (d * d + e * e + f * f)) / 6)
    determinant = a * (b * c - f * f) - d * (d * c - e * f) + e * (d * f - b * e)
    cube = 2 * size**3
    cosine = np.divide(determinant, cube, out=np.ones_like(size), where=cube > 0)
    largest: NDArray[np.float32] = mean + 2 * size * np.cos(np.arccos(np.clip(cosine, -1, 1)) / 3)
    return largest
