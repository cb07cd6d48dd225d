"""Which voxels of a scan may be crack, told without labels: they are never taught as metal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .response import DARK, dark_response
from .ridges import sato, standardised

Mask = NDArray[np.bool_]

_RIDGE, _FAINT = 3.0, 2.0
"""Standardised ridge strength that no noise has, and the one down to which such a ridge is followed: cracks fade."""

_SPECK = 8
"""Longest side, in voxels, of what is taken for a pore."""

_ALL = np.ones((3, 3, 3))


def doubt(flat: NDArray[np.float32], part: Mask, point_spread: float) -> Mask:
    """Voxels that may be crack: dark sheets and all that is faintly so beside them, and what is dark beyond noise.

    The part's blurred rim is left out: there metal fades into air.

    Parameters
    ----------
    flat, part
        A block after removal of its local mean inside the part, and the part; shape (z, y, x).
    point_spread
        Standard deviation in voxels; the ridges looked for are as wide as a narrow crack blurred by it.
    """
    inside = part if part.all() else part & (ndimage.distance_transform_edt(part) > 2.5 * point_spread + 1)
    ridge = standardised(sato(flat, float(np.hypot(point_spread, 2))), inside)
    dark = dark_response(flat, part, flattened=True) < DARK
    return followed((ridge > _RIDGE) | dark, (ridge > _FAINT) | dark, inside)


def followed(sure: Mask, faint: Mask, inside: Mask) -> Mask:
    """Connected faint places that hold a sure one and are no specks, grown by one voxel; all of shape (z, y, x)."""
    labels, count = ndimage.label(faint & inside, structure=_ALL)
    longest = np.array([0] + [max(s.stop - s.start for s in place) for place in ndimage.find_objects(labels)])
    held = np.bincount(labels[sure & inside], minlength=count + 1) > 0
    grown: Mask = ndimage.binary_dilation((held & (longest > _SPECK))[labels], structure=_ALL) & inside
    return grown
