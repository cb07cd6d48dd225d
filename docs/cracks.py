"""Makes the pictures of the page *Crack generation modules*.

    python docs/cracks.py docs/images

Nothing but the package is needed: the masks of the library generator are stand-ins that this file draws.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks._masks import build
from napari_xct_crack.cracks.fractal import FractalCracks
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.cracks.library import LibraryCracks
from napari_xct_crack.cracks.mixture import Mixture
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import finish

SEED = 2
SIDE, CELL, GAP, LABEL = 256, 112, 4, 118
"""Sides of the large and of the small patches, gap between them and width of the labels, in pixels."""
DEEP = 9
"""Slices that are laid over each other where a setting acts from slice to slice."""

FEW = {"count": (7, 7)}
EFFECTS: dict[str, tuple[dict[str, Any], dict[str, Sequence[Any]]]] = {
    "random": (
        {"border": False, "count": (2, 2)},
        {
            "count": [(1, 1), (1, 3), (6, 6)],
            "decay": [0.01, 0.05, 0.3],
            "decay_min": [0.01, 0.03, 0.1],
            "smoothness": [0.1, 1.0, 4.0],
            "smoothness_min": [0.1, 0.4, 1.0],
            "t_min": ["0.3", "1", "4"],
            "t_max": ["1", "4.5", "12"],
            "t_law": ["log", "uniform"],
            "t_end": [0.05, 0.2, 1.0],
            "rotation": [0.0, 30.0, 90.0],
            "rotated": [0.0, 0.5, 1.0],
            "border": [False, True],
            "canvas": ["0", "112", "224"],
            "lean": [0.0, 0.4, 2.0],
        },
    ),
    "sheet": (
        FEW | {"radius_min": "30", "radius_max": "80", "aperture_min": "1"},
        {
            "count": [(1, 1), (3, 9), (15, 15)],
            "aperture_min": ["0.3", "1", "4"],
            "aperture_max": ["1", "4.5", "12"],
            "radius_min": ["12", "30", "80"],
            "radius_max": ["30", "80", "160"],
            "aperture_law": ["blunt", "elastic", "cohesive"],
            "build": ["z", "y", "x"],
            "roughness_max": [0.0, 0.08, 0.3],
            "inclination": [0.0, 45.0, 90.0],
            "tilt": [0.0, 25.0, 60.0],
            "bridged": [0.0, 0.3, 1.0],
            "canvas": ["0", "112", "224"],
        },
    ),
    "grain": (
        FEW | {"radius_min": "30", "radius_max": "80", "aperture_min": "1"},
        {
            "count": [(1, 1), (3, 9), (15, 15)],
            "aperture_min": ["0.3", "1", "4"],
            "aperture_max": ["1", "4.5", "12"],
            "radius_min": ["12", "30", "80"],
            "radius_max": ["30", "80", "160"],
            "aperture_law": ["blunt", "elastic", "cohesive"],
            "build": ["z", "y", "x"],
            "grain_size": ["8", "20", "40"],
            "elongation": [1.0, 3.0, 8.0],
            "bias": [0.0, 0.4, 1.0],
            "stress": [(0.0, 1.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 1.0)],
            "canvas": ["0", "112", "224"],
        },
    ),
    "fractal": (
        {"canvas": "112", "thickness": "5"},
        {
            "depth": [(2, 2), (3, 3), (4, 4)],
            "thickness": ["2", "5", "10"],
            "canvas": ["56", "112", "224"],
            "warp": [0.0, 0.5, 1.0],
            "lean": [0.0, 0.4, 2.0],
        },
    ),
    "library": (
        {},
        {
            "count": [(1, 1), (2, 2), (4, 4)],
            "fit": ["crop", "resize"],
            "width": ["0", "3", "1"],
            "warp": [0.0, 0.5, 1.0],
            "lean": [0.0, 0.4, 2.0],
        },
    ),
    "mixture": ({}, {"share": [0.0, 0.5, 1.0], "empty": [0.0, 0.3, 0.9], "warp": [0.0, 0.5, 1.0]}),
}
"""What stays as it is in the small patches of each kind, and the values that are shown of each setting."""
ACTING: dict[str, dict[str, Any]] = {"rotation": {"rotated": 1.0}, "elongation": {"build": "x"}}
"""What lets a setting be seen in a slice."""
NOT_SHOWN = {"kind", "path", "first", "second"}


def stand_ins(folder: Path) -> Path:
    """A library of thick, winding strokes, in place of the masks of concrete cracks, which may not be handed on."""
    for number in range(12):
        rng = np.random.default_rng((7, number))
        image = Image.new("L", (400, 400))
        pen = ImageDraw.Draw(image)
        for _ in range(int(rng.integers(1, 3))):
            heading, place = rng.uniform(0, 2 * np.pi), rng.uniform(60, 340, 2)
            turn, width = 0.0, rng.uniform(3, 8)
            for _ in range(260):
                turn = 0.8 * turn + rng.normal(0, 0.06) - 0.02 * np.sin(heading)
                heading += turn
                width = float(np.clip(width + rng.normal(0, 0.25), 2, 10))
                place = place + 1.3 * np.array([np.sin(heading), np.cos(heading)])
                pen.ellipse([*(place - width / 2), *(place + width / 2)], fill=255)
        image.save(folder / f"{number}.png")
    finish(build(folder, folder / "stand-ins.masks"))
    return folder / "stand-ins.masks"


def grey(coverage: np.ndarray) -> np.ndarray:
    """Void fraction as sixteen grey values, void white; slices laid over each other."""
    return (np.rint(15 * coverage.max(axis=0)) * 17).astype(np.uint8)


def text(canvas: np.ndarray, place: tuple[int, int], words: str, size: int = 12) -> None:
    """Write on a picture, at (x, y)."""
    image = Image.fromarray(canvas)
    ImageDraw.Draw(image).text(place, words, fill=0, font=ImageFont.load_default(size))
    canvas[:] = np.asarray(image)


def save(canvas: np.ndarray, path: Path) -> None:
    """Write a PNG of sixteen grey values."""
    palette = [value for level in range(16) for value in (17 * level,) * 3]
    image = Image.fromarray((np.rint(canvas / 17)).astype(np.uint8), mode="P")
    image.putpalette(palette)
    image.save(path, optimize=True, bits=4)


def overview(library: Path) -> np.ndarray:
    """Two patches of each generator: the published three above, ours below."""
    published = RandomCracks(
        decay=0.01, decay_min=0.01, smoothness=1, smoothness_min=1, t_min=1, t_max=9, t_law="uniform", t_end=0.5, border=False
    )  # fmt: skip
    shown: list[tuple[str, CrackGenerator]] = [
        ("CGM1: fractal", FractalCracks(canvas="128", thickness="4.25")),
        ("CGM2: library (stand-ins)", LibraryCracks(path=library)),
        ("CGM3: random, as published", published),
        ("sheet", SheetCracks()),
        ("grain", GrainCracks()),
        ("mixture of random and grain", Mixture(first=RandomCracks(), second=GrainCracks(), empty=0)),
    ]
    high = SIDE // 2 + GAP
    canvas = np.full((2 * (2 * high + 20), 3 * (2 * high + GAP)), 255, np.uint8)
    for number, (name, generator) in enumerate(shown):
        top, left = number // 3 * (2 * high + 20), number % 3 * (2 * high + GAP)
        text(canvas, (left + 2, top + 2), name)
        for n in range(4):
            patch = grey(generator.draw((1, SIDE // 2, SIDE // 2), np.random.default_rng((3, n))).coverage)
            y, x = top + 20 + n // 2 * high, left + n % 2 * high
            canvas[y : y + SIDE // 2, x : x + SIDE // 2] = patch
    return canvas


def effects(kind: str, given: dict[str, Any]) -> np.ndarray:
    """A row for each setting, a patch for each of its values, all with the same random numbers."""
    usual, values = EFFECTS[kind]
    declared = CrackGenerator.named(kind)
    missing = set(declared.model_fields) - set(values) - NOT_SHOWN
    if missing:
        raise SystemExit(f"{kind}: no values to show of {', '.join(sorted(missing))}")
    step = CELL + GAP
    canvas = np.full((len(values) * (step + 14), LABEL + 3 * step), 255, np.uint8)
    for row, (name, choices) in enumerate(values.items()):
        text(canvas, (2, row * (step + 14) + 60), name)
        for column, value in enumerate(choices):
            y, x = row * (step + 14) + 14, LABEL + column * step
            text(canvas, (x, y - 14), _shown(value), 11)
            generator = declared.checked(usual | given | ACTING.get(name, {}) | {name: value})
            canvas[y : y + CELL, x : x + CELL] = grey(_patch(generator, name))
    return canvas


def _patch(generator: CrackGenerator, name: str) -> np.ndarray:
    if name == "lean":
        return generator.draw((DEEP, CELL, CELL), np.random.default_rng(SEED)).coverage
    if name in ("empty", "share"):  # these show in many patches only
        small = [generator.draw((1, 26, 26), np.random.default_rng((SEED, n))).coverage for n in range(16)]
        rows = [
            np.concatenate([np.pad(p, ((0, 0), (1, 1), (1, 1)), constant_values=0.4) for p in small[n : n + 4]], 2)
            for n in (0, 4, 8, 12)
        ]
        return np.concatenate(rows, axis=1)
    return generator.draw((1, CELL, CELL), np.random.default_rng(SEED)).coverage


def _shown(value: Any) -> str:
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)


def pictures(library: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and picture of all that stand on the page."""
    yield "cracks-overview", overview(library)
    for kind in sorted(CrackGenerator.kinds()):
        yield f"cracks-{kind}", effects(kind, {"path": library} if kind == "library" else {})


def main(folder: str) -> None:
    """Write all pictures."""
    with tempfile.TemporaryDirectory() as name:
        for title, canvas in pictures(stand_ins(Path(name))):
            save(canvas, Path(folder) / f"{title}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
