"""How soon the contact sheet of the section *Cracks* is whole after a change, in a real window.

    sh tests/display.sh python benchmarks/contact_sheet.py [--changes 8]

From a change of the seed until the layer holds the whole sheet and the canvas was drawn: time by the clock, and processor
time of all threads, which is what one idle core would take. The table it prints stands in ``docs/cracks.md``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import napari
import numpy as np
from generators import every
from qtpy.QtWidgets import QApplication

from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.cracks.mixture import Mixture
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.widgets._gallery import COUNT, SHEET, SIDE
from napari_xct_crack.widgets._previews import drawn_sheet
from napari_xct_crack.widgets.workbench import Workbench

_LONGEST = 30.0
"""Seconds that a sheet is waited for."""


def shown(folder: Path) -> dict[str, CrackGenerator]:
    """All generators with their usual settings, and slow mixtures with augmentation."""
    slow = {"`grain` and `sheet`, all warped": Mixture(first=GrainCracks(), second=SheetCracks(), empty=0, warp=1)}
    slow["`grain` and `grain`, all warped"] = Mixture(first=GrainCracks(), second=GrainCracks(), empty=0, warp=1)
    return {f"`{name}`": generator for name, generator in every(folder).items()} | slow


def waited(bench: Workbench, generator: CrackGenerator, seed: int) -> tuple[float, float]:
    """Seconds by the clock, and of processor time, until the sheet of a seed is seen."""
    cracks = bench.section("Cracks")
    wanted = drawn_sheet(generator, seed, COUNT, SIDE, None)[0]
    layer = bench.bench.viewer.layers[SHEET]
    whole = [False]

    def look() -> None:
        whole[0] = np.array_equal(layer.data, wanted)

    layer.events.data.connect(look)
    clock, spent = time.perf_counter(), time.process_time()
    cracks.seed.setValue(seed)
    while not whole[0]:
        QApplication.processEvents()
        if time.perf_counter() - clock > _LONGEST:
            raise SystemExit(f"The sheet of seed {seed} was not drawn.")
        time.sleep(0.001)
    QApplication.processEvents()
    layer.events.data.disconnect(look)
    return time.perf_counter() - clock, time.process_time() - spent


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=8, help="changes per generator")
    given = parser.parse_args(arguments)
    viewer = napari.Viewer()
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    cracks = bench.section("Cracks")
    load_1 = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{os.cpu_count()} cores, load {load_1} at the start; {COUNT} masks of {SIDE} × {SIDE}\n")
    print("| generator | processor time, median | largest | by the clock, median |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for title, generator in shown(Path(name)).items():
            cracks.form.set(generator)
            cracks.show_sheet.click()
            while SHEET not in viewer.layers:
                QApplication.processEvents()
            waited(bench, generator, 1)  # compiled, and its window drawn, before anything is timed
            rows = 1e3 * np.array([waited(bench, generator, seed) for seed in range(2, 2 + given.changes)])
            clock, spent = np.median(rows, axis=0)
            print(f"| {title} | {spent:.0f} ms | {rows[:, 1].max():.0f} ms | {clock:.0f} ms |", flush=True)
    viewer.close()


if __name__ == "__main__":
    main()
