"""Rough crack sheets: their surface, and the void they leave in a stack of slices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

TILE = 256
"""Side of a periodic surface tile, voxels."""


@dataclass(frozen=True)
class Sheet:
    """One crack: a rough, roughly planar opening with an irregular front; lengths in voxels."""

    centre: tuple[float, float, float]
    normal: tuple[float, float, float]
    radius: float
    aperture: float
    """Opening at the centre."""
    blunting: float
    """Exponent β of the aperture law w0·(1 − ρ²)^β: 0.25 blunt, 0.5 elastic, 1 wedge, 1.5 cohesive."""
    roughness: float
    """Root mean square of the surface's height."""
    hurst: float
    tile: int
    """Which surface of that Hurst exponent."""
    shift: tuple[float, float]
    """Where on the surface the centre lies."""
    front: tuple[float, ...]
    """Irregularity of the front: amplitudes and phases of its harmonics 2, 3, 4, … in turn."""
    bridging: float = 0.0
    """How much is closed by bridges: 0.1 a tenth of the sheet, 0.5 a third."""


@lru_cache(maxsize=64)
def surface(hurst: float, tile: int) -> NDArray[np.float32]:
    """One of the surfaces of a Hurst exponent, shape (TILE, TILE)."""
    return synthesised(hurst, TILE, np.random.default_rng((tile, round(hurst * 1000))))


def synthesised(hurst: float, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Periodic fractional Brownian surface of unit variance, shape (side, side), by spectral synthesis.

    References
    ----------
    .. [1] R. F. Voss, "Random fractal forgeries", 1985: power spectrum k^−2(H+1) of a surface.
    """
    frequency = np.fft.fftfreq(side)
    k = np.hypot(frequency[:, None], frequency[None, :])
    k[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * k ** -(hurst + 1)).real
    return np.ascontiguousarray(field / field.std(), dtype=np.float32)


def frame(normal: tuple[float, float, float]) -> NDArray[np.float64]:
    """Rows: the unit normal and two unit vectors in the sheet, shape (3, 3) over z, y, x."""
    n = np.asarray(normal, dtype=np.float64)
    n /= np.linalg.norm(n)
    z, y, x = n
    # the cross product with the axis that is farthest from the normal
    u = np.array(((0.0, x, -y), (-x, 0.0, z), (y, -z, 0.0))[int(np.argmin(np.abs(n)))])
    u /= np.linalg.norm(u)
    return np.array([n, u, (y * u[2] - x * u[1], x * u[0] - z * u[2], z * u[1] - y * u[0])])


def carve(
    sheet: Sheet,
    coverage: NDArray[np.float32],
    target: NDArray[np.bool_],
    aperture: NDArray[np.float32],
    ids: NDArray[np.int32],
    number: int,
    origin: tuple[int, int, int] = (0, 0, 0),
) -> None:
    """Add one sheet to arrays of shape (z, y, x) in place.

    Coverage is the overlap of the opening with each voxel along the normal, so that its integral across the crack is
    the aperture however small that is. `target`, `aperture` and `ids` are set on the centre line of every slice and on
    voxels at least half void.
    """
    _carve(
        frame(sheet.normal),
        np.asarray(sheet.centre, dtype=np.float64) - np.asarray(origin, dtype=np.float64),
        np.array([sheet.radius, sheet.aperture, sheet.blunting, sheet.roughness, *sheet.shift, sheet.bridging]),
        waves(sheet.front),
        surface(sheet.hurst, sheet.tile),
        surface(0.3, sheet.tile + 1),
        coverage,
        target,
        aperture,
        ids,
        number,
    )


def front_factor(angle: NDArray[np.float64], front: tuple[float, ...]) -> NDArray[np.float64]:
    """Distance of the front from the centre in units of the radius, by direction in the sheet."""
    factor = np.ones_like(angle)
    for harmonic in range(len(front) // 2):
        factor += front[2 * harmonic] * np.cos((harmonic + 2) * angle + front[2 * harmonic + 1])
    return factor


def waves(front: tuple[float, ...]) -> NDArray[np.float64]:
    """A front's harmonics 2, 3, 4, … as factors of their cosine and sine, shape (n, 2)."""
    amplitude, phase = np.asarray(front, dtype=np.float64).reshape(-1, 2).T
    return np.stack([amplitude * np.cos(phase), -amplitude * np.sin(phase)], axis=1)


@compiled(fastmath=True)
def farthest(waves: NDArray[np.float64]) -> float:
    """A bound on the distance of the front from the centre in units of the radius."""
    total = 1.0
    for harmonic in range(len(waves)):
        total += np.hypot(waves[harmonic, 0], waves[harmonic, 1])
    return total


@compiled(fastmath=True)
def reached(u: float, v: float, radius: float, waves: NDArray[np.float64]) -> float:
    """Distance of a point in the sheet from the centre as a share of the front's in that direction."""
    distance = np.sqrt(u * u + v * v)
    if distance == 0:
        return 0.0
    cos, sin = u / distance, v / distance
    factor, cos_n, sin_n = 1.0, cos, sin
    for harmonic in range(len(waves)):
        cos_n, sin_n = cos_n * cos - sin_n * sin, sin_n * cos + cos_n * sin
        factor += waves[harmonic, 0] * cos_n + waves[harmonic, 1] * sin_n
    share: float = distance / (radius * factor)
    return share


@compiled(fastmath=True)
def _height(tile: NDArray[np.float32], u: float, v: float) -> tuple[float, float, float]:
    """Bilinear height and its slopes along u and v."""
    fu, fv = np.floor(u), np.floor(v)
    i, j = int(fu) % TILE, int(fv) % TILE
    i1, j1 = (i + 1) % TILE, (j + 1) % TILE
    a, b = u - fu, v - fv
    h00, h10, h01, h11 = tile[i, j], tile[i1, j], tile[i, j1], tile[i1, j1]
    low, high = h00 + (h10 - h00) * a, h01 + (h11 - h01) * a
    return low + (high - low) * b, (h10 - h00) * (1 - b) + (h11 - h01) * b, high - low


@compiled(fastmath=True)
def _crossed(axes, tile, roughness, shift_u, shift_v, pz, py, px, gap):  # type: ignore[no-untyped-def]
    """Whether the surface passes between a voxel and a neighbour in its slice, and nearer to the voxel."""
    n, u, v = axes[0], axes[1], axes[2]
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = py + dy, px + dx
        pu, pv = u[0] * pz + u[1] * y + u[2] * x, v[0] * pz + v[1] * y + v[2] * x
        other = n[0] * pz + n[1] * y + n[2] * x - _height(tile, pu + shift_u, pv + shift_v)[0] * roughness
        if gap * other <= 0 and abs(gap) <= abs(other):
            return True
    return False


@compiled(fastmath=True)
def _row(axes, centre, pz, py, bound, outer, width):  # type: ignore[no-untyped-def]
    """First and last voxel of a row that can lie within `bound` of the mean plane and `outer` of the centre."""
    n = axes[0]
    base = n[0] * pz + n[1] * py
    first, last = int(centre[2] - outer - bound), int(centre[2] + outer + bound) + 2
    if abs(n[2]) > 0.02:
        one, two = (-bound - base) / n[2], (bound - base) / n[2]
        first = max(first, int(np.floor(centre[2] + min(one, two))))
        last = min(last, int(np.ceil(centre[2] + max(one, two))) + 1)
    elif abs(base) > bound + 0.02 * outer:
        last = first
    return max(0, first), min(width, last)


@compiled(fastmath=True)
def _carve(axes, centre, shape, front, tile, bridges, coverage, target, aperture, ids, number):  # type: ignore[no-untyped-def]
    radius, widest, blunting, roughness, shift_u, shift_v, bridging = shape
    n, u, v = axes[0], axes[1], axes[2]
    outer = radius * farthest(front)
    # tiles have unit variance, and 4 standard deviations hold all of their heights
    bound = 4 * roughness + widest / 2 + 1.5
    # bridges close the lowest share of a second, rougher surface; its heights are near normal
    closed = -10.0 if bridging <= 0 else -1.5 + 2.2 * bridging
    depth, height, width = coverage.shape
    for z in range(max(0, int(centre[0] - outer - bound)), min(depth, int(centre[0] + outer + bound) + 2)):
        pz = z - centre[0]
        for y in range(max(0, int(centre[1] - outer - bound)), min(height, int(centre[1] + outer + bound) + 2)):
            py = y - centre[1]
            if pz * pz + py * py > (outer + bound) ** 2:
                continue
            first, last = _row(axes, centre, pz, py, bound, outer, width)
            for x in range(first, last):
                px = x - centre[2]
                pu = u[0] * pz + u[1] * py + u[2] * px
                pv = v[0] * pz + v[1] * py + v[2] * px
                rise, slope_u, slope_v = _height(tile, pu + shift_u, pv + shift_v)
                gap = n[0] * pz + n[1] * py + n[2] * px - rise * roughness
                steep = np.sqrt(1 + roughness * roughness * (slope_u * slope_u + slope_v * slope_v))
                # what follows is dear, and nearly all voxels are too far away for it
                if abs(gap) > max(2.0, (widest / 2 + 0.5) * steep) or pu * pu + pv * pv >= outer * outer:
                    continue
                rho = reached(pu, pv, radius, front)
                if rho >= 1 or (bridging > 0 and _height(bridges, pu * 2 + shift_v, pv * 2 + shift_u)[0] < closed):
                    continue
                w = widest * (1 - rho * rho) ** blunting
                distance = gap / steep
                overlap = min(distance + 0.5, w / 2) - max(distance - 0.5, -w / 2)
                if overlap > 0:
                    coverage[z, y, x] = min(1.0, coverage[z, y, x] + overlap)
                on_line = (
                    w >= 0.3 and abs(gap) < 2 and _crossed(axes, tile, roughness, shift_u, shift_v, pz, py, px, gap)
                )
                if on_line or overlap >= 0.5:
                    target[z, y, x] = True
                    if w > aperture[z, y, x]:
                        aperture[z, y, x], ids[z, y, x] = w, number
