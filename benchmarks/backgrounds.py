"""What it costs to learn from a scan in which every patch is cracked, instead of from crack-free metal.

    python benchmarks/backgrounds.py [--steps 1500] [--seeds 0 1] [--work FOLDER]

Two volumes of the condition "noisy" are alike to the last grain, pore and photon, but one of them holds so many cracks that every
patch of every slice shows one. Each serves as the source of backgrounds, by the usual rules of doubt, for a net of the preset
``quick``; both nets are scored on other volumes. The table it prints stands in ``docs/benchmark.md``.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_xct_crack import presets
from napari_xct_crack.budget import Budget
from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.evaluate import Evaluation, scores
from napari_xct_crack.events import finish
from napari_xct_crack.examples import patches_of
from napari_xct_crack.inference import preview
from napari_xct_crack.metrics import Scores, pooled_margin
from napari_xct_crack.phantom import Condition, ConditionName, Phantom, PhantomSettings, grey, simulate
from napari_xct_crack.phantom.content import fill
from napari_xct_crack.prepare import part_at, prepare
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import train
from napari_xct_crack.volume import Box, Volume

SHAPE = (32, 256, 256)
PREVALENCE = 4.0
"""So many times the usual number of cracks that every patch of 128 pixels holds one."""
TESTS = 5
RIM = 5
"""Voxels under the part's surface that are scored for nobody."""


def twins(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A scan full of cracks, the same without them, and the cracks' labels."""
    settings = PhantomSettings(condition="noisy", seed=seed, shape=SHAPE, prevalence=PREVALENCE)
    content = settings.content
    assert isinstance(content, Condition)
    rng = np.random.default_rng((seed, get_args(ConditionName).index("noisy")))
    cracked = fill(SHAPE, content, PREVALENCE, rng)
    free = replace(cracked, void=np.zeros_like(cracked.void))
    again = copy.deepcopy(rng)
    return grey.scan(cracked, content, rng), grey.scan(free, content, again), cracked.labels


def quick(steps: int, seed: int) -> TrainSettings:
    """The preset, with one epoch of so many steps."""
    values = {name: value for name, value in presets.load("quick").items() if name in TrainSettings.model_fields}
    return TrainSettings.checked(values | {"seed": seed, "steps_per_epoch": steps})


def least(volume: Volume, labels: np.ndarray, settings: TrainSettings) -> tuple[int, float]:
    """Fewest voxels of true crack in any patch that serves as background, and how much of all true crack is doubted."""
    patches = patches_of(volume, settings, ())
    (slab,) = patches.slabs
    size = patches.size
    held = [int((labels[z, y : y + size, x : x + size] > 0).sum()) for _, z, y, x in patches.free]
    crack = (labels > 0) & slab.part[tuple(slice(side) for side in labels.shape)]
    return min(held), float(slab.doubtful[tuple(slice(side) for side in labels.shape)][crack].mean())


def score(run: Run, phantom: Phantom) -> Evaluation:
    """What a run marks in another volume, after the default clean-up."""
    volume = prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))
    scored = distance_transform_edt(part_at(volume)) > RIM
    size = CleanSettings().settled((2, 1, 1)).min_size or 0
    marked = preview(run, volume, Box.of(volume.shape)) >= 128
    mask = (clean_array(marked, CleanSettings(min_size=size)) > 0) & scored
    return scores(mask, phantom.labels, tips=np.array(phantom.tips).reshape(-1, 4), ignore=~scored)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-backgrounds")
    given = parser.parse_args()
    cracked, free, labels = twins(3000)
    scans = {
        name: prepare(Volume.from_array(scan, voxel_size=(0.71, 0.71, 0.71)))
        for name, scan in (("cracked", cracked), ("crack-free", free))
    }
    print(
        "fewest crack voxels in a background, share of true crack doubted:",
        *least(scans["cracked"], labels, quick(1, 0)),
    )
    tests = [simulate(PhantomSettings(condition="noisy", seed=4000 + n, shape=SHAPE)) for n in range(TESTS)]
    found: dict[str, list[list[Evaluation]]] = {name: [] for name in scans}
    print("| backgrounds from | seed | CPU s | centre-line F1@2 | P / R | F1@2 | tip F1 |\n|" + "---|" * 7)
    for seed in given.seeds:
        for name, scan in scans.items():
            started = time.process_time()
            run = Run.create(given.work / f"{name}-{seed}-{given.steps}", quick(given.steps, seed), scan)
            finish(train(run, Budget(epochs=1), "cpu"))
            spent = time.process_time() - started
            results = [score(run, phantom) for phantom in tests]
            found[name].append(results)
            line, voxels, tips = (
                sum((getattr(one, key) for one in _apart(results, key)), Scores.none()) for key in KEYS
            )
            print(
                f"| {name} | {seed} | {spent:.0f} | {line.f1:.3f} | {line.precision:.2f} / {line.recall:.2f} | {voxels.f1:.3f} "
                f"| {tips.f1:.3f} |",
                flush=True,
            )
    for key in KEYS:
        ours, theirs = ([_summed(found[name], number, key) for number in range(TESTS)] for name in found)
        gap = pooled_margin(ours, theirs)
        print(f"{key}: cracked minus crack-free {gap.value:+.3f} ({gap.low:+.3f}, {gap.high:+.3f})")


KEYS = ("centreline", "voxels", "tips")


def _apart(results: list[Evaluation], key: str) -> list[Evaluation]:
    """Cracks of different volumes under numbers of their own."""
    return [
        replace(
            one,
            **{
                key: Scores(
                    getattr(one, key).units + 10**6 * np.sign(getattr(one, key).units) * number,
                    getattr(one, key).counts,
                )
            },
        )
        for number, one in enumerate(results)
    ]


def _summed(seeds: list[list[Evaluation]], number: int, key: str) -> Scores:
    """Counts of one test volume over all seeds of training."""
    return sum((getattr(results[number], key) for results in seeds), Scores.none())


if __name__ == "__main__":
    main()
