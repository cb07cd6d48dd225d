"""Exact void of thin openings: the share of a voxel's cube that lies between two parallel planes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..cracks._surface import Sheet, _height, _row, farthest, frame, reached, surface, waves

_THINNEST = 1e-3
"""Smallest component of a normal, below which the cube is taken to be seen from the side."""
_DIAGONAL = 0.87
"""Half of a voxel's diagonal."""


@compiled()
def below(distance, a, b, c):  # type: ignore[no-untyped-def]
    """Share of a unit cube that lies below a plane.

    Parameters
    ----------
    distance
        Of the plane from the cube's centre, in voxels.
    a, b, c
        Components of the plane's unit normal, of either sign.

    Notes
    -----
    The cube's cross-section across the normal is the convolution of boxes of widths a, b and c; the share is
    its integral, a sum of eight one-sided cubic powers. Shares of all cubes of a lattice add up to the volume.
    """
    a, b, c = max(abs(a), _THINNEST), max(abs(b), _THINNEST), max(abs(c), _THINNEST)
    half = (a + b + c) / 2
    if distance <= -half:
        return 0.0
    if distance >= half:
        return 1.0
    total = 0.0
    for i in range(2):
        for j in range(2):
            for k in range(2):
                edge = distance + half - i * a - j * b - k * c
                if edge > 0:
                    total += (-1) ** (i + j + k) * edge**3
    return min(1.0, max(0.0, total / (6 * a * b * c)))


@compiled()
def between(distance, width, a, b, c):  # type: ignore[no-untyped-def]
    """Share of a unit cube inside an opening whose middle lies so far from the cube's centre; see :func:`below`."""
    return below(width / 2 - distance, a, b, c) - below(-width / 2 - distance, a, b, c)


def add_void(sheet: Sheet, void: NDArray[np.float32], origin: tuple[int, int, int] = (0, 0, 0)) -> None:
    """Add the void of a sheet without bridges to an array of shape (z, y, x) in place.

    The distance is taken to the plane that touches the rough surface under the voxel.
    """
    centre = np.asarray(sheet.centre, dtype=np.float64) - np.asarray(origin, dtype=np.float64)
    shape = np.array([sheet.radius, sheet.aperture, sheet.blunting, sheet.roughness, *sheet.shift])
    tile = surface(sheet.hurst, sheet.tile)
    _add_void(frame(sheet.normal), centre, shape, waves(sheet.front), tile, void)


@compiled()
def _add_void(axes, centre, shape, front, tile, void):  # type: ignore[no-untyped-def]
    radius, widest, blunting, roughness, shift_u, shift_v = shape
    n, u, v = axes[0], axes[1], axes[2]
    outer = radius * farthest(front)
    # tiles have unit variance, and 4.5 standard deviations hold all of their heights
    bound = 4.5 * roughness + widest / 2 + 1.5
    depth, height, width = void.shape
    for z in range(max(0, int(centre[0] - outer - bound)), min(depth, int(centre[0] + outer + bound) + 2)):
        pz = z - centre[0]
        for y in range(max(0, int(centre[1] - outer - bound)), min(height, int(centre[1] + outer + bound) + 2)):
            py = y - centre[1]
            first, last = _row(axes, centre, pz, py, bound, outer, width)
            for x in range(first, last):
                px = x - centre[2]
                pu = u[0] * pz + u[1] * py + u[2] * px
                pv = v[0] * pz + v[1] * py + v[2] * px
                if pu * pu + pv * pv >= outer * outer:
                    continue
                rise, slope_u, slope_v = _height(tile, pu + shift_u, pv + shift_v)
                gu, gv = roughness * slope_u, roughness * slope_v
                steep = np.sqrt(1 + gu * gu + gv * gv)
                away = (n[0] * pz + n[1] * py + n[2] * px - rise * roughness) / steep
                if abs(away) > widest / 2 + _DIAGONAL:
                    continue
                rho = reached(pu, pv, radius, front)
                if rho < 1:
                    w = widest * (1 - rho * rho) ** blunting
                    a, b, c = (n - gu * u - gv * v) / steep
                    void[z, y, x] = min(1.0, void[z, y, x] + between(away, w, a, b, c))
