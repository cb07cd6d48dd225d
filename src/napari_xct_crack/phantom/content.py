"""What is in a phantom before any scanner sees it: a bar with cracks and pores, and where its cracks end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..cracks._carved import front_line
from ..cracks._surface import TILE, Sheet
from ..cracks._surface import carve as carve_sheet
from ..volume import Triple
from . import facets
from .conditions import Content
from .exact import add_void
from .facets import Facets

Crack = Sheet | Facets
Tip = tuple[float, float, float, int]
HALF = 0.36
"""Half width of the bar as a share of the slice's."""


@dataclass(frozen=True)
class Contents:
    """Arrays of shape (z, y, x), with some slices more at either end than the phantom if a blur needs them."""

    part: NDArray[np.bool_]
    """The bar, cracks and pores included."""
    void: NDArray[np.float32]
    """Void fraction of cracks alone, before any blur."""
    pores: NDArray[np.float32]
    labels: NDArray[np.int32]
    """Crack number on the centre line wherever the aperture reaches 0.3 voxels, and on voxels at least half void."""
    aperture: NDArray[np.float32]
    """Opening in voxels on labelled voxels."""
    cracks: tuple[Crack, ...]

    def without(self, margin: int) -> Contents:
        """The same without so many slices at either end."""
        inner = slice(margin, self.part.shape[0] - margin)
        return Contents(
            self.part[inner],
            self.void[inner],
            self.pores[inner],
            self.labels[inner],
            self.aperture[inner],
            self.cracks,
        )


def bar(shape: Triple) -> NDArray[np.bool_]:
    """A bar with rounded corners along z, 72 % of the slice wide: its corners stay inside the round field of view."""
    y, x = (np.abs(np.arange(side) - (side - 1) / 2) / (HALF * side) for side in shape[1:])
    return np.broadcast_to(y[:, None] ** 6 + x[None, :] ** 6 < 1, shape)


def fill(
    shape: Triple,
    content: Content,
    prevalence: float,
    rng: np.random.Generator,
    margin: int = 0,
    exact: bool = False,
) -> Contents:
    """Cracks and pores at random in a bar of that shape, and in `margin` slices more at either end.

    With `exact` the void of a sheet is its share of each voxel's cube. Otherwise it is the overlap of the opening with a
    box one voxel long across it: the same on average, but where a sheet stands askew to the voxels it ripples.
    """
    larger = (shape[0] + 2 * margin, shape[1], shape[2])
    origin, part = (-margin, 0, 0), bar(larger)
    void, aperture = np.zeros(larger, np.float32), np.zeros(larger, np.float32)
    target, labels = np.zeros(larger, np.bool_), np.zeros(larger, np.int32)
    cracks: list[Crack] = []
    for number in range(1, round(content.density * prevalence * int(part.sum())) + 1):
        crack = _random_crack(shape, part, content, rng, margin)
        cracks.append(crack)
        if isinstance(crack, Sheet):
            carve_sheet(crack, np.zeros_like(void) if exact else void, target, aperture, labels, number, origin)
            if exact:
                add_void(crack, void, origin)
        else:
            facets.carve(crack, void, target, aperture, labels, number, origin)
    void *= part
    labels[~part] = 0
    aperture[~part] = 0
    pores = _pores(larger, part, content.pores_per_slice, rng)
    return Contents(part, void, pores, labels, aperture, tuple(cracks))


def fronts(crack: Crack) -> list[NDArray[np.float64]]:
    """Where a crack ends: lines of points, shape (n, 3) over z, y, x."""
    if isinstance(crack, Facets):
        return crack.front()
    line = front_line(crack)
    return [np.concatenate([line, line[:1]])]


def tips(lines: Sequence[NDArray[np.float64]], number: int, part: NDArray[np.bool_]) -> list[Tip]:
    """Where the lines of a front cross each slice, at least 3 voxels inside the volume and inside the part."""
    depth, height, width = part.shape
    found: list[Tip] = []
    for z in range(depth):
        for line in lines:
            here, after = line[:-1], line[1:]
            for i in np.flatnonzero((here[:, 0] < z) != (after[:, 0] < z)):
                share = (z - here[i, 0]) / (after[i, 0] - here[i, 0])
                y, x = (here[i, 1:] + share * (after[i, 1:] - here[i, 1:])).tolist()
                inside = 3 <= y < height - 3 and 3 <= x < width - 3
                if inside and part[z, round(y), round(x)]:
                    found.append((float(z), y, x, number))
    return found


def free(found: Sequence[Tip], labels: NDArray[np.int32], reach: int = 2) -> list[Tip]:
    """Tips that do not end on another crack, which hides them: none of its labels lies within `reach` voxels."""
    kept = []
    for z, y, x, number in found:
        row, column = round(y), round(x)
        near = labels[int(z), row - reach : row + reach + 1, column - reach : column + reach + 1]
        if not ((near > 0) & (near != number)).any():
            kept.append((z, y, x, number))
    return kept


def _random_crack(
    shape: Triple, part: NDArray[np.bool_], content: Content, rng: np.random.Generator, margin: int
) -> Crack:
    sheet = _random_sheet(shape, part, content, rng, margin)
    if content.surface:
        sheet = _opened(sheet, shape, rng)
    if content.facets:
        return facets.draw(sheet.centre, sheet.normal, sheet.radius, sheet.aperture, rng)
    return sheet


def _random_sheet(
    shape: Triple, part: NDArray[np.bool_], content: Content, rng: np.random.Generator, margin: int
) -> Sheet:
    # the order of the draws is part of every seed's meaning
    while True:
        centre = float(rng.uniform(-margin, shape[0] + margin)), *(float(rng.uniform(0, side)) for side in shape[1:])
        if part[int(centre[0] + margin), int(centre[1]), int(centre[2])]:
            break
    radius = float(np.exp(rng.normal(np.log(38.0), 0.45)))
    normal = rng.normal(size=3) * (0.45, 1, 1)
    low, high = np.log(content.apertures)
    front: list[float] = []
    for harmonic in range(2, 8):
        front += [float(rng.normal(0, 0.3 / harmonic)), float(rng.uniform(0, 2 * np.pi))]
    return Sheet(
        centre=(centre[0], centre[1], centre[2]),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
        radius=radius,
        aperture=float(np.exp(rng.uniform(low, high))),
        blunting=float(rng.choice(content.blunting)),
        roughness=radius * float(rng.uniform(0.01, 0.06)),
        hurst=float(rng.choice((0.55, 0.65, 0.75, 0.85))),
        tile=int(rng.integers(1000, 1 << 20)),
        shift=(float(rng.uniform(0, TILE)), float(rng.uniform(0, TILE))),
        front=tuple(front),
    )


def _opened(sheet: Sheet, shape: Triple, rng: np.random.Generator) -> Sheet:
    """The same crack with its centre on the bar's surface, across which it stands, give or take 15 degrees."""
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    reach = HALF * (c**6 + s**6) ** (-1 / 6)
    y, x = (shape[1] - 1) / 2 + reach * s * shape[1], (shape[2] - 1) / 2 + reach * c * shape[2]
    # the outward normal of y⁶ + x⁶ = 1, turned by a quarter
    along = np.array([0.0, c**5, -(s**5)]) / np.hypot(c**5, s**5)
    normal = along + rng.normal(0, 0.26, 3)
    return replace(
        sheet,
        centre=(sheet.centre[0], float(y), float(x)),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
    )


def _pores(shape: Triple, part: NDArray[np.bool_], per_slice: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Void fraction of round pores, radius log-normal about 1.3 voxels."""
    void = np.zeros(shape, np.float32)
    count = int(per_slice * (shape[0] + 4) / 3.2)
    radii = np.clip(np.exp(rng.normal(np.log(1.3), 0.4, count)), 0.6, 4.0)
    places = rng.uniform((-2, 0, 0), (shape[0] + 2, shape[1], shape[2]), (count, 3))
    for radius, place in zip(radii, places, strict=True):
        reach = int(radius) + 2
        low = [max(0, int(c) - reach) for c in place]
        high = [max(0, min(side, int(c) + reach + 1)) for c, side in zip(place, shape, strict=True)]
        grid = np.ogrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, place, strict=True)))
        box = void[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        np.maximum(box, np.clip(radius - distance + 0.5, 0, 1), out=box)
    return void * part
