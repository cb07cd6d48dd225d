"""Time of the preview of the clean-up: the middle of one slice of a probability, 384 pixels wide, cleaned by settings.

Run as::

    python benchmarks/preview.py PROBABILITY

The table it prints stands in ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from napari_xct_crack.clean import CleanSettings
from napari_xct_crack.io import read
from napari_xct_crack.settings import Length
from napari_xct_crack.widgets._previews import cleaned_slice

SETTINGS = {
    "automatic": CleanSettings(),
    "hysteresis, bridging 6": CleanSettings(hysteresis=0.3, bridging=Length(6)),
    "hysteresis, bridging 10": CleanSettings(hysteresis=0.3, bridging=Length(10)),
    "hysteresis, closing 2, bridging 6, holes, opening 1": CleanSettings(
        hysteresis=0.3, closing=Length(2), bridging=Length(6), fill_holes=True, opening=Length(1)
    ),
}
REPEATS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("probability", type=Path)
    probability = read(parser.parse_args().probability)
    z, y, x = (side // 2 for side in probability.shape)
    print("| settings | ms of wall time | ms of CPU |\n|---|---|---|")
    for name, settings in SETTINGS.items():
        times = []
        for _ in range(REPEATS + 1):
            wall, cpu = time.perf_counter(), time.process_time()
            cleaned_slice(probability, (z, y, x), 0, settings, "preview")
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
        # the first one compiles
        wall, cpu = np.median(times[1:], axis=0) * 1000
        print(f"| {name} | {wall:.0f} | {cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
