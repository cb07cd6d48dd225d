"""Weights that a segmenter starts from: learnt on simulated crack-free scans, no two alike, with cracks drawn into them.

Noise, its grain, blur, cupping, rings, pores and metal grains are drawn for each scan; cracks are those of the default
generator, rendered as in every training. No scan here shares its seed or its settings with those of the other benchmarks::

    python benchmarks/pretrain.py OUT.safetensors [--steps 16000] [--scans 64]

The result ships as ``src/napari_xct_crack/networks/halved.safetensors``; what it gives stands in ``docs/benchmark.md``.
"""

from __future__ import annotations

import argparse
import copy
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from napari_xct_crack.checkpoints import move_average
from napari_xct_crack.patches import Patches
from napari_xct_crack.phantom import Condition, grey
from napari_xct_crack.phantom.content import fill
from napari_xct_crack.prepare import prepare
from napari_xct_crack.presets import load
from napari_xct_crack.records import write_tensors
from napari_xct_crack.runs import TrainSettings
from napari_xct_crack.volume import Volume

SHAPE = (24, 256, 256)
SEED = 777


def condition(rng: np.random.Generator) -> Condition:
    """How one scan looks."""

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    return Condition(
        density=0,
        noise=between(0.03, 0.2),
        noise_width=float(rng.uniform(0.5, 2)),
        point_spread=between(0.8, 3.2),
        cupping=float(rng.uniform(0, 0.12)),
        rings=float(rng.uniform(0, 0.1)) if rng.random() < 0.4 else 0.0,
        pores_per_slice=between(5, 120),
        grains=float(rng.uniform(0.01, 0.06)),
        grain_size=float(rng.uniform(2, 6)),
        odd_grains=bool(rng.random() < 0.5),
    )


def scan(number: int, settings: TrainSettings) -> Patches:
    """Backgrounds of one scan, all of which is known to be metal."""
    rng = np.random.default_rng((SEED, number))
    look = condition(rng)
    volume = prepare(Volume.from_array(grey.scan(fill(SHAPE, look, 1, rng), look, rng), voxel_size=(1, 1, 1)))
    known = settings.patches.model_copy(update={"doubt": False, "background_share": 1.0})
    return Patches(volume, known, settings.cracks, settings.slices, settings.network.stride, SEED + number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=16000)
    parser.add_argument("--scans", type=int, default=64)
    given = parser.parse_args()
    settings = TrainSettings.checked({k: v for k, v in load("quick").items() if k in TrainSettings.model_fields})
    scans = [scan(number, settings) for number in range(given.scans)]
    torch.manual_seed(SEED)
    learner = settings.method.start(settings.network, settings.slices, torch.device("cpu"))
    net = learner.modules["segmenter"]
    average, losses, started = copy.deepcopy(net), [], time.process_time()
    with ThreadPoolExecutor(1) as pool:
        drawn = pool.submit(scans[0].batch, 0, settings.batch)
        for step in range(given.steps):
            batch = drawn.result()
            drawn = pool.submit(scans[(step + 1) % len(scans)].batch, step + 1, settings.batch)
            rng = np.random.default_rng((SEED, step))
            losses.append(learner.step(batch, step / given.steps, rng)["dice"])
            move_average(average, net, step + 1, settings.averaging)
            if (step + 1) % 1000 == 0:
                spent = time.process_time() - started
                print(f"step {step + 1}: Dice loss {np.mean(losses[-1000:]):.4f}, {spent:.0f} CPU s", flush=True)
    write_tensors(given.out, average.state_dict())


if __name__ == "__main__":
    main()
