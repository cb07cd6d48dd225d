"""Does any snapshot of a run tell where a crack will grow? The null test, on growing phantoms whose future is known.

    python benchmarks/propagation.py [--methods semisynthetic cyclegan] [--conditions noisy clean] [--steps 1500] [--work FOLDER]

Cracks grow in a volume; the scan shows them as they are now. From the end of each crack's trace in a slice its future trace is
known. What a snapshot marks 4 to 16 voxels ahead points somewhere: the angle to where the crack will run is compared with that of
going straight on, of a random heading ahead, and of the same snapshot on the same grains, pores and noise without any crack.
Where a snapshot marks nothing, it is taken to say "straight on". The tables it prints stand in ``docs/propagation.md``.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from napari_xct_crack import presets
from napari_xct_crack.budget import Budget
from napari_xct_crack.checkpoints import snapshots
from napari_xct_crack.cracks._carved import Carved
from napari_xct_crack.cracks._growth import Grown, Growth, grow
from napari_xct_crack.events import finish
from napari_xct_crack.inference import preview
from napari_xct_crack.metrics import match_tips
from napari_xct_crack.phantom import CONDITIONS, Condition, PhantomSettings, bar, grey, simulate
from napari_xct_crack.phantom.content import Contents, _pores, _random_sheet, tips
from napari_xct_crack.prepare import prepare
from napari_xct_crack.propagation import FAR, LEAST, NEAR, headings
from napari_xct_crack.runs import Run, Segmenter, TrainSettings, load_segmenter
from napari_xct_crack.tips import slice_tips
from napari_xct_crack.training import train
from napari_xct_crack.volume import Box, Volume

SHAPE = (22, 256, 256)
SLICES = (3, 8, 13, 18)
"""That are looked at; between them lies the reach of a net."""
CRACKS = 7
GROWTH = 3
"""Steps of growth between now and the future."""
APART = 20.0
"""A tip so near to another crack is left out."""
TRUST = 6.0
"""A visible end so near to where the crack really ends is the end of that crack."""


@dataclass(frozen=True)
class Scene:
    """One volume: its scan now, the same without cracks, and where its cracks are now and later (numbers, shape (z, y, x))."""

    scan: Volume
    empty: Volume
    now: NDArray[np.int32]
    later: NDArray[np.int32]
    ends: NDArray[np.float64]
    """Where the traces end now: z, y, x, number."""


def scene(name: str, seed: int) -> Scene:
    """Cracks that have grown a little, and their future. Half of them turn across a tension, half go on in their sheet."""
    content = CONDITIONS[name]
    rng = np.random.default_rng((seed, 77))
    part = bar(SHAPE)
    now, later = Carved.empty(SHAPE), Carved.empty(SHAPE)
    ends: list[tuple[float, float, float, int]] = []
    for number in range(1, CRACKS + 1):
        sheet = _random_sheet(SHAPE, part, content, rng, 0)
        upright = (0.3 * sheet.normal[0], *sheet.normal[1:])
        sheet = replace(sheet, radius=float(rng.uniform(12, 30)), normal=upright)
        tension = _leaning(sheet.normal, rng) if number % 2 else None
        states: list[Grown] = list(grow(sheet, GROWTH, rng, Growth(advance=4.0, tension=tension)))
        states[0].carve(now, number)
        states[-1].carve(later, number)
        line = states[0].line()
        ends += tips([np.concatenate([line, line[:1]])], number, part)
    void = now.coverage * part
    pores = _pores(SHAPE, part, content.pores_per_slice, rng)
    again = copy.deepcopy(rng)
    found = [grey.scan(_contents(part, each, pores), content, r) for each, r in ((void, rng), (0 * void, again))]
    return Scene(_prepared(found[0]), _prepared(found[1]), now.ids, later.ids, np.array(ends))


def _leaning(normal: tuple[float, float, float], rng: np.random.Generator) -> tuple[float, float, float]:
    """A tension 20 to 50 degrees off a sheet's normal, in the plane of the slices."""
    angle = np.arctan2(normal[2], normal[1]) + np.radians(rng.uniform(20, 50)) * rng.choice((-1, 1))
    return 0.0, float(np.cos(angle)), float(np.sin(angle))


def _contents(part: NDArray[np.bool_], void: NDArray[np.float32], pores: NDArray[np.float32]) -> Contents:
    nothing = np.zeros(part.shape, np.int32)
    return Contents(part, void, pores, nothing, np.zeros(part.shape, np.float32), ())


def _prepared(scan: NDArray[np.uint16]) -> Volume:
    return prepare(
        Volume.from_array(scan, voxel_size=(0.71, 0.71, 0.71)), part=Volume.from_array(bar(SHAPE), role="mask")
    )


def futures(place: Scene, z: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], int]]:
    """Ends of traces in a slice, where the crack will run from each (a unit vector), and its number."""
    for _, y, x, number in place.ends[place.ends[:, 0] == z]:
        here = np.array([y, x])
        others = (place.now[z] > 0) & (place.now[z] != number)
        away = np.hypot(*(np.argwhere(others) - here).T).min(initial=np.inf)
        opened = binary_dilation(place.now[z] == number, np.ones((3, 3)), 2)  # it also widens where it is
        mine = np.argwhere((place.later[z] == number) & ~opened) - here
        far = np.hypot(*mine.T)
        mine = mine[(far >= NEAR) & (far <= FAR)]
        if away < APART or len(mine) < 6 or not (FAR < y < SHAPE[1] - FAR and FAR < x < SHAPE[2] - FAR):
            continue
        mean = (mine / np.hypot(*mine.T)[:, None]).mean(axis=0)
        if np.hypot(*mean) > 0.7:  # else it runs to both sides of its end
            yield here, mean / np.hypot(*mean), int(number)


def rows_of(place: Scene, crack: int, nets: list[Segmenter], rng: np.random.Generator) -> Iterator[tuple[float, ...]]:
    """Per tip: number of its crack, then the errors in degrees of straight on, of a random heading, of each snapshot and of each
    snapshot without the tip, then whether each snapshot marks anything."""
    for z in SLICES:
        box = Box((z, 0, 0), (z + 1, *SHAPE[1:]))
        levels = [preview(net, place.scan, box)[0] / 255 for net in nets]
        bare = [preview(net, place.empty, box)[0] / 255 for net in nets]
        visible = slice_tips(levels[-1] >= 0.5, levels[-1])
        known = list(futures(place, z))
        pairs = match_tips(visible.places, np.array([one[0] for one in known]).reshape(-1, 2), TRUST)
        for seen, true in pairs:
            end, future, number = known[true]
            direction = visible.directions[seen]
            turn = np.arctan2(direction[0] * future[1] - direction[1] * future[0], direction @ future)
            if abs(turn) > np.pi / 2:
                continue
            at, way = end[None], direction[None]
            found = [headings(level, at, way) for level in levels]
            nothing = [headings(level, at, way) for level in bare]
            told = [float(angle[0]) if marks[0] >= LEAST else 0.0 for angle, marks in found]
            null = [float(angle[0]) if marks[0] >= LEAST else 0.0 for angle, marks in nothing]
            guesses = [0.0, rng.uniform(-np.pi / 2, np.pi / 2), *told, *null]
            errors = np.degrees(np.abs(np.array(guesses) - turn))
            yield (crack + number, *errors, *(float(marks[0] >= LEAST) for _, marks in found))


def interval(cracks: NDArray[np.float64], difference: NDArray[np.float64], draws: int = 4000) -> str:
    """Mean of a difference over tips and its 95 % interval; whole cracks are drawn."""
    numbers, owner = np.unique(cracks, return_inverse=True)
    sums, counts = np.bincount(owner, difference), np.bincount(owner)
    times = np.random.default_rng(0).multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), draws)
    low, high = np.quantile((times @ sums) / (times @ counts), (0.025, 0.975))
    return f"{difference.mean():+.1f} ({low:+.1f}, {high:+.1f})"


def trained(method: str, condition: str, steps: int, work: Path) -> Run:
    """A run of the preset ``quick`` by a method on a usual scan of the condition."""
    values = {name: value for name, value in presets.load("quick").items() if name in TrainSettings.model_fields}
    values |= {"steps_per_epoch": steps}
    if method == "cyclegan":
        values |= {"method": {"kind": "cyclegan", "discriminator_width": 16}, "reviews": 0}
    settings = PhantomSettings(condition=condition, shape=(32, 256, 256), prevalence=2, seed=5000)
    phantom = simulate(settings)
    scan = prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))
    run = Run.create(work / f"{method}-{condition}-{steps}", TrainSettings.checked(values), scan)
    finish(train(run, Budget(epochs=1), "cpu"))
    return run


def table(rows: NDArray[np.float64], steps: list[int]) -> Iterator[str]:
    """One line for each guess."""
    cracks, count = rows[:, 0], len(steps)
    errors, marked = rows[:, 1 : 3 + 2 * count], rows[:, 3 + 2 * count :]
    yield "| heading | tips with marks | mean error ° | median ° | minus straight on (95 %) | minus the same net without the tip (95 %) |"
    yield "|---|---|---|---|---|---|"
    names = ["straight on", "random, ahead", *(f"snapshot of step {step}" for step in steps)]
    for number, name in enumerate(names):
        here = errors[:, number]
        share = f"{marked[:, number - 2].mean():.0%}" if number >= 2 else ""
        beside = interval(cracks, here - errors[:, 0]) if number else ""
        null = interval(cracks, here - errors[:, number + count]) if number >= 2 else ""
        yield f"| {name} | {share} | {here.mean():.1f} | {np.median(here):.1f} | {beside} | {null} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", default=["semisynthetic", "cyclegan"])
    parser.add_argument("--conditions", nargs="*", default=["noisy", "clean"])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--tips", type=int, default=300, help="fewest tips of each condition")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-propagation")
    given = parser.parse_args()
    for condition in given.conditions:
        assert isinstance(CONDITIONS[condition], Condition)
        for method in given.methods:
            run = trained(method, condition, given.steps, given.work)
            kept = snapshots(run.folder)
            nets = [load_segmenter(run.folder, weights=path) for path in kept.values()]
            rng, rows, seed = np.random.default_rng(0), list[tuple[float, ...]](), 0
            while len(rows) < given.tips:
                rows += rows_of(scene(condition, 6000 + seed), 1000 * seed, nets, rng)
                seed += 1
            found = np.array(rows)
            head = f"{len(found)} tips of {len(np.unique(found[:, 0]))} cracks in {seed} volumes"
            print(f"\n**{method}, {condition}**: {head}\n")
            print("\n".join(table(found, list(kept))), flush=True)


if __name__ == "__main__":
    main()
