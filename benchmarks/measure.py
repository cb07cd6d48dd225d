"""Speed and memory of measuring, beside scipy on the whole volume in the same run.

Masks of tilted discs and specks, of one density, grow along all axes; each is measured in a process of its own, so that
its peak of memory is its own. Run as::

    python benchmarks/measure.py [--sides 192 384 768]

The table it prints stands in ``docs/measurements.md``.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_xct_crack import blocks
from napari_xct_crack.components import _labelling, find, neighbours
from napari_xct_crack.events import finish
from napari_xct_crack.heap import give_back
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import layout
from napari_xct_crack.measure import measure
from napari_xct_crack.measure._inputs import Inputs
from napari_xct_crack.measure._survey import survey
from napari_xct_crack.volume import Box, Volume

CELL = 48
"""One disc and two specks lie in each cube of this side."""


def bodies(box: Box) -> np.ndarray[Any, Any]:
    """Any box of an endless mask."""
    mask = np.zeros(box.shape, np.uint8)
    first = [start // CELL - 1 for start in box.start]
    last = [stop // CELL + 1 for stop in box.stop]
    grid = np.meshgrid(
        *(np.arange(a, b, dtype=np.float32) for a, b in zip(box.start, box.stop, strict=True)),
        indexing="ij",
        sparse=True,
    )
    for cell in np.ndindex(*(b - a + 1 for a, b in zip(first, last, strict=True))):
        corner = np.array(cell) + first
        rng = np.random.default_rng(np.abs(corner) * [1, 1000, 1000000] + 7)
        middle, normal, radius = (corner + rng.random(3)) * CELL, rng.normal(size=3), rng.uniform(8, 22)
        low = np.clip((middle - radius - 2).astype(int) - box.start, 0, box.shape)
        high = np.clip((middle + radius + 3).astype(int) - box.start, 0, box.shape)
        if (high <= low).any():
            continue
        inner = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        z, y, x = (axis[tuple(s if axis.shape[n] > 1 else slice(None) for n, s in enumerate(inner))] for axis in grid)
        off = [z - middle[0], y - middle[1], x - middle[2]]
        along = sum(part * n for part, n in zip(off, normal / np.linalg.norm(normal), strict=True))
        out = sum(part**2 for part in off) - along**2
        mask[inner] |= (np.abs(along) < 1) & (out < radius**2)
    return mask


def stored(side: int, path: Path) -> Volume:
    shape = (side, side, side)
    plan = blocks.Plan(
        path, shape, np.uint8, "mask", (1.0, 1.0, 1.0), (0, 0, 0), blocks.at_once(bodies), (), {"side": side}
    )
    return finish(blocks.run(plan))


def timed(what: str, voxels: int, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {what} | {voxels / 1e6:.0f} | {voxels / 1e6 / wall:.2g} | {voxels / 1e6 / cpu:.2g} |", flush=True)


def speeds(mask: Volume, labels: Volume) -> None:
    """Parts of measuring against scipy on the whole in memory."""
    whole, size = mask.read() > 0, int(np.prod(mask.shape))
    structure, side = neighbours("3d", True), layout(mask.shape, 4)[1]

    def ours() -> None:
        finish(find(mask.shape, lambda box: (mask.read(box) > 0, None), side=side, structure=structure, what="found"))

    timed("scipy.ndimage.label, in memory", size, lambda: ndimage.label(whole, structure))
    if _labelling.cc3d is not None:
        timed("components from the store, cc3d", size, ours)
        _labelling.cc3d = None
    timed("components from the store, scipy", size, ours)
    timed("scipy.ndimage.distance_transform_edt, in memory", size, lambda: ndimage.distance_transform_edt(whole))
    voxels = np.bincount(labels.read().ravel())[1:]
    inputs = Inputs((1.0, 1.0, 1.0), (1.0, 0.0, 0.0), 2)
    timed(
        "survey from the store: distances, surface, area, fronts, length",
        size,
        lambda: finish(survey(labels, voxels, inputs)),
    )


def one(side: int, folder: Path) -> None:
    """Measure one mask; prints its row."""
    give_back()
    mask = read(folder / f"{side}.ome.zarr")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, cpu = time.perf_counter(), time.process_time()
    result = finish(measure(mask, folder / str(side)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = side**3 / 1e6
    print(
        f"| {size:.0f} | {len(result.cracks['id'])} | {wall:.0f} | {cpu:.0f} | {size / cpu:.2g} | {before:.2f} | {peak:.2f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[192, 384, 768])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(
            "| Mvoxel | components | seconds | of CPU | Mvoxel per CPU second | GB before | GB at most |\n|---|---|---|---|---|---|---|",
            flush=True,
        )
        for side in given.sides:
            stored(side, folder / f"{side}.ome.zarr")
            subprocess.run([sys.executable, __file__, "--one", str(side), "--folder", name], check=True)
        print("\n| what | Mvoxel | Mvoxel/s | per CPU second |\n|---|---|---|---|", flush=True)
        first = given.sides[0]
        speeds(read(folder / f"{first}.ome.zarr"), read(folder / str(first) / "cracks.ome.zarr"))


if __name__ == "__main__":
    main()
