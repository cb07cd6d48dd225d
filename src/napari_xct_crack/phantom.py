"""Scans of known truth: rough cracks, pores and grains in a metal bar, blurred and noisy.

The degradation is done in the image domain: attenuation, point spread, correlated noise, rings, cupping, 16 bit.
Cracks come from the same surface model as :class:`~napari_xct_crack.cracks.sheet.SheetCracks`, but with distributions
of their own, so that a generator never meets exactly its own cracks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from .cracks._surface import TILE, Sheet, carve, frame, front_factor, surface
from .errors import OutputError
from .events import Progress, Said, Work
from .settings import Settings
from .volume import Triple

AIR, METAL = 9000.0, 36000.0
"""Grey values of air and metal."""

ConditionName = Literal["clean", "seed-like", "noisy", "soft", "rings", "porous", "crack-free"]


@dataclass(frozen=True)
class Condition:
    """How a phantom's scan was taken; contrasts as a share of metal minus air, lengths in voxels."""

    noise: float
    noise_width: float = 0.6
    point_spread: float = 1.1
    apertures: tuple[float, float] = (0.35, 3.0)
    blunting: tuple[float, ...] = (0.25, 0.5, 1.0)
    density: float = 3.4e-6
    """Cracks per voxel."""
    pores_per_slice: float = 25.0
    grains: float = 0.02
    grain_size: float = 4.0
    cupping: float = 0.03
    rings: float = 0.0


CONDITIONS: dict[str, Condition] = {
    "clean": Condition(noise=0.03),
    "seed-like": Condition(noise=0.09),
    "noisy": Condition(noise=0.16),
    "soft": Condition(noise=0.05, noise_width=1.6, point_spread=2.2, apertures=(0.3, 1.2), grains=0.04),
    "rings": Condition(noise=0.09, rings=0.08, cupping=0.12),
    "porous": Condition(noise=0.09, pores_per_slice=120.0),
    "crack-free": Condition(noise=0.09, density=0.0),
}


class PhantomSettings(Settings):
    """Which phantom to make."""

    condition: ConditionName = Field("noisy", description="Named scan condition.")
    seed: int = Field(12, ge=0, description="Seed of everything random.")
    shape: tuple[int, int, int] = Field((48, 384, 384), description="Voxels along z, y, x.")
    prevalence: float = Field(1.0, ge=0, le=16, description="Factor on the number of cracks.")
    voxel_size_um: tuple[float, float, float] = Field((0.71, 0.71, 0.71), description="µm along z, y, x.")


@dataclass(frozen=True)
class Phantom:
    """A simulated scan and its truth; arrays of shape (z, y, x)."""

    scan: NDArray[np.uint16]
    labels: NDArray[np.int32]
    """Crack number on the centre line wherever the aperture reaches 0.3 voxels, and on voxels at least half void."""
    void: NDArray[np.float32]
    """Void fraction of cracks alone, before any blur."""
    aperture: NDArray[np.float32]
    """Opening in voxels on labelled voxels."""
    part: NDArray[np.bool_]
    tips: tuple[tuple[float, float, float, int], ...]
    """Where a crack's trace in a slice ends: z, y, x, crack number."""
    sheets: tuple[Sheet, ...]


def simulate(settings: PhantomSettings) -> Phantom:
    """Make a phantom in memory."""
    shape, condition = settings.shape, CONDITIONS[settings.condition]
    rng = np.random.default_rng((settings.seed, get_args(ConditionName).index(settings.condition)))
    part = bar(shape)
    void, aperture = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    target, labels = np.zeros(shape, np.bool_), np.zeros(shape, np.int32)
    sheets: list[Sheet] = []
    for number in range(1, round(condition.density * settings.prevalence * int(part.sum())) + 1):
        sheets.append(_random_sheet(shape, part, condition, rng))
        carve(sheets[-1], void, target, aperture, labels, number)
    void *= part
    labels[~part] = 0
    aperture[~part] = 0
    pores = _pores(shape, part, condition.pores_per_slice, rng)
    scan = _scan(part, np.minimum(1, void + pores), condition, rng)
    tips = tuple(tip for number, sheet in enumerate(sheets, 1) for tip in _tips(sheet, number, shape, part))
    return Phantom(scan, labels, void, aperture, part, tips, tuple(sheets))


def make(settings: PhantomSettings, folder: Path) -> Work[Path]:
    """Write ``scan.ome.zarr``, ``truth.ome.zarr`` (labels) and ``truth.json`` into a folder; returns the folder.

    Raises
    ------
    OutputError
        If the folder already holds a phantom of other settings, or cannot be written.
    """
    from .io import ome_zarr

    stated = settings.model_dump(mode="json")
    record = folder / "truth.json"
    if record.exists():
        if json.loads(record.read_text(encoding="utf-8")).get("settings") != stated:
            raise OutputError(f"{folder} already holds a phantom of other settings; name another folder or remove it.")
        yield Said(f"The phantom in {folder} exists and is kept.")
        return folder
    yield Progress(0, 2, "phantom")
    phantom = simulate(settings)
    yield Progress(1, 2, "phantom")
    voxel_size = settings.voxel_size_um
    ome_zarr.write(folder / "scan.ome.zarr", phantom.scan, role="image", voxel_size=voxel_size, overwrite=True)
    ome_zarr.write(folder / "truth.ome.zarr", phantom.labels, role="labels", voxel_size=voxel_size, overwrite=True)
    record.write_text(json.dumps(_record(settings, phantom), indent=1), encoding="utf-8")
    yield Progress(2, 2, "phantom")
    return folder


def _record(settings: PhantomSettings, phantom: Phantom) -> dict[str, Any]:
    inside = int(phantom.part.sum())
    return {
        "settings": settings.model_dump(mode="json"),
        "condition": asdict(CONDITIONS[settings.condition]),
        "voxel_size_um": settings.voxel_size_um,
        "air": AIR,
        "metal": METAL,
        "void_fraction": float(phantom.void.sum()) / inside,
        "tips": [[round(value, 3) for value in tip] for tip in phantom.tips],
        "cracks": [{"id": number, **asdict(sheet)} for number, sheet in enumerate(phantom.sheets, 1)],
    }


def bar(shape: Triple) -> NDArray[np.bool_]:
    """A bar with rounded corners along z, 72 % of the slice wide: its corners stay inside the round field of view."""
    y, x = (np.abs(np.arange(side) - (side - 1) / 2) / (0.36 * side) for side in shape[1:])
    return np.broadcast_to(y[:, None] ** 6 + x[None, :] ** 6 < 1, shape)


def _random_sheet(shape: Triple, part: NDArray[np.bool_], condition: Condition, rng: np.random.Generator) -> Sheet:
    while True:
        centre = tuple(float(rng.uniform(0, side)) for side in shape)
        if part[int(centre[0]), int(centre[1]), int(centre[2])]:
            break
    radius = float(np.exp(rng.normal(np.log(38.0), 0.45)))
    normal = rng.normal(size=3) * (0.45, 1, 1)
    low, high = np.log(condition.apertures)
    front: list[float] = []
    for harmonic in range(2, 8):
        front += [float(rng.normal(0, 0.3 / harmonic)), float(rng.uniform(0, 2 * np.pi))]
    return Sheet(
        centre=(centre[0], centre[1], centre[2]),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
        radius=radius,
        aperture=float(np.exp(rng.uniform(low, high))),
        blunting=float(rng.choice(condition.blunting)),
        roughness=radius * float(rng.uniform(0.01, 0.06)),
        hurst=float(rng.choice((0.55, 0.65, 0.75, 0.85))),
        tile=int(rng.integers(1000, 1 << 20)),
        shift=(float(rng.uniform(0, TILE)), float(rng.uniform(0, TILE))),
        front=tuple(front),
    )


def _tips(sheet: Sheet, number: int, shape: Triple, part: NDArray[np.bool_]) -> list[tuple[float, float, float, int]]:
    """Where the front crosses each slice, at least 3 voxels inside the volume and inside the part."""
    angle = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
    factor = front_factor(angle, sheet.front)
    u, v = sheet.radius * factor * np.cos(angle), sheet.radius * factor * np.sin(angle)
    tile = surface(sheet.hurst, sheet.tile)
    rise = sheet.roughness * ndimage.map_coordinates(
        tile, (u + sheet.shift[0], v + sheet.shift[1]), order=1, mode="grid-wrap"
    )
    axes = frame(sheet.normal)
    line = np.asarray(sheet.centre)[:, None] + axes[1][:, None] * u + axes[2][:, None] * v + axes[0][:, None] * rise
    after = np.roll(line, -1, axis=1)
    tips: list[tuple[float, float, float, int]] = []
    for z in range(shape[0]):
        for i in np.flatnonzero((line[0] < z) != (after[0] < z)):
            share = (z - line[0, i]) / (after[0, i] - line[0, i])
            y, x = (line[1:, i] + share * (after[1:, i] - line[1:, i])).tolist()
            inside = 3 <= y < shape[1] - 3 and 3 <= x < shape[2] - 3
            if inside and part[z, round(y), round(x)]:
                tips.append((float(z), y, x, number))
    return tips


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


def _scan(
    part: NDArray[np.bool_], void: NDArray[np.float32], condition: Condition, rng: np.random.Generator
) -> NDArray[np.uint16]:
    shape = (part.shape[0], part.shape[1], part.shape[2])
    grains = _correlated(shape, condition.grain_size, rng) * np.float32(condition.grains)
    attenuation = part * (1 + grains) * (1 - void)
    y, x = (np.linspace(-1, 1, side) for side in shape[1:])
    radius = np.hypot(y[:, None], x[None, :])
    attenuation *= 1 + condition.cupping * (radius**2 - 0.5).astype(np.float32)
    image = ndimage.gaussian_filter(attenuation.astype(np.float32), condition.point_spread)
    image += np.float32(condition.noise) * _correlated(shape, condition.noise_width, rng)
    if condition.rings:
        gains = rng.normal(0, condition.rings, (shape[0], max(shape[1:])))
        gains = ndimage.gaussian_filter1d(np.where(np.abs(gains) > 1.6 * condition.rings, gains, 0), 0.7, axis=1)
        index = np.minimum((radius * max(shape[1:]) / 2).astype(int), gains.shape[1] - 1)
        image += gains.astype(np.float32)[:, index] / (1 + index[None] / 60).astype(np.float32)
    grey = np.clip(AIR + (METAL - AIR) * image, 1, 65535)
    grey[:, radius > 1.0] = 0
    scan: NDArray[np.uint16] = np.rint(grey).astype(np.uint16)
    return scan


def _correlated(shape: Triple, width: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Gaussian noise of unit variance, alike along all axes."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), width, mode="wrap")
    return np.asarray(noise / noise.std(), dtype=np.float32)
