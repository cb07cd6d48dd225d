"""How far fronts and tips of measured masks lie from the true ones of phantoms, beside the ideal observer's limit.

The true front is the contour on which a crack is as open as a limit: 0.3 voxels, where the labels end, for true masks; for
segmented ones what an ideal observer sees of a crack of 20 (or 60) voxels in the five slices that a network is given, or in
one slice. Run as::

    python benchmarks/fronts.py PHANTOM [MASK] [--length 60] [--one-slice]

with a folder of ``xct-crack phantom``, and a mask of its scan (its true labels without one). The rows it prints stand in
``docs/measurements.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_xct_crack.cracks._surface import Sheet
from napari_xct_crack.detection import LENGTHS
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.measure import MeasureSettings, measure
from napari_xct_crack.measure._look import look
from napari_xct_crack.phantom.content import free, fronts, tips

Points = NDArray[np.float64]

LABELLED = 0.3
"""Opening in voxels at which labels of phantoms end."""
APART = 1000.0
"""Factor on z for tips, whose partners lie in the same slice."""
WITHIN, MARGIN = 4.0, 4
"""Voxels within which a front is found, and inside the part and the volume within which none counts."""


def sheets(record: dict[str, Any]) -> list[Sheet]:
    names = {field.name for field in fields(Sheet)}
    return [
        Sheet(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in crack.items()
                if name in names
            }
        )
        for crack in record["cracks"]
    ]


def contour(sheet: Sheet, opening: float) -> Points:
    """Where a crack is as open as that, half a voxel apart; w = w0·(1 − ρ²)^β."""
    if sheet.aperture <= opening:
        return np.zeros((0, 3))
    share = (1 - (opening / sheet.aperture) ** (1 / sheet.blunting)) ** 0.5 if sheet.blunting else 1.0
    (line,) = fronts(replace(sheet, radius=sheet.radius * share))
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.arange(0, along[-1], 0.5)
    return np.stack([np.interp(at, along, axis) for axis in line.T], axis=1)


class Truth:
    """Fronts of a phantom, and where they count."""

    def __init__(self, folder: Path, opening: float) -> None:
        self.sheets = sheets(json.loads((folder / "truth.json").read_text()))
        self.labels = read(folder / "truth.ome.zarr").read()
        part = read(folder / "part.ome.zarr").read() > 0
        deep = ndimage.distance_transform_edt(np.pad(part, ((MARGIN + 1,) * 2, (1, 1), (1, 1)), mode="edge")) > MARGIN
        self._counts = deep[MARGIN + 1 : -MARGIN - 1, 1:-1, 1:-1]
        self._counts[:MARGIN] = self._counts[-MARGIN:] = False
        lines = [contour(sheet, opening) for sheet in self.sheets]
        self.all = np.concatenate(lines)
        inner = [line[self.counted(line)] for line in lines]
        self.seen = np.concatenate([line[self._alone(line, number)] for number, line in enumerate(inner, 1)])
        crossing = [tip for number, line in enumerate(lines, 1) for tip in tips([line], number, part)]
        self.tips = np.array([tip[:3] for tip in crossing]).reshape(-1, 3)
        self.seen_tips = np.array([tip[:3] for tip in free(crossing, self.labels)]).reshape(-1, 3)

    def counted(self, places: Points) -> NDArray[np.bool_]:
        """Whether places lie far enough inside part and volume."""
        at = np.rint(places).astype(int)
        held = ((at >= 0) & (at < self._counts.shape)).all(axis=1)
        held[held] = self._counts[tuple(at[held].T)]
        return held

    def _alone(self, line: Points, number: int) -> NDArray[np.bool_]:
        """No front can be seen where a crack ends on another one."""
        others = (self.labels > 0) & (self.labels != number)
        near = ndimage.binary_dilation(others, np.ones((3, 3, 3)), iterations=2)
        return ~near[tuple(np.rint(line).astype(int).T)]


def gap(truth: Truth, places: Points, outward: Points) -> float:
    """Median distance from found fronts to where the opening is nothing, + short of it, of those within 16 voxels."""
    far, nearest = cKDTree(ends := np.concatenate([contour(sheet, 0.0) for sheet in truth.sheets])).query(places)
    ahead = ((ends[nearest] - places) * outward).sum(axis=1)
    return float(np.median((np.sign(ahead) * far)[far <= 16]))


def row(truth: Points, seen: Points, found: Points) -> str:
    """Distances from what can be seen of the truth to what was found, and from that to all of the truth."""
    to_found, to_true = cKDTree(found).query(seen)[0], cKDTree(truth).query(found)[0]
    numbers = [f"{np.median(far):.1f} / {np.quantile(far, 0.9):.1f}" for far in (to_found, to_true)]
    return " | ".join(numbers + [f"{(far <= WITHIN).mean():.2f}" for far in (to_found, to_true)])


def table(path: Path, names: tuple[str, ...]) -> Points:
    with path.open() as file:
        return np.array([[float(line[name]) for name in names] for line in csv.DictReader(file)]).reshape(
            -1, len(names)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phantom", type=Path)
    parser.add_argument("mask", nargs="?", type=Path)
    parser.add_argument("--length", type=int, choices=LENGTHS, default=20, help="of the crack that the limit is for")
    parser.add_argument("--one-slice", action="store_true", help="the limit of one slice, not of five together")
    given = parser.parse_args()
    scan, part = read(given.phantom / "scan.ome.zarr"), read(given.phantom / "part.ome.zarr")
    seen = look(scan, part)[0]
    opening = (seen.smallest if given.one_slice else seen.together)[given.length] if given.mask else LABELLED
    truth = Truth(given.phantom, opening)
    with tempfile.TemporaryDirectory() as folder:
        finish(measure(read(given.mask or given.phantom / "truth.ome.zarr"), folder, MeasureSettings(), part=part))
        found = table(Path(folder) / "fronts.csv", ("z", "y", "x", "direction_z", "direction_y", "direction_x"))
        ends = table(Path(folder) / "tips.csv", ("z", "y", "x"))
    found = found[truth.counted(found[:, :3])]
    name = f"{given.phantom.name}, {given.mask.name if given.mask else 'truth'}"
    print("| of | opening | true → found | found → true | recall | precision | gap |\n|---|---|---|---|---|---|---|")
    print(
        f"| fronts: {name} | {opening:.2f} | {row(truth.all, truth.seen, found[:, :3])} "
        f"| {gap(truth, found[:, :3], found[:, 3:]):+.1f} |"
    )
    slices = (APART, 1.0, 1.0)
    inner = truth.seen_tips[truth.counted(truth.seen_tips)]
    print(
        f"| tips: {name} | {opening:.2f} | {row(truth.tips * slices, inner * slices, ends[truth.counted(ends)] * slices)} | |"
    )


if __name__ == "__main__":
    main()
