"""How long the workbench takes to look at measurements of a scan of 100 GB: tables, layers, and the 3-D window at a tip.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/inspection.py FOLDER [--side 128] [--components 50000]

FOLDER gets a scan of 7868 × 2624 × 2624 voxels and its numbered components, both of which hold data only around one tip.
The table it prints stands in ``docs/measurements.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_xct_crack.io._store import create
from napari_xct_crack.io.ome_zarr import open_zarr
from napari_xct_crack.measure import Measured
from napari_xct_crack.volume import Volume

SHAPE, VOXEL, TIP = (7868, 2624, 2624), (0.71,) * 3, (4000, 1300, 1300)
FILLED = 512
"""Side of the cube that holds data."""


def stores(folder: Path) -> tuple[Volume, Volume]:
    """Scan and labels; a crack of one voxel's thickness ends at the tip."""
    rng = np.random.default_rng(0)
    cube = tuple(slice(at - FILLED // 2, at + FILLED // 2) for at in TIP)
    for name, role, dtype in (("scan", "image", np.uint16), ("cracks", "labels", np.uint32)):
        path = folder / f"{name}.ome.zarr"
        if not path.exists():
            store = create(path, SHAPE, dtype, role=role, voxel_size=VOXEL)
            if role == "image":
                values = rng.normal(30000, 2000, (FILLED,) * 3).astype(dtype)
            else:
                values = np.zeros((FILLED,) * 3, dtype)
                values[:, FILLED // 2, : FILLED // 2] = 1
            store.arrays[0][cube] = values
    return open_zarr(folder / "scan.ome.zarr"), open_zarr(folder / "cracks.ome.zarr")


def measurements(labels: Volume, count: int) -> Measured:
    """Tables of so many components and ten times as many tips and fronts, spread over the scan; the first tip is the one."""
    rng = np.random.default_rng(1)
    places = (rng.random((10 * count, 3)) * SHAPE).astype(int)
    places[0] = TIP
    many = {"crack": rng.integers(1, count + 1, 10 * count), **dict(zip("zyx", places.T, strict=True))}
    tips = {**many, "sharpness": rng.random(10 * count) * 6}
    rows = {name: column[:count] for name, column in zip("zyx", places.T, strict=True)}
    ends = {f"{end}_{axis}": rows[axis] + more for end, more in (("start", 0), ("stop", 1)) for axis in "zyx"}
    names = ("volume", "length", "aperture_mean", "sqrt_area", "depth", *(f"column_{number}" for number in range(25)))
    numbers = {name: rng.lognormal(0, 1, count) for name in names}
    cracks = {"id": np.arange(1, count + 1), "kind": np.full(count, "crack", object), **rows, **ends, **numbers}
    share = {"count": count, "volume_fraction": 0.01}
    rose = {
        "pole_to_build_edges": np.linspace(0, 90, 10).tolist(),
        "pole_to_build_area": rng.random(9).tolist(),
        "azimuth_edges": np.linspace(0, 180, 19).tolist(),
        "azimuth_area": rng.random(18).tolist(),
    }
    summary = {"unit": "um", "tips": 10 * count, "p32": 0.01, "crack": share, "pore": share, "rose": rose}
    return Measured(labels, cracks, tips, many, {"z": np.arange(SHAPE[0])}, summary)


def timed(name: str, act: Callable[[], object], done: Callable[[], bool] = lambda: True) -> None:
    """Print wall time and processor time until an action is done, drawing included where the window draws."""
    wall, processor = time.perf_counter(), time.process_time()
    act()
    while not done():
        QApplication.processEvents()
    print(f"| {name} | {time.perf_counter() - wall:.2f} | {time.process_time() - processor:.2f} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=128, help="voxels along each side of the box")
    parser.add_argument("--components", type=int, default=50000)
    given = parser.parse_args()
    scan, labels = stores(given.folder)
    measured = measurements(labels, given.components)
    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    workbench.bench.open(scan)
    section = workbench.section("Inspect")
    look, layers = section.look, viewer.layers
    QApplication.processEvents()
    print("| what | wall s | processor s |\n|---|---|---|")
    timed(
        f"show {given.components} components, {10 * given.components} tips and as many fronts",
        lambda: look.fill(measured),
    )
    timed("first frame of the slice", viewer.screenshot)
    table = look.table
    timed("order by length", lambda: table.view.sortByColumn(2, Qt.SortOrder.DescendingOrder))
    timed("condition on length", lambda: table.conditions.setText("length > 1"))
    timed("choose a crack", lambda: table.select(int(measured.cracks["id"][table.model.rows[10]])))
    timed("jump to another slice", lambda: viewer.dims.set_point(0, TIP[0] * VOXEL[0]))
    timed("next slice", lambda: viewer.dims.set_point(0, (TIP[0] + 1) * VOXEL[0]))
    look.closeup.side.set(str(given.side))
    table.what.setCurrentText("tips")
    table.select_row(0)
    clocks = (time.perf_counter, time.process_time)
    started, added = [clock() for clock in clocks], []
    layers.events.inserted.connect(lambda event: added.append([clock() for clock in clocks]))
    timed(
        f"3-D window of {given.side}³, its first frame included", look.look_closely, lambda: "close-up: tips" in layers
    )
    wall, processor = (last - first for first, last in zip(started, added[-1], strict=True))
    print(f"| – of this, until it was read and its layers were added | {wall:.2f} | {processor:.2f} |")
    timed("its second frame", viewer.screenshot)
    timed("back", look.closeup.back)
    viewer.close()


if __name__ == "__main__":
    main()
