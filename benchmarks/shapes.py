"""Shapes of drawn cracks beside those of real ones, measured alike on masks of the same size in pixels.

    python benchmarks/shapes.py FOLDER [--cracks 1500]

FOLDER holds one mask image per real crack. The tables it prints stand in ``docs/cracks.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra
from scipy.stats import ks_2samp
from skimage.morphology import skeletonize

from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.cracks.sheet import SheetCracks

SIDE, SMALLEST, EIGHT = 256, 10, np.ones((3, 3))
"""Patches are that large; masks whose long side is shorter than ``SMALLEST`` pixels tell nothing."""
COLUMNS = ("length", "width", "width / length", "aspect ratio", "tortuosity")
GENERATORS: dict[str, CrackGenerator] = {
    "`random`, usual": RandomCracks(border=False),
    "`random`, short": RandomCracks(border=False, decay=0.5, decay_min=0.1),
    "`grain`, usual": GrainCracks(),
    "`grain`, fine": GrainCracks(radius_min="4", radius_max="20", grain_size="8"),
    "`sheet`, usual": SheetCracks(),
}


def measure(mask: np.ndarray) -> tuple[float, ...] | None:
    """Length along the crack, mean width, their ratio, aspect ratio, tortuosity and direction (°) of one mask, in pixels."""
    ways = _paths(skeletonize(mask))
    if ways is None:
        return None
    along, straight = ways
    length = along + 1
    width = mask.sum() / length
    y, x = np.nonzero(mask)
    spread = np.cov(np.stack([y, x]), bias=True) + np.eye(2) / 12
    (small, large), axes = np.linalg.eigh(spread)
    direction = np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180
    return length, width, width / length, float(np.sqrt(large / small)), along / straight, float(direction)


def _paths(line: np.ndarray) -> tuple[float, float] | None:
    """Longest way along a line of pixels, and the straight distance between its ends."""
    places = np.argwhere(line)
    if len(places) < 3:
        return None
    difference = np.abs(places[:, None] - places[None])
    near = difference.max(axis=2) == 1
    graph = sparse.csr_matrix(np.where(near, np.hypot(difference[..., 0], difference[..., 1]), 0))
    first = dijkstra(graph, indices=0)
    first[~np.isfinite(first)] = -1
    start = int(np.argmax(first))
    ways = dijkstra(graph, indices=start)
    ways[~np.isfinite(ways)] = -1
    end = int(np.argmax(ways))
    return float(ways[end]), float(np.hypot(*(places[start] - places[end])))


def real(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Long sides and measures of the masks in a folder: the largest object of each."""
    sides, rows = [], []
    for path in sorted(folder.rglob("*.png")):
        mask = np.asarray(Image.open(path).convert("L")) > 0
        labels, count = ndimage.label(mask, EIGHT)
        if not count:
            continue
        largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        box = ndimage.find_objects(largest.astype(int))[0]
        side = max(part.stop - part.start for part in box)
        row = measure(np.pad(largest[box], 1)) if side >= SMALLEST else None
        if row is not None:
            sides.append(side)
            rows.append(row)
    return np.array(sides), np.array(rows)


def drawn(generator: CrackGenerator, sides: np.ndarray, count: int) -> np.ndarray:
    """Measures of drawn cracks that no edge cuts, as many of each long side as the real ones have, within 10 %."""
    wanted = np.random.default_rng(1).choice(sides, count).astype(float)
    rows = []
    for seed in range(4000):
        if not len(wanted):
            break
        target = generator.draw((1, SIDE, SIDE), np.random.default_rng((2, seed))).target[0]
        labels, _ = ndimage.label(target, EIGHT)
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            cut = any(part.start == 0 or part.stop == SIDE for part in box)
            side = max(part.stop - part.start for part in box)
            fits = np.flatnonzero(np.abs(wanted / side - 1) <= 0.1)
            row = None if cut or not len(fits) else measure(np.pad(labels[box] == number, 1))
            if row is not None:
                rows.append(row)
                wanted = np.delete(wanted, fits[0])
    return np.array(rows)


def line(name: str, rows: np.ndarray) -> str:
    """Median and quartiles of each measure."""
    cells = []
    for column in range(len(COLUMNS)):
        low, middle, high = np.quantile(rows[:, column], (0.25, 0.5, 0.75))
        cells.append(f"{middle:.3g} ({low:.3g} – {high:.3g})")
    turned = np.abs(np.mean(np.exp(2j * np.radians(rows[:, 5]))))
    return f"| {name} | {len(rows)} | {' | '.join(cells)} | {turned:.2f} |"


def distances(name: str, rows: np.ndarray, other: np.ndarray) -> str:
    """Two-sample distances of Kolmogorov and Smirnov."""
    columns = [ks_2samp(rows[:, n], other[:, n]).statistic for n in (*range(len(COLUMNS)), 5)]
    return f"| {name} | {' | '.join(f'{value:.2f}' for value in columns)} |"


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cracks", type=int, default=1500, help="drawn cracks of each generator")
    given = parser.parse_args(arguments)
    sides, truth = real(given.folder)
    samples = {name: drawn(generator, sides, given.cracks) for name, generator in GENERATORS.items()}
    head = " | ".join(COLUMNS)
    print(f"| cracks | number | {head} | alignment |\n|{'---|' * (len(COLUMNS) + 3)}")
    print(line("real", truth))
    for name, rows in samples.items():
        print(line(name, rows))
    print(f"\n| distance to the real ones | {head} | direction |\n|{'---|' * (len(COLUMNS) + 2)}")
    halves = np.random.default_rng(0).permutation(len(truth))
    print(distances("half of the real ones to the other half", truth[halves[::2]], truth[halves[1::2]]))
    for name, rows in samples.items():
        print(distances(name, rows, truth))


if __name__ == "__main__":
    main()
