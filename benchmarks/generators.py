"""How fast cracks are drawn: against a plain loop, every generator by itself, and beside the training that waits for them.

    OMP_WAIT_POLICY=PASSIVE python benchmarks/generators.py [--repeats 30] [--steps 12]

Times are processor times of the thread that works, so that other work on the computer does not count; only how long a
step waits is time by the clock. Threads that wait sleep, as the command line has it. The tables it prints stand in ``docs/cracks.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks._masks import build
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.methods import Batch, Learner
from napari_xct_crack.patches import Patches
from napari_xct_crack.phantom import PhantomSettings, make
from napari_xct_crack.prepare import prepare
from napari_xct_crack.presets import load
from napari_xct_crack.runs import TrainSettings

SIDE, STACK = 256, (5, 256, 256)
SIX = RandomCracks(
    count=(3, 3), decay=0.01, decay_min=0.01, smoothness=1, smoothness_min=1, t_min=1, t_max=9, t_law="uniform", t_end=0.5,
    rotated=0, border=False,
)  # fmt: skip
"""CGM3 as published, six cracks, without what the published equations do not have."""


def plain(side: int, rng: np.random.Generator) -> np.ndarray:
    """Six cracks of the published equations, column by column: t ← t·(1 − |N(0, DF)|), c ← c + N(0, SF)."""
    mask = np.zeros((side, side), np.float32)
    for canvas in (mask, mask, mask, mask.T, mask.T, mask.T):
        middle, across, start = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(1, 9)
        for sign in (-1, 1):
            column, centre, thickness = int(middle), across, start
            while 0 <= column < side and thickness >= 0.5:
                low, high = centre - thickness / 2, centre + thickness / 2
                for row in range(max(0, int(low)), min(side, int(high) + 1)):
                    share = min(high, row + 1) - max(low, row)
                    canvas[row, column] = max(canvas[row, column], share)
                thickness *= max(0.0, 1 - abs(rng.normal(0, 0.01)))
                centre += rng.normal(0, 1)
                column += sign
    return mask


def seconds(call: Callable[[np.random.Generator], object], repeats: int) -> np.ndarray:
    """Processor time of each of some calls, each with its own random numbers, after one that compiles."""
    call(np.random.default_rng(0))
    spent = []
    for number in range(repeats):
        rng = np.random.default_rng(number)
        started = time.thread_time()
        call(rng)
        spent.append(time.thread_time() - started)
    return np.array(spent)


def ratio(repeats: int) -> Iterator[str]:
    """CGM3 against the plain loop."""
    ours = seconds(lambda rng: SIX.draw((1, SIDE, SIDE), rng), 10 * repeats)
    loop = seconds(lambda rng: plain(SIDE, rng), repeats)
    yield "| CGM3, six cracks on 256² | median time | 90 % of the draws within |"
    yield "|---|---|---|"
    for name, spent in (("plain per-column loop", loop), ("`RandomCracks`", ours)):
        yield f"| {name} | {1e3 * np.median(spent):.3f} ms | {1e3 * np.quantile(spent, 0.9):.3f} ms |"
    yield f"\n`RandomCracks` is {np.median(loop) / np.median(ours):.0f} times as fast as the loop.\n"


def stand_in_library(folder: Path) -> Path:
    """A library of drawn masks: how long a draw takes does not depend on who drew the mask."""
    from PIL import Image

    for number in range(20):
        mask = RandomCracks().draw((1, 400, 400), np.random.default_rng((1, number))).target[0]
        Image.fromarray(mask).save(folder / f"{number}.png")
    finish(build(folder, folder / "stand-ins.masks"))
    return folder / "stand-ins.masks"


def every(folder: Path) -> dict[str, CrackGenerator]:
    """All generators with their usual settings."""
    given = {"library": {"path": stand_in_library(folder)}}
    return {name: kind(**given.get(name, {})) for name, kind in sorted(CrackGenerator.kinds().items())}


def stacks(generators: dict[str, CrackGenerator], repeats: int) -> Iterator[str]:
    """Every generator's time per stack."""
    yield "| generator | median per stack of 5 × 256 × 256 | 90 % of the draws within |"
    yield "|---|---|---|"
    for name, generator in generators.items():
        spent = seconds(lambda rng, drawing=generator: drawing.draw(STACK, rng), repeats)
        yield f"| `{name}` | {1e3 * np.median(spent):.1f} ms | {1e3 * np.quantile(spent, 0.9):.1f} ms |"
    yield ""


def waiting(generators: dict[str, CrackGenerator], folder: Path, steps: int) -> Iterator[str]:
    """How long a training step waits for the batch that is drawn beside it, as the training loop does it."""
    values = load("quick")
    settings = TrainSettings.checked(
        {name: value for name, value in values.items() if name in TrainSettings.model_fields}
    )
    made = finish(make(PhantomSettings(shape=(24, 384, 384), condition="noisy"), folder / "phantom"))
    scan = prepare(read(made / "scan.ome.zarr"))
    patches = Patches(scan, settings.patches, settings.cracks, settings.slices, settings.network.stride, seed=0)
    learner = settings.method.start(settings.network, settings.slices, torch.device("cpu"))
    yield f"| generator | drawing a batch of {settings.batch} | a step | a step waits |"
    yield "|---|---|---|---|"
    for name, generator in generators.items():
        patches.cracks = generator
        rows = np.array(list(_steps(patches, learner, settings.batch, steps)))[2:]
        drawing, learning, waited = np.median(rows, axis=0)
        share = (rows[:, 2] > 0.001).mean()
        yield (
            f"| `{name}` | {1e3 * drawing:.0f} ms | {1e3 * learning:.0f} ms "
            f"| {1e3 * waited:.1f} ms ({share:.0%} of the steps over 1 ms) |"
        )


def _steps(patches: Patches, learner: Learner, count: int, steps: int) -> Iterator[tuple[float, float, float]]:
    """Time of drawing, learning and waiting in each step."""

    def drawn(step: int) -> tuple[Batch, float]:
        started = time.thread_time()
        batch = patches.batch(step, count)
        return batch, time.thread_time() - started

    with ThreadPoolExecutor(1) as pool:
        pool.submit(drawn, steps).result()  # compiled before anything is timed
        coming = pool.submit(drawn, 0)
        for step in range(steps):
            started = time.perf_counter()
            batch, drawing = coming.result()
            waited = time.perf_counter() - started
            coming = pool.submit(drawn, step + 1)
            started = time.thread_time()
            learner.step(batch, 0.1, np.random.default_rng(step))
            yield drawing, time.thread_time() - started, waited


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30, help="draws per generator")
    parser.add_argument("--steps", type=int, default=12, help="training steps per generator; 0 leaves them out")
    given = parser.parse_args(arguments)
    load_1 = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, load {load_1} at the start, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        generators = every(Path(name))
        for line in (*ratio(given.repeats), *stacks(generators, given.repeats)):
            print(line)
        if given.steps:
            for line in waiting(generators, Path(name), given.steps):
                print(line)


if __name__ == "__main__":
    main()
