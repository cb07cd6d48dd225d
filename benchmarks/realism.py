"""Crack density and opening that calibration finds in phantoms, against what is in them.

Truth is that of each very volume, of cracks at least as open as the limit that calibration states. The density and the
opening of the generator as it was set are measured by drawing with it. Run as::

    python benchmarks/realism.py [--seeds 3] [--first-seed 200] [--shape 48 320 320] [--conditions noisy soft]

The table it prints stands in ``docs/realism.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from napari_xct_crack.cracks._area import Area, area_of, weighted_median
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import finish
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.realism import Calibration, calibrate
from napari_xct_crack.volume import Volume


@dataclass(frozen=True)
class Result:
    """One volume: density in 1/voxel, openings in voxels; none where nothing was determined."""

    limit: float
    density: float | None
    true_density: float
    set_density: float
    aperture: float | None
    true_aperture: float
    set_aperture: float


def measure(condition: str, prevalence: float, seed: int, shape: tuple[int, int, int]) -> Result:
    """Calibrate on one phantom and compare with its truth."""
    settings = PhantomSettings(condition=condition, seed=seed, shape=shape, prevalence=prevalence)
    phantom = simulate(settings)
    part = Volume.from_array(phantom.part.astype(np.uint8), role="mask")
    found = finish(calibrate(prepare(Volume.from_array(phantom.scan), part=part), SheetCracks()))
    truth = area_of(list(phantom.contents.cracks), shape).within(phantom.part)
    true_density, true_aperture = above(truth, found.limit, int(phantom.part.sum()))
    set_density, set_aperture = drawn(found)
    return Result(found.limit, found.density, true_density, set_density, found.aperture, true_aperture, set_aperture)


def above(area: Area, limit: float, voxels: int) -> tuple[float, float]:
    """Density and median opening of what is at least so open."""
    held = area.aperture >= limit
    return float(area.area[held].sum()) / voxels, weighted_median(area.aperture[held], area.area[held])


def drawn(found: Calibration, stacks: int = 40) -> tuple[float, float]:
    """Density and median opening of the generator as it was set, in the stacks it is set for."""
    generator = found.generator
    assert isinstance(generator, SheetCracks)
    rng = np.random.default_rng(99)
    sheets = []
    for _ in range(stacks):
        for _ in range(int(rng.integers(generator.count[0], generator.count[1] + 1))):
            sheets.append(generator.sheet(found.stack, rng, found.voxel_size))
    return above(area_of(sheets, found.stack, pieces=24), found.limit, stacks * int(np.prod(found.stack)))


def row(condition: str, prevalence: float, results: list[Result]) -> str:
    """One line of the table: means over the volumes in which something was determined."""
    told = [result for result in results if result.density is not None]
    head = f"| {condition} | {prevalence:g} | {len(told)} of {len(results)} |"
    everywhere = np.mean([result.set_density for result in results])
    if not told:
        true = np.mean([result.true_density for result in results])
        return f"{head} not determined | {1e3 * true:.2f} | {1e3 * everywhere:.2f} | | not determined | | | |"

    def mean(name: str) -> float:
        return float(np.mean([getattr(result, name) for result in told]))

    cells = [
        f"{1e3 * mean('density'):.2f}",
        f"{1e3 * mean('true_density'):.2f}",
        f"{1e3 * mean('set_density'):.2f}",
        f"{mean('set_density') / mean('true_density') - 1:+.0%}",
        f"{mean('aperture'):.2f}",
        f"{mean('true_aperture'):.2f}",
        f"{mean('set_aperture'):.2f}",
        f"{mean('set_aperture') / mean('true_aperture') - 1:+.0%}",
    ]
    return f"{head} {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--shape", type=int, nargs=3, default=(48, 320, 320))
    parser.add_argument("--conditions", nargs="+", default=["noisy", "soft"])
    parser.add_argument("--prevalences", type=float, nargs="+", default=[0, 0.25, 1, 4])
    given = parser.parse_args()
    columns = ["condition", "cracks ×", "volumes determined"]
    for what in ("density (10⁻³/voxel)", "opening (voxels)"):
        columns += [f"{what} found", "true", "generator's", "off"]
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for prevalence in given.prevalences:
        for condition in given.conditions:
            results = []
            for seed in range(given.first_seed, given.first_seed + given.seeds):
                results.append(measure(condition, prevalence, seed, tuple(given.shape)))
            print(row(condition, prevalence, results), flush=True)


if __name__ == "__main__":
    main()
