"""Cracks rendered into a real scan, found again without their truth, beside methods that need no training.

The real scan gives grain, noise, blur and artefacts; the cracks are known because they are rendered. They come from a
seed and from distributions of radius and aperture that the training does not share. Run as::

    python benchmarks/real_scans.py SCAN OUT [--minutes 5] [--seed 11]

The table it prints stands in ``docs/benchmark.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_xct_crack.appearance import estimate
from napari_xct_crack.clean import CleanSettings, clean
from napari_xct_crack.cracks._surface import carve
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.demo import RIM, Contest
from napari_xct_crack.demo._standing import Entrant
from napari_xct_crack.evaluate import evaluate
from napari_xct_crack.events import finish
from napari_xct_crack.inference import segment
from napari_xct_crack.io import ome_zarr, read
from napari_xct_crack.peers import peers
from napari_xct_crack.prepare import fit_to_part, part_at, prepare
from napari_xct_crack.presets import load
from napari_xct_crack.render import margin, missing
from napari_xct_crack.response import flat_field
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Volume


def crack(scan: Volume, out: Path, seed: int, per_million: float, tries: int = 4000) -> tuple[Volume, Volume]:
    """Write the scan with cracks rendered into it, and their labels."""
    grey, part = scan.read(), part_at(scan)
    look = estimate(grey, part, flat_field(grey, part))
    rng = np.random.default_rng(seed)
    cracks = SheetCracks(radius_min=14, radius_max=45, aperture_min=0.35, aperture_max=3, tilt=40, bridged=0)
    pad = margin(look.point_spread)
    shape = (grey.shape[0] + 2 * pad, *grey.shape[1:])
    void, aperture = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    target, labels = np.zeros(shape, bool), np.zeros(shape, np.int32)
    wanted, number = max(4, round(per_million * part.sum() / 1e6)), 0
    for _ in range(tries):
        sheet = cracks.sheet(grey.shape, rng)
        z, y, x = (int(c) for c in sheet.centre)
        inside = 0 <= z < grey.shape[0] and 0 <= y < grey.shape[1] and 0 <= x < grey.shape[2]
        if inside and part[z, y, x] and number < wanted:
            number += 1
            carve(sheet, void, target, aperture, labels, number, origin=(-pad, 0, 0))
    whole = np.pad(part, ((pad, pad), (0, 0), (0, 0)), mode="edge")
    lost = look.contrast * missing(void * whole, look.point_spread)
    info = np.iinfo(grey.dtype)
    cracked = np.clip(np.rint(grey - lost), info.min, info.max).astype(grey.dtype)
    inner = slice(pad, -pad)
    truth = np.where(part, labels[inner], 0)
    given = {"voxel_size": scan.voxel_size, "overwrite": True}
    print(f"{number} cracks in {part.sum() / 1e6:.2f} Mvoxel of metal; {look}")
    return (
        ome_zarr.write(out / "scan.ome.zarr", cracked, role="image", **given),
        ome_zarr.write(out / "truth.ome.zarr", truth, role="labels", **given),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--per-million", type=float, default=24)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    whole = prepare(read(given.scan))
    bar = prepare(whole, crop=fit_to_part(whole))
    print(f"{given.scan.name}: part fills {bar.shape} of {whole.shape} voxels, {bar.voxel_size} um, {bar.dtype}")
    scan, truth = crack(bar, given.out, given.seed, given.per_million)
    scan = prepare(scan)
    preset = load("quick")
    settings = TrainSettings.checked({k: v for k, v in preset.items() if k in TrainSettings.model_fields})
    run = Run.create(given.out / "run", settings, scan)
    started = time.perf_counter()
    finish(train(run, Budget(minutes=given.minutes)))
    trained = time.perf_counter() - started
    probability = finish(segment(run, scan, given.out / "probability.ome.zarr"))
    cleaning = CleanSettings().settled(scan.shape)
    mask = finish(clean(probability, cleaning, given.out / "mask.ome.zarr"))
    inside = distance_transform_edt(part_at(scan)) > RIM
    part = Volume.from_array(inside.view(np.uint8), role="mask")
    ours = Entrant("ours, no labels", finish(evaluate(mask, truth, part=part, probability=probability)), 0.5, False)
    others = tuple(
        Entrant(
            p.name,
            finish(evaluate(Volume.from_array(p.mask.view(np.uint8), role="mask"), truth, part=part)),
            p.threshold,
            p.tuned,
        )
        for p in peers(scan.read(), truth.read(), inside, cleaning.min_size or 0)
    )
    contest = Contest(ours, others)
    steps = json.loads((run.folder / "model" / "card.json").read_text())["metrics"]["step"]
    print(f"trained {steps} steps in {trained:.0f} s\n{contest.table()}")
    (given.out / "metrics.json").write_text(json.dumps(contest.record(), indent=1))


if __name__ == "__main__":
    main()
