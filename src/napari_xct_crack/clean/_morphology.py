"""Binary morphology with balls and ellipsoids, half axes in voxels along z, y, x."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Radii = tuple[float, float, float]


def dilated(mask: Mask, radii: Radii) -> Mask:
    """All voxels whose ball holds a voxel of the mask."""
    inside = _around(mask, radii)
    if inside is None:
        return mask.copy()
    result = mask.copy()
    result[inside] = _dilated(mask[inside], radii)
    return result


def eroded(mask: Mask, radii: Radii) -> Mask:
    """All voxels whose ball, as far as it lies in the array, is in the mask."""
    inside = _around(mask, radii)
    if inside is None:
        return mask.copy()
    result = mask.copy()
    result[inside] = ~_dilated(~mask[inside], radii)
    return result


def opened(mask: Mask, radii: Radii) -> Mask:
    """All balls that fit into the mask."""
    return dilated(eroded(mask, radii), radii)


def closed(mask: Mask, radii: Radii) -> Mask:
    """The mask and all gaps that no ball fits into; beyond the array is no mask."""
    pad = [(reach, reach) for reach in _reach(radii)]
    padded = eroded(dilated(np.pad(mask, pad), radii), radii)
    return padded[tuple(slice(before, side - before) for (before, _), side in zip(pad, padded.shape, strict=True))]


def _reach(radii: Radii) -> tuple[int, int, int]:
    z, y, x = (int(radius) for radius in radii)
    return z, y, x


def _around(mask: Mask, radii: Radii) -> tuple[slice, ...] | None:
    """The box of the mask and of all that its balls reach, or none if nothing is to be done."""
    if not any(_reach(radii)) or not mask.any():
        return None
    box = []
    for axis, reach in enumerate(_reach(radii)):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(0, int(along[0]) - reach), int(along[-1]) + reach + 1))
    return tuple(box)


def _dilated(mask: Mask, radii: Radii) -> Mask:
    """The ball as rows along x: the mask widened along x, shifted along z and y."""
    result = mask.copy()
    row, wide = mask.copy(), 0
    for width, dz, dy in sorted(_rows(radii)):
        while wide < width:
            wide += 1
            _add(row, mask, (0, 0, wide))
            _add(row, mask, (0, 0, -wide))
        _add(result, row, (dz, dy, 0))
    return result


def _rows(radii: Radii) -> Iterator[tuple[int, int, int]]:
    """Half width, dz and dy of every row of the ball."""
    reach = _reach(radii)
    for dz in range(-reach[0], reach[0] + 1):
        for dy in range(-reach[1], reach[1] + 1):
            # A billionth more, so that a radius of whole voxels reaches its last voxel.
            left = 1 + 1e-9 - sum((d / r) ** 2 for d, r in ((dz, radii[0]), (dy, radii[1])) if d)
            if left >= 0:
                yield int(radii[2] * left**0.5 + 1e-9), dz, dy


def _add(to: Mask, mask: Mask, by: tuple[int, int, int]) -> None:
    """Join the shifted mask to another; what is shifted out of the array is lost."""
    sides = mask.shape
    target = tuple(slice(max(0, d), max(0, side + min(0, d))) for d, side in zip(by, sides, strict=True))
    source = tuple(slice(max(0, -d), max(0, side - max(0, d))) for d, side in zip(by, sides, strict=True))
    to[target] |= mask[source]
