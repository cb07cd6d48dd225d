"""Thin cracks in real pictures with truth drawn by hand: electroluminescence of solar cells, which is not X-ray CT.

Of the folder's pairs the first half is learnt from (by ours without the masks), the second is scored. The cell's dark
frame and busbars are told from the pictures and left out for everybody: a place within six pixels of a row or of a column
that is far darker than its surroundings in the median. Run as::

    python benchmarks/el_cells.py FOLDER [--steps 1500] [--limit N]

with a folder that holds ``image`` and ``mask``. The table it prints stands in ``docs/benchmark.md``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from imageio.v3 import imread
from numpy.typing import NDArray
from quality_methods import METHODS
from quality_scans import Mask, Scan
from scipy import ndimage

from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.metrics import centreline_scores, margin
from napari_xct_crack.prepare import prepare
from napari_xct_crack.volume import Volume

CLEANING = CleanSettings().settled((1, 1, 1))
"""Small objects go from every mask, picture by picture, as by default."""
SHOWN = (
    "ours, 2-D",
    "supervised, 2-D",
    "filter, tuned",
    "Otsu, tuned",
    "local threshold, tuned",
    "Sato 2-D, tuned",
    "Frangi 2-D, tuned",
    "matched filter 2-D, tuned",
    "forest, two labelled slices",
)


@dataclass(frozen=True)
class Pictures:
    """What is known of the pictures; arrays of shape (n, y, x)."""

    scan: NDArray[Any]
    labels: NDArray[np.int32]


def told(pairs: list[tuple[Path, Path]]) -> Scan:
    """Pictures and masks as slices of one volume; cracks are numbered picture by picture."""
    grey = np.stack([imread(image)[..., 0] for image, _ in pairs])
    labels = np.stack([place * (imread(mask) > 0) for place, (_, mask) in enumerate(pairs, 1)]).astype(np.int32)
    part = np.stack([lit(one) for one in grey])
    volume = prepare(Volume.from_array(grey, voxel_size=None), part=Volume.from_array(part.view(np.uint8), role="mask"))
    return Scan(volume, Pictures(grey, labels * part), part, part)


def lit(grey: NDArray[Any]) -> Mask:
    """Where a picture shows neither frame nor busbar."""
    dark = np.zeros(grey.shape, bool)
    for axis in (0, 1):
        level = np.median(grey, axis=1 - axis)
        lines = level < 0.85 * ndimage.median_filter(level, 41, mode="nearest")
        lines |= level < 0.5 * np.median(level)
        dark |= np.expand_dims(ndimage.binary_dilation(lines, iterations=6), 1 - axis)
    inside = np.zeros_like(dark)
    inside[12:-12, 12:-12] = True
    return ~dark & inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--limit", type=int, help="use only so many pairs")
    given = parser.parse_args()
    images = sorted((given.folder / "image").iterdir())[: given.limit]
    pairs = [(image, given.folder / "mask" / f"{image.stem}.png") for image in images]
    train, test = told(pairs[: len(pairs) // 2]), told(pairs[len(pairs) // 2 :])
    share = (test.phantom.labels > 0).sum() / test.part.sum()
    print(
        f"{len(pairs) // 2} pictures to learn from, {len(test.part)} to score; {share:.2%} of the lit pixels are crack\n"
    )
    print("| method | CPU s | centre-line F1@2 | P / R | F1@4 | ours ahead, F1@2 (95 %) |\n|---|---|---|---|---|---|")
    ours = None
    for name in SHOWN:
        with tempfile.TemporaryDirectory() as work:
            steps = round(METHODS[name].steps * given.steps)
            answers = METHODS[name].answer(train, [test], seed=0, steps=steps, folder=Path(work) / "run")
        found = np.stack([clean_array(one[None], CLEANING)[0] > 0 for one in answers.answers[0].mask]) & test.part
        line = centreline_scores(found, test.phantom.labels, ignore=~test.part)
        wide = centreline_scores(found, test.phantom.labels, tolerance=4, ignore=~test.part)
        ours = ours or line
        ahead = margin(ours, line)
        lead = "" if ours is line else f"{ahead.value:+.3f} ({ahead.low:+.3f}, {ahead.high:+.3f})"
        print(
            f"| {name} | {answers.cpu_seconds:.0f} | {line.f1:.3f} | {line.precision:.2f} / {line.recall:.2f} "
            f"| {wide.f1:.3f} | {lead} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
