"""The published comparison of three crack generators, remade: one budget, and its picture with numbers.

    python benchmarks/published.py [--recipe NAME] [--steps N] [--condition NAME] [--prevalence F] [--only CGM1 ...] [--work FOLDER]

The preset ``paper`` to the letter, but for nets of width 16, or the corrected CycleGAN (``--recipe corrected``) learns from one
image-domain phantom and is scored on another with slices of 512²: on patches of 256² that do not overlap and know nothing of each
other, as published, and seamless; each before and after the default clean-up. CGM2 draws from masks that people have made, found by
``XCT_CRACK_TEST_DATA``. The table it prints stands in ``docs/benchmark.md``, the picture beside it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_xct_crack import presets
from napari_xct_crack.blocks import boxes
from napari_xct_crack.budget import Budget
from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.cracks._masks import build
from napari_xct_crack.evaluate import scores
from napari_xct_crack.events import Warned, finish
from napari_xct_crack.inference import preview
from napari_xct_crack.phantom import Phantom, PhantomSettings, simulate
from napari_xct_crack.prepare import part_at, prepare
from napari_xct_crack.report.figures import grid, overlay
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import train
from napari_xct_crack.volume import Box, Volume

Mask = NDArray[np.bool_]
SHAPE = (24, 512, 512)
PATCH = 256
WIDTH = 16
PICTURES = Path(__file__).parent.parent / "docs" / "benchmark"


def published(cracks: dict[str, Any], steps: int) -> TrainSettings:
    """The preset with thinner nets, one epoch of so many steps."""
    given = {name: value for name, value in presets.load("paper").items() if name in TrainSettings.model_fields}
    given["method"] |= {"discriminator_width": WIDTH}
    return TrainSettings.checked(
        given | {"cracks": cracks, "network": {"kind": "unet256", "width": WIDTH}, "steps_per_epoch": steps}
    )


def corrected(cracks: dict[str, Any], steps: int) -> TrainSettings:
    """The corrected CycleGAN with the nets and patches that it learns with on a CPU."""
    return TrainSettings.checked(
        {
            "cracks": cracks,
            "network": {"kind": "compact"},
            "method": {"kind": "cyclegan", "learning_rate": 1e-3, "discriminator_width": WIDTH},
            "patches": {"size": 128},
            "batch": 2,
            "reviews": 0,
            "steps_per_epoch": steps,
        }
    )


RECIPES = {"published": published, "corrected": corrected}


def generators(work: Path) -> dict[str, dict[str, Any]]:
    """The three crack generation modules as the recipe uses them."""
    masks = work / "masks.safetensors"
    if not masks.exists():
        finish(build(Path(os.environ["XCT_CRACK_TEST_DATA"]) / "masks" / "cfd", masks, "auto", None))
    return {
        "CGM1": {"kind": "fractal"},
        "CGM2": {"kind": "library", "path": str(masks)},
        "CGM3": presets.load("paper")["cracks"],
    }


def tiled(run: Run, volume: Volume) -> Mask:
    """Patch by patch, each as if there were nothing around it."""
    found = np.zeros(volume.shape, bool)
    for box in boxes(volume.shape, (volume.shape[0], PATCH, PATCH)):
        alone = Volume.from_array(volume.read(box), window=volume.window)
        found[box.slices] = preview(run, alone, Box.of(box.shape)) >= 128
    return found & part_at(volume)


def seamless(run: Run, volume: Volume) -> Mask:
    """Whole slices."""
    return preview(run, volume, Box.of(volume.shape)) >= 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--condition", default="clean")
    parser.add_argument("--prevalence", type=float, default=4.0)
    parser.add_argument("--recipe", choices=list(RECIPES), default="published")
    parser.add_argument("--only", nargs="*", default=["CGM1", "CGM2", "CGM3"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-published")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    phantom = partial(PhantomSettings, condition=given.condition, shape=SHAPE, prevalence=given.prevalence)
    learnt, scored = simulate(phantom(seed=5000)), simulate(phantom(seed=5001))
    source, volume = (prepare(Volume.from_array(one.scan, voxel_size=(0.71, 0.71, 0.71))) for one in (learnt, scored))
    pictures: dict[str, NDArray[Any]] = {}
    print(
        "| generator | CPU s | segmented | cleaned | centre-line F1@2 | P / R | tip F1 | volume ratio |\n|" + "---|" * 8
    )
    for name, cracks in generators(given.work).items():
        if name not in given.only:
            continue
        started = time.process_time()
        run = Run.create(
            given.work / f"{given.recipe}-{name}-{given.steps}", RECIPES[given.recipe](cracks, given.steps), source
        )
        said = [event.text for event in train(run, Budget(epochs=1), "cpu") if isinstance(event, Warned)]
        spent = time.process_time() - started
        for way, segment in (("patches", tiled), ("seamless", seamless)):
            raw = segment(run, volume)
            size = CleanSettings().settled((2, 1, 1)).min_size or 0
            for cleaned, mask in (("no", raw), ("yes", clean_array(raw, CleanSettings(min_size=size)) > 0)):
                print(f"| {name} | {spent:.0f} | {way} | {cleaned} | {row(mask, scored, volume)} |", flush=True)
                pictures[f"{name}, {way}{', cleaned' * (cleaned == 'yes')}"] = seen(mask, scored, volume)
        print(f"{name} said: {said[-1] if said else 'nothing'}", flush=True)
    caption = f"{given.recipe} recipe, {given.steps} steps; green right, purple false, orange true centre line missed"
    (PICTURES / f"{given.recipe}.png").write_bytes(grid(pictures, 4, caption=caption))


def row(mask: Mask, truth: Phantom, volume: Volume) -> str:
    """Scores of a mask in the part."""
    found = scores(mask, truth.labels, tips=np.array(truth.tips).reshape(-1, 4), ignore=~part_at(volume))
    line = found.centreline
    return (
        f"{line.f1:.3f} | {line.precision:.2f} / {line.recall:.2f} | {found.tips.f1:.3f} "
        f"| {found.voxels.volume_ratio:.2f}"
    )


def seen(mask: Mask, truth: Phantom, volume: Volume) -> NDArray[np.float64]:
    """The middle slice, judged."""
    z = SHAPE[0] // 2
    assert volume.window is not None
    return overlay(truth.scan[z], volume.window, mask[z], truth.labels[z] > 0)


if __name__ == "__main__":
    main()
