"""The preview of the clean-up: time for the middle of one slice of a probability, 384 pixels wide, and what is wrong in it.

Run as::

    python benchmarks/preview.py PROBABILITY

The table it prints stands in ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.io import read
from napari_xct_crack.settings import Length
from napari_xct_crack.widgets._previews import ADDED, KEPT, cleaned_slice

SETTINGS = {
    "automatic": CleanSettings(),
    "hysteresis, bridging 6": CleanSettings(hysteresis=0.3, bridging=Length(6)),
    "hysteresis, bridging 10": CleanSettings(hysteresis=0.3, bridging=Length(10)),
    "hysteresis, closing 2, bridging 6, holes, opening 1": CleanSettings(
        hysteresis=0.3, closing=Length(2), bridging=Length(6), fill_holes=True, opening=Length(1)
    ),
}
REPEATS = 9
REACH = 192
"""Voxels around the middle that the preview shows."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("probability", type=Path)
    probability = read(parser.parse_args().probability)
    z, y, x = (side // 2 for side in probability.shape)
    grey = probability.read()
    print("| settings | ms of wall time | ms of CPU | pixels that differ from the whole cleaned |\n|---|---|---|---|")
    for name, settings in SETTINGS.items():
        times = []
        for _ in range(REPEATS + 1):
            wall, cpu = time.perf_counter(), time.process_time()
            shown = cleaned_slice(probability, (z, y, x), 0, settings, "preview")
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
        # the first one compiles
        wall, cpu = np.median(times[1:], axis=0) * 1000
        cleaned = np.isin(np.asarray(shown[0]).squeeze(), (KEPT, ADDED))
        whole = clean_array(grey, settings)[z][tuple(slice(max(0, at - REACH), at + REACH + 1) for at in (y, x))] > 0
        wrong = (cleaned != whole).sum() / max(1, whole.sum())
        print(f"| {name} | {wall:.0f} | {cpu:.0f} | {100 * wrong:.2f} % of the cracks' |", flush=True)


if __name__ == "__main__":
    main()
