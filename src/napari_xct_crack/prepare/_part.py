"""Where the part is: metal, with the cracks and pores in it, against air and what lies outside the field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

Mask = NDArray[np.bool_]

LEAST_SEPARATION = 3.0
"""Ashman's D of air and metal; a normal distribution cut in two has 2.65."""
DEEPEST_VALLEY = 0.5
"""Between air and metal the histogram falls to less than this share of the lower peak; noise has no valley."""
BINS = 64
FEWEST = 1000
"""Fewer values say nothing about peaks."""
SMALLEST_PIECE = 0.05
"""Pieces smaller than this share of the largest one are dust or noise."""
LARGEST_HOLE = 0.02
"""Enclosed voids larger than this share of the part are cavities of its shape, not cracks or pores."""


def metal_threshold(grey: NDArray[np.float32]) -> float | None:
    """The grey value between air and metal, or none if the values have one peak only or are too few to tell.

    Parameters
    ----------
    grey
        Smoothed values inside the field of view, any shape.
    """
    if grey.size < FEWEST or grey.min() == grey.max():
        return None
    threshold = float(threshold_otsu(grey))
    low, high = grey[grey <= threshold], grey[grey > threshold]
    gap = float(high.mean(dtype=np.float64) - low.mean(dtype=np.float64))
    spread = float(np.sqrt(low.var(dtype=np.float64) + high.var(dtype=np.float64)))
    separated = np.sqrt(2) * gap >= LEAST_SEPARATION * spread
    return threshold if separated and _valley(grey, threshold) <= DEEPEST_VALLEY else None


def _valley(grey: NDArray[np.float32], threshold: float) -> float:
    """Lowest density between the peaks below and above a threshold, as a share of the lower peak."""
    counts, edges = np.histogram(grey, BINS)
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 1.0)
    below = edges[1:] <= threshold
    if below.all() or not below.any():
        return 1.0
    left, right = int(np.argmax(np.where(below, smooth, -1))), int(np.argmax(np.where(below, -1, smooth)))
    return float(smooth[left : right + 1].min() / min(smooth[left], smooth[right]))


def whole_part(metal: Mask, radius: tuple[float, float, float]) -> Mask:
    """The part that metal belongs to: cracks to the surface closed, dust left out, cracks and pores inside filled.

    Parameters
    ----------
    metal
        Shape (z, y, x).
    radius
        Half the width of the gaps that are closed, in cells along z, y, x.
    """
    if metal.all() or not metal.any():
        return metal
    around = tuple(
        slice(max(0, int(along.min() - reach) - 2), int(along.max() + reach) + 3)
        for along, reach in zip(np.nonzero(metal), radius, strict=True)
    )
    result = np.zeros_like(metal)
    result[around] = _filled(_without_dust(_closed(metal[around], radius)))
    return result


def _closed(mask: Mask, radius: tuple[float, float, float]) -> Mask:
    """Close gaps narrower than twice a radius, given in cells along z, y, x; the border is no edge of the part."""
    if max(radius) < 1 or mask.all():
        return mask
    sampling = [1 / max(side, 1e-3) for side in radius]
    dilated = ndimage.distance_transform_edt(~mask, sampling=sampling) <= 1
    if dilated.all():
        return np.ones_like(mask)
    result: Mask = mask | (ndimage.distance_transform_edt(dilated, sampling=sampling) > 1)
    return result


def _without_dust(mask: Mask) -> Mask:
    """Keep the pieces that are not much smaller than the largest."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    result: Mask = (sizes >= SMALLEST_PIECE * sizes.max())[labels]
    return result


def _filled(mask: Mask) -> Mask:
    """Add the small voids that the part encloses: its cracks and pores."""
    flat = mask.shape[0] == 1
    holes = (ndimage.binary_fill_holes(mask[0])[None] if flat else ndimage.binary_fill_holes(mask)) & ~mask
    labels, count = ndimage.label(holes)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = mask.size
    result: Mask = mask | (sizes <= LARGEST_HOLE * np.count_nonzero(mask))[labels]
    return result
