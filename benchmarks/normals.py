"""What segmenting along three normals gives on crack sheets of every orientation.

    python benchmarks/normals.py [--steps 1500] [--volumes 3]

The default preset learns from one image-domain phantom ("noisy") in slices normal to z, and marks others in slices normal to z,
to y, to x, and by the mean of all three. A crack's angle is that between its pole and the normal of the slices (z where all three
are averaged): at 0° it lies in them. The table it prints stands in ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_cells import Size, scan_of
from quality_methods import METHODS
from quality_scans import LEAST, Scan
from scipy.ndimage import distance_transform_edt

from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.inference import SegmentSettings, preview
from napari_xct_crack.runs import Run
from napari_xct_crack.volume import Box

CLASSES = ((0, 30), (30, 60), (60, 90))
"""Degrees."""
NORMALS = ("z", "y", "x", "all")
NEAR = 2
"""Voxels within which a mark is right."""
SMALLEST = 120
"""Labelled voxels below which a crack's pole is not known well; it is left out."""
Mask = NDArray[np.bool_]


def poles(scan: Scan) -> dict[int, NDArray[np.float64]]:
    """Unit vectors z, y, x across each crack that is large enough."""
    found = {}
    for number in np.unique(scan.phantom.labels):
        places = np.argwhere(scan.phantom.labels == number)
        if number and len(places) >= SMALLEST:
            found[int(number)] = np.linalg.eigh(np.cov(places.T))[1][:, 0]
    return found


def counted(found: Mask, scan: Scan) -> tuple[dict[int, tuple[int, int]], tuple[int, int]]:
    """Per crack, how many of its scored voxels are found, and of all marks how many are right."""
    truth = scan.phantom.labels * scan.scored
    near = distance_transform_edt(~found) <= NEAR if found.any() else found
    cracks = {int(one): (int(near[truth == one].sum()), int((truth == one).sum())) for one in np.unique(truth) if one}
    right = distance_transform_edt(scan.phantom.labels == 0) <= NEAR
    return cracks, (int((found & right).sum()), int(found.sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--volumes", type=int, default=3)
    given = parser.parse_args()
    train = scan_of("noisy", 1000, Size(shape=(32, 256, 256), physics="image"))
    tests = [scan_of("noisy", 2000 + n, Size(shape=(160, 160, 160), physics="image")) for n in range(given.volumes)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        METHODS["ours"].answer(train, [], seed=0, steps=given.steps, folder=folder)
        run = Run(folder, train.volume)
        rows: dict[str, list[tuple[float, int, int]]] = {normal: [] for normal in NORMALS}
        marks = dict.fromkeys(NORMALS, (0, 0))
        for scan in tests:
            across = poles(scan)
            for normal in NORMALS:
                level = preview(run, scan.volume, Box.of(scan.volume.shape), SegmentSettings(normal=normal))
                found = (clean_array(level >= 128, CleanSettings(min_size=LEAST)) > 0) & scan.scored
                cracks, right = counted(found, scan)
                marks[normal] = (marks[normal][0] + right[0], marks[normal][1] + right[1])
                axis = NORMALS.index(normal) % 3
                for number, (hit, size) in cracks.items():
                    if number in across:
                        angle = np.degrees(np.arccos(min(1.0, abs(across[number][axis]))))
                        rows[normal].append((angle, hit, size))
    print(
        "| slices normal to | recall, cracks at 0–30° | 30–60° | 60–90° | all cracks | precision |\n|---|---|---|---|---|---|"
    )
    for what, normals in (("z", ["z"]), ("z, y or x, each counted", ["z", "y", "x"]), ("all three, averaged", ["all"])):
        some = [row for normal in normals for row in rows[normal]]
        right = [sum(marks[normal][place] for normal in normals) for place in (0, 1)]
        cells = []
        for low, high in (*CLASSES, (0, 91)):
            inside = [(hit, size) for angle, hit, size in some if low <= angle < high + (high == 90)]
            hit, size = (sum(column) for column in zip(*inside, strict=True)) if inside else (0, 0)
            cells.append(f"{hit / max(1, size):.3f} ({len(inside)})")
        print(f"| {what} | {' | '.join(cells)} | {right[0] / max(1, right[1]):.3f} |")


if __name__ == "__main__":
    main()
