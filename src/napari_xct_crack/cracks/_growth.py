"""Cracks that grow (4-D): one sheet in steps, each of which holds the one before.

References
----------
.. [1] P. Paris and F. Erdogan, "A critical analysis of crack propagation laws", J. Basic Eng. 85, 1963: da/dN = C·ΔK^m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ._carved import Carved
from ._polyline import LINE_FROM
from ._surface import TILE, Sheet, _height, _row, frame, front_factor, surface

_ANGLES = 720
"""Directions in the sheet in which the front is followed."""
_CYCLES = 16
"""Parts of a step within which the front is taken to stand still."""
_STEEPEST = np.tan(np.radians(70.5))
"""No crack kinks by more: the angle of the largest hoop stress under pure shear."""


@dataclass(frozen=True)
class Growth:
    """How a crack grows."""

    advance: float = 2.0
    """How far, in voxels, the front would move in the first step at the sheet's radius and mean toughness."""
    exponent: float = 3.0
    """Exponent m of da/dN = C·ΔK^m, with ΔK ~ √a of the front's local distance a from the centre."""
    scatter: float = 0.2
    """Standard deviation of the toughness' logarithm over the sheet."""
    limit: float = 512.0
    """Distance from the centre, in voxels, at which the front stops; by the law alone, long cracks are soon endless."""
    tension: tuple[float, float, float] | None = None
    """Direction of the largest tension over z, y, x, across which new crack runs; none: straight on in the sheet."""


@dataclass(frozen=True)
class Grown:
    """A crack at one time."""

    sheet: Sheet
    """The crack that it started from, opened as far as it is now."""
    born: NDArray[np.float64]
    """Distance of the first front from the centre in voxels, by direction in the sheet, shape (720,)."""
    front: NDArray[np.float64]
    """Distance of the front now, likewise."""
    kink: tuple[float, float]
    """Slopes, along the two axes of the sheet, of what has grown since."""

    def carve(self, volume: Carved, number: int = 1, origin: tuple[int, int, int] = (0, 0, 0)) -> None:
        """Add the crack to a volume in place, whose first voxel is `origin`."""
        sheet = self.sheet
        _carve(
            frame(sheet.normal),
            np.asarray(sheet.centre) - np.asarray(origin, dtype=np.float64),
            (sheet.aperture, sheet.blunting, sheet.roughness, *sheet.shift, sheet.bridging),
            (self.born, self.front, *self.kink),
            (surface(sheet.hurst, sheet.tile), surface(0.3, sheet.tile + 1)),
            (volume.coverage, volume.target, volume.aperture, volume.ids),
            number,
        )

    def line(self) -> NDArray[np.float64]:
        """Points on the front, shape (720, 3) over z, y, x."""
        angle = _angles()
        u, v = self.front * np.cos(angle), self.front * np.sin(angle)
        tile, shift = surface(self.sheet.hurst, self.sheet.tile), self.sheet.shift
        rise = [_height(tile, a + shift[0], b + shift[1])[0] * self.sheet.roughness for a, b in zip(u, v, strict=True)]
        lifted = np.asarray(rise) + (self.kink[0] * u + self.kink[1] * v) * np.clip(1 - self.born / self.front, 0, None)
        points: NDArray[np.float64] = self.sheet.centre + np.stack([lifted, u, v], axis=1) @ frame(self.sheet.normal)
        return points


def grow(sheet: Sheet, steps: int, rng: np.random.Generator, growth: Growth | None = None) -> Iterator[Grown]:
    """A sheet as it is, and after each of so many equal numbers of cycles; every state holds the one before.

    The opening grows in proportion to the crack's mean radius.
    """
    growth = growth or Growth()
    angle = _angles()
    born = sheet.radius * front_factor(angle, sheet.front)
    front, kink = born.copy(), kinked(sheet, growth.tension)
    tile = surface(0.9, int(rng.integers(8)) * 2 + 1)
    shift = rng.uniform(0, TILE, 2)
    yield Grown(sheet, born, front, kink)
    for _ in range(steps):
        for _ in range(_CYCLES):
            place = front * np.cos(angle) + shift[0], front * np.sin(angle) + shift[1]
            tough = np.array([_height(tile, u, v)[0] for u, v in zip(*place, strict=True)])
            factor = np.sqrt(front / sheet.radius) * np.exp(-growth.scatter * tough)
            ahead = front + growth.advance / _CYCLES * factor**growth.exponent
            front = np.maximum(front, np.minimum(ahead, growth.limit))
        opened = replace(sheet, aperture=sheet.aperture * float(front.mean() / born.mean()))
        yield Grown(opened, born, front, kink)


def kinked(sheet: Sheet, tension: tuple[float, float, float] | None) -> tuple[float, float]:
    """Slopes along the two axes of the sheet at which new crack runs across the tension, up to a kink of 70.5°."""
    if tension is None:
        return 0.0, 0.0
    n, u, v = frame(sheet.normal) @ np.asarray(tension)
    slope = -np.array([u, v]) * np.sign(n if n else 1.0)
    steepness = float(np.hypot(*slope))
    if steepness > _STEEPEST * abs(n):
        slope *= _STEEPEST / steepness
    else:
        slope /= abs(n)
    return float(slope[0]), float(slope[1])


def _angles() -> NDArray[np.float64]:
    return np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)


@compiled()
def _distance(front, u, v):  # type: ignore[no-untyped-def]
    """Distance of a front from the centre in the direction of a point."""
    place = np.arctan2(v, u) / (2 * np.pi) * len(front) % len(front)
    low = int(place)
    share = place - low
    return front[low % len(front)] * (1 - share) + front[(low + 1) % len(front)] * share


@compiled()
def _lift(grown, u, v):  # type: ignore[no-untyped-def]
    """Height over the old sheet of what has grown."""
    born, _, kink_u, kink_v = grown
    r = np.sqrt(u * u + v * v)
    return (kink_u * u + kink_v * v) * max(0.0, 1 - _distance(born, u, v) / max(r, 1e-9))


@compiled()
def _gap(axes, sheet, grown, tile, pz, py, px):  # type: ignore[no-untyped-def]
    """Height over the crack of a point relative to the centre, where it lies in the sheet, and the crack's slopes there."""
    n, u, v = axes[0], axes[1], axes[2]
    pu, pv = u[0] * pz + u[1] * py + u[2] * px, v[0] * pz + v[1] * py + v[2] * px
    rise, slope_u, slope_v = _height(tile, pu + sheet[3], pv + sheet[4])
    slope_u = sheet[2] * slope_u + _lift(grown, pu + 0.5, pv) - _lift(grown, pu - 0.5, pv)
    slope_v = sheet[2] * slope_v + _lift(grown, pu, pv + 0.5) - _lift(grown, pu, pv - 0.5)
    gap = n[0] * pz + n[1] * py + n[2] * px - sheet[2] * rise - _lift(grown, pu, pv)
    return gap, pu, pv, np.sqrt(1 + slope_u * slope_u + slope_v * slope_v)


@compiled()
def _crossed(axes, sheet, grown, tile, pz, py, px, gap):  # type: ignore[no-untyped-def]
    """Whether the crack passes between a voxel and a neighbour in its slice, and nearer to the voxel."""
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        other = _gap(axes, sheet, grown, tile, pz, py + dy, px + dx)[0]
        if gap * other <= 0 and abs(gap) <= abs(other):
            return True
    return False


@compiled()
def _carve(axes, centre, sheet, grown, tiles, arrays, number):  # type: ignore[no-untyped-def]
    coverage, target, aperture, ids = arrays
    widest, blunting, roughness, _, _, bridging = sheet
    outer = grown[1].max() + 1
    steepest = 1 + np.hypot(grown[2], grown[3])
    # as of the sheet, and all that the kink can lift it
    bound = 4 * roughness + (widest / 2 + 1.5) * steepest + (steepest - 1) * outer
    closed = -10.0 if bridging <= 0 else -1.5 + 2.2 * bridging
    depth, height, width = coverage.shape
    for z in range(max(0, int(centre[0] - outer - bound)), min(depth, int(centre[0] + outer + bound) + 2)):
        for y in range(max(0, int(centre[1] - outer - bound)), min(height, int(centre[1] + outer + bound) + 2)):
            pz, py = z - centre[0], y - centre[1]
            first, last = _row(axes, centre, pz, py, bound, outer, width)
            for x in range(first, last):
                gap, pu, pv, steep = _gap(axes, sheet, grown, tiles[0], pz, py, x - centre[2])
                rho = np.sqrt(pu * pu + pv * pv) / _distance(grown[1], pu, pv)
                if abs(gap) > max(2.0, widest / 2 + 0.5) * steep or rho >= 1:
                    continue
                if bridging > 0 and _height(tiles[1], pu * 2 + sheet[4], pv * 2 + sheet[3])[0] < closed:
                    continue
                w = widest * (1 - rho * rho) ** blunting
                overlap = min(gap / steep + 0.5, w / 2) - max(gap / steep - 0.5, -w / 2)
                coverage[z, y, x] = min(1.0, coverage[z, y, x] + max(0.0, overlap))
                on_line = w >= LINE_FROM and _crossed(axes, sheet, grown, tiles[0], pz, py, x - centre[2], gap)
                if on_line or overlap >= 0.5:
                    target[z, y, x] = True
                    if w > aperture[z, y, x]:
                        aperture[z, y, x], ids[z, y, x] = w, number
