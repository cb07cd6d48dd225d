"""Openings by missing grey value on true labels of phantoms, against the exact void near the labels.

Components of at least 60 voxels length and 100 voxels² of area count. Run as::

    python benchmarks/openings.py [--conditions clean noisy soft] [--seeds 401 402 403]

The table it prints stands in ``docs/measurements.md``.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.measure import MeasureSettings, measure
from napari_xct_crack.phantom import PhantomSettings, make

BINS = (0.3, 0.5, 1.0, 2.0)
"""Openings in voxels between which cracks are one class."""
NEAR, AROUND = 1.5, 8.0
"""Voxels around a label whose void belongs to it; and around which all void is counted, thinner rims too."""
LONG, LARGE = 60, 100
"""Voxels and voxels² from which on cracks count."""


def openings(folder: Path) -> NDArray[Any]:
    """Of each crack that counts, in voxels, shape (n, 4): true opening, that of all void around, told, its stated error."""
    stores = {name: read(folder / f"{name}.ome.zarr") for name in ("truth", "scan", "part", "void")}
    settings = MeasureSettings(detectability=False)
    result = finish(measure(stores["truth"], folder / "measured", settings, volume=stores["scan"], part=stores["part"]))
    side, table = stores["scan"].voxel_size[0], result.cracks
    ids, void = result.labels.read(), stores["void"].read()
    far, nearest = ndimage.distance_transform_edt(ids == 0, return_indices=True)
    truths = []
    for reach in (NEAR, AROUND):
        near = far <= reach
        held = np.bincount(ids[tuple(axis[near] for axis in nearest)], void[near], minlength=len(table["id"]) + 1)[1:]
        truths.append(held / (table["area"] / side**2))
    counts = (table["kind"] == "crack") & (table["length"] >= LONG * side) & (table["area"] >= LARGE * side**2)
    told = [table[name] / side for name in ("aperture_grey", "aperture_grey_error")]
    return np.stack([*truths, *told], axis=1)[counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conditions", nargs="+", default=["clean", "noisy", "soft"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[401, 402, 403])
    given = parser.parse_args()
    print(
        "| condition | opening, voxels | cracks | told | median bias | scatter over stated error | against all void |"
    )
    print("|---|---|---|---|---|---|---|")
    for condition in given.conditions:
        found = []
        for seed in given.seeds:
            with tempfile.TemporaryDirectory() as folder:
                settings = PhantomSettings(condition=condition, seed=seed, shape=(64, 288, 288))
                finish(make(settings, Path(folder)))
                found.append(openings(Path(folder)))
        rows = np.concatenate(found)
        for low, high in itertools.pairwise(BINS):
            some = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
            truth, around, told, error = some[~np.isnan(some[:, 2])].T
            numbers = "| – | – | – |"
            if len(told):
                scatter = np.sqrt(np.mean(((told - truth) / error) ** 2))
                numbers = f"| {100 * np.median(told / truth - 1):+.0f} % | {scatter:.1f} | {100 * np.median(told / around - 1):+.0f} % |"
            print(f"| {condition} | {low}–{high} | {len(some)} | {len(told)} {numbers}", flush=True)


if __name__ == "__main__":
    main()
