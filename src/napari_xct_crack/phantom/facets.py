"""Cracks that no generator draws: overlapping flat star-shaped facets, joined by steps where one ends on another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..cracks._surface import frame
from .exact import between

CORNERS = 7
TAPER = 0.3
"""Share of a facet's radius over which its opening falls to nothing, linearly."""
_FIRST = 7
"""Column of a facet's first corner, after u, v, height, slopes along u and v, share of the opening, first angle."""


@dataclass(frozen=True)
class Facets:
    """One crack; lengths in voxels. Where facets overlap, the surface is that of the first of them."""

    centre: tuple[float, float, float]
    normal: tuple[float, float, float]
    aperture: float
    """Opening of the widest facet."""
    facets: tuple[tuple[float, ...], ...]
    """Per facet: place u, v and height of its centre, slopes along u and v, share of the opening, angle of its first
    corner, and the distances of its corners from its centre at equal angles."""

    def front(self, spacing: float = 0.25) -> list[NDArray[np.float64]]:
        """Where the crack ends: lines of points (n, 3) over z, y, x, along the facets' edges that no facet covers."""
        table = np.asarray(self.facets)
        axes, lines = frame(self.normal), []
        for number, facet in enumerate(table):
            for start, stop in zip(*_edges(facet), strict=True):
                share = np.linspace(0, 1, max(2, int(np.hypot(*(stop - start)) / spacing)))[:, None]
                u, v = (start + share * (stop - start)).T
                height = facet[2] + facet[3] * (u - facet[0]) + facet[4] * (v - facet[1])
                line = np.asarray(self.centre) + np.stack([height, u, v], 1) @ axes
                lines += [line[run] for run in _runs(_uncovered(table, number, u, v))]
        return lines


def draw(
    centre: tuple[float, float, float],
    normal: tuple[float, float, float],
    radius: float,
    aperture: float,
    rng: np.random.Generator,
) -> Facets:
    """A crack of about that radius: each facet starts on an earlier one, a step of 1–4 voxels above or below it."""
    rows: list[tuple[float, ...]] = []
    for _ in range(int(rng.integers(3, 9))):
        u, v, height = 0.0, 0.0, 0.0
        size = radius * float(rng.uniform(0.35, 0.6))
        if rows:
            base = rows[int(rng.integers(len(rows)))]
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.1) * float(np.mean(base[_FIRST:]))
            u, v = base[0] + length * float(np.cos(angle)), base[1] + length * float(np.sin(angle))
            below = base[2] + base[3] * (u - base[0]) + base[4] * (v - base[1])
            height = float(below + rng.uniform(1, 4) * rng.choice((-1, 1)))
        slopes = rng.normal(0, 0.12, 2).tolist()
        corners = (size * rng.uniform(0.6, 1.3, CORNERS)).tolist()
        rows.append((u, v, height, *slopes, float(rng.uniform(0.6, 1.0)), float(rng.uniform(0, 2 * np.pi)), *corners))
    return Facets(centre, normal, aperture, tuple(rows))


def carve(
    crack: Facets,
    coverage: NDArray[np.float32],
    target: NDArray[np.bool_],
    aperture: NDArray[np.float32],
    ids: NDArray[np.int32],
    number: int,
    origin: tuple[int, int, int] = (0, 0, 0),
) -> None:
    """Add one crack to arrays of shape (z, y, x) in place, by the rules of :func:`napari_xct_crack.cracks._surface.carve`."""
    table = np.asarray(crack.facets)
    edges = np.array([np.concatenate(_edges(facet), 1) for facet in table])
    centre = np.asarray(crack.centre, dtype=np.float64) - np.asarray(origin, dtype=np.float64)
    _carve(frame(crack.normal), centre, crack.aperture, table, edges, coverage, target, aperture, ids, number)


def _edges(facet: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last point (u, v) of each edge, shape (corners, 2) each."""
    angle = facet[6] + np.arange(CORNERS) * 2 * np.pi / CORNERS
    corner = facet[:2] + facet[_FIRST:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return corner, np.roll(corner, -1, axis=0)


def _runs(held: NDArray[np.bool_]) -> list[slice]:
    """Runs of at least two true values."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    return [slice(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True) if b - a > 1]


@compiled()
def _rho(facet, u, v):  # type: ignore[no-untyped-def]
    """Distance from a facet's centre as a share of that of its outline in the same direction."""
    du, dv = u - facet[0], v - facet[1]
    sector = 2 * np.pi / CORNERS
    turn = (np.arctan2(dv, du) - facet[6]) % (2 * np.pi)
    k = min(int(turn / sector), CORNERS - 1)
    a, b = facet[_FIRST + k], facet[_FIRST + (k + 1) % CORNERS]
    r, inner = np.sqrt(du * du + dv * dv), turn - k * sector
    # the point in units of the two corners of its sector: the sum is 1 on the edge between them
    return r * (np.sin(sector - inner) / a + np.sin(inner) / b) / np.sin(sector)


@compiled()
def _uncovered(table, number, u, v):  # type: ignore[no-untyped-def]
    """Which of some points lie in no facet but one, shape as `u` and `v`."""
    free = np.ones(len(u), np.bool_)
    for k in range(len(u)):
        for other in range(len(table)):
            if other != number and _rho(table[other], u[k], v[k]) < 1:
                free[k] = False
    return free


@compiled()
def _look(table, widest, u, v):  # type: ignore[no-untyped-def]
    """First facet at a point (−1: none), and the opening there."""
    first, opening = -1, 0.0
    for i in range(len(table)):
        rho = _rho(table[i], u, v)
        if rho < 1:
            if first < 0:
                first = i
            opening = max(opening, widest * table[i, 5] * min(1.0, (1 - rho) / TAPER))
    return first, opening


@compiled()
def _height(facet, u, v):  # type: ignore[no-untyped-def]
    return facet[2] + facet[3] * (u - facet[0]) + facet[4] * (v - facet[1])


@compiled()
def _step(table, edges, axes, widest, u, v, gap):  # type: ignore[no-untyped-def]
    """Void and opening that a voxel has of a step, and whether the step's trace runs through it.

    A step stands on an edge of a facet that lies within a later one, and spans the height between the two.
    """
    void, width, on_line = 0.0, 0.0, False
    for i in range(len(table)):
        for k in range(CORNERS):
            au, av, bu, bv = edges[i, k]
            length = np.sqrt((bu - au) ** 2 + (bv - av) ** 2)
            eu, ev = (bu - au) / length, (bv - av) / length
            along, away = (u - au) * eu + (v - av) * ev, (u - au) * ev - (v - av) * eu
            if along < 0 or along >= length or abs(away) > widest / 2 + 0.87:
                continue
            fu, fv = au + along * eu, av + along * ev
            # a hair inside and outside of the edge
            inner, _ = _look(table, widest, fu - 1e-6 * ev, fv + 1e-6 * eu)
            outer, opening = _look(table, widest, fu + 1e-6 * ev, fv - 1e-6 * eu)
            if inner != i or outer < 0:
                continue
            one, two = _height(table[i], fu, fv), _height(table[outer], fu, fv)
            tall = min(gap + 0.5, max(one, two)) - max(gap - 0.5, min(one, two))
            across = ev * axes[1] - eu * axes[2]
            overlap = between(away, opening, across[0], across[1], across[2])
            if tall > 0 and overlap > 0:
                void += tall * overlap
                width = max(width, opening)
            steepest = max(abs(across[1]), abs(across[2]))
            if tall > 0.5 and opening >= 0.3 and abs(away) <= 0.5 * steepest:
                on_line, width = True, max(width, opening)
    return void, width, on_line


@compiled()
def _plane(facet, axes, gap, u, v, w):  # type: ignore[no-untyped-def]
    """Void that a voxel has of the facet it lies on, and whether the facet's trace in the slice runs through it."""
    away = gap - _height(facet, u, v)
    steep = np.sqrt(1 + facet[3] ** 2 + facet[4] ** 2)
    a, b, c = axes[0] - facet[3] * axes[1] - facet[4] * axes[2]
    share = between(away / steep, w, a / steep, b / steep, c / steep) if abs(away) <= steep * (w / 2 + 0.87) else 0.0
    return share, w >= 0.3 and abs(away) <= 0.5 * max(abs(b), abs(c))


@compiled()
def _bounds(centre, reach, side):  # type: ignore[no-untyped-def]
    return max(0, int(centre - reach)), min(side, int(centre + reach) + 2)


@compiled()
def _carve(axes, centre, widest, table, edges, coverage, target, aperture, ids, number):  # type: ignore[no-untyped-def]
    outer, high = 0.0, 0.0
    for i in range(len(table)):
        reach = table[i, _FIRST:].max()
        outer = max(outer, np.hypot(table[i, 0], table[i, 1]) + reach + 1)
        high = max(high, abs(table[i, 2]) + reach * (abs(table[i, 3]) + abs(table[i, 4])) + widest + 2)
    low_z, high_z = _bounds(centre[0], outer + high, coverage.shape[0])
    low_y, high_y = _bounds(centre[1], outer + high, coverage.shape[1])
    low_x, high_x = _bounds(centre[2], outer + high, coverage.shape[2])
    for z in range(low_z, high_z):
        for y in range(low_y, high_y):
            for x in range(low_x, high_x):
                pz, py, px = z - centre[0], y - centre[1], x - centre[2]
                gap = axes[0, 0] * pz + axes[0, 1] * py + axes[0, 2] * px
                u = axes[1, 0] * pz + axes[1, 1] * py + axes[1, 2] * px
                v = axes[2, 0] * pz + axes[2, 1] * py + axes[2, 2] * px
                if abs(gap) > high or u * u + v * v > outer * outer:
                    continue
                void, opening, on_line = _step(table, edges, axes, widest, u, v, gap)
                first, w = _look(table, widest, u, v)
                if first >= 0:
                    share, trace = _plane(table[first], axes, gap, u, v, w)
                    void += share
                    if share > 0 or trace:
                        opening, on_line = max(opening, w), on_line or trace
                coverage[z, y, x] = min(1.0, coverage[z, y, x] + void)
                if on_line or void >= 0.5:
                    target[z, y, x] = True
                    if opening > aperture[z, y, x]:
                        aperture[z, y, x], ids[z, y, x] = opening, number
