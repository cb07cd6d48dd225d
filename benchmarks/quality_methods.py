"""The methods of the quality benchmark: each answers test volumes with masks after it has seen one training volume."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from skimage.feature import multiscale_basic_features

from napari_xct_crack import examples, training
from napari_xct_crack.clean import CleanSettings
from napari_xct_crack.events import finish
from napari_xct_crack.inference import preview
from napari_xct_crack.patches import Patches
from napari_xct_crack.peers import RIDGE_SIGMAS, SIGMAS, otsu_threshold, tuned_threshold
from napari_xct_crack.phantom import Phantom
from napari_xct_crack.presets import load
from napari_xct_crack.response import DARK, dark_response, flat_field
from napari_xct_crack.ridges import sato
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget
from napari_xct_crack.volume import Box, Volume

Mask = NDArray[np.bool_]
Darkness = Callable[["Scan"], NDArray[np.float32]]
LEAST = CleanSettings().settled((2, 1, 1)).min_size or 0
"""Connected objects of fewer voxels are removed from every mask, by the default clean-up."""


@dataclass(frozen=True)
class Scan:
    """A simulated scan, ready to be learnt from and scored; masks of shape (z, y, x)."""

    volume: Volume
    phantom: Phantom
    part: Mask
    scored: Mask

    @property
    def flat(self) -> NDArray[np.float32]:
        return flat_field(self.phantom.scan, self.part)


@dataclass(frozen=True)
class Answer:
    mask: Mask
    levels: NDArray[np.uint8] | None = None
    """Probability times 255, where there is one."""


@dataclass(frozen=True)
class Answers:
    answers: list[Answer]
    steps: int
    cpu_seconds: float
    """Of learning or tuning, without answering."""


@dataclass(frozen=True)
class Entry:
    """One method."""

    answer: Callable[..., Answers]
    learns: bool = False


def answers(method: str, train: Scan, tests: list[Scan], seed: int, steps: int, folder: Path) -> Answers:
    """Let a method learn from one volume and answer others.

    `folder` is where what it learns is kept, for other conditions that are answered with the same.
    """
    return METHODS[method].answer(train, tests, seed=seed, steps=steps, folder=folder)


class Labelled(Patches):
    """Patches of the training volume with its exact labels in place of rendered cracks."""

    def __init__(self, truth: Mask, *given: Any) -> None:
        super().__init__(*given)
        self.doubt_as([slab.padded(truth) for slab in self.slabs])
        self.free = np.concatenate([self.free, self.cracked])

    def _rendered(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        frame, part, truth = self._cut(self.free[rng.integers(len(self.free))], rng)
        target, weight = (one[None].astype(np.float32) for one in (truth, part))
        return target, np.zeros_like(frame), np.ascontiguousarray(frame), weight


def _learned(
    train: Scan, tests: list[Scan], *, seed: int, steps: int, folder: Path, labels: bool = False, **changed: Any
) -> Answers:
    """Train the default preset, or what `changed` makes of it, and mark what is as likely crack as not."""
    preset = {name: value for name, value in load("quick").items() if name in TrainSettings.model_fields}
    preset |= {"seed": seed, "steps_per_epoch": steps} | changed
    if labels:
        preset |= {"reviews": 0}
    run = Run.create(folder, TrainSettings.checked(preset), train.volume)
    kind = partial(Labelled, train.phantom.labels > 0) if labels else Patches
    spent = folder / "cpu_seconds.txt"
    if not spent.exists():
        started = time.process_time()
        with patch.object(examples, "Patches", kind):
            finish(training.train(run, Budget(epochs=1)))
        spent.write_text(str(time.process_time() - started))
    levels = [preview(run, scan.volume, Box.of(scan.volume.shape)) for scan in tests]
    return Answers([Answer(level >= 128, level) for level in levels], steps, float(spent.read_text()))


def _fixed(train: Scan, tests: list[Scan], **_: Any) -> Answers:
    """METHOD's label-free filter at its fixed threshold."""
    return Answers([Answer((dark_response(s.flat, s.part, flattened=True) < DARK) & s.part) for s in tests], 0, 0)


def _otsu(train: Scan, tests: list[Scan], **_: Any) -> Answers:
    found = [(s.phantom.scan < otsu_threshold(s.phantom.scan, s.part)) & s.part for s in tests]
    return Answers([Answer(mask) for mask in found], 0, 0)


def _tuned(train: Scan, tests: list[Scan], *, variants: dict[str, Darkness], **_: Any) -> Answers:
    """The variant and threshold that fit the training volume's truth best, taken to the other volumes."""
    started = time.process_time()
    found = {
        name: tuned_threshold(darkness(train), train.phantom.labels, train.scored, 30, least=LEAST)
        for name, darkness in variants.items()
    }
    best = max(found, key=lambda name: found[name].f1)
    spent = time.process_time() - started
    masks = [(variants[best](scan) > found[best].threshold) & scan.part for scan in tests]
    return Answers([Answer(mask) for mask in masks], 0, spent)


def _response(sigma: tuple[float, float, float]) -> Darkness:
    return lambda scan: -dark_response(scan.flat, scan.part, sigma, flattened=True)


def _ridge(sigma: float, planar: bool) -> Darkness:
    return lambda scan: sato(scan.flat, sigma, planar)


def _forest(train: Scan, tests: list[Scan], *, seed: int, **_: Any) -> Answers:
    """A random forest on grey, edge and texture features of two labelled slices: the classic trainable segmentation."""
    from sklearn.ensemble import RandomForestClassifier

    started = time.process_time()
    depth = train.part.shape[0]
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for z in (depth // 3, 2 * depth // 3):
        features, truth = _features(train, z), train.phantom.labels[z] > 0
        for wanted in (truth & train.scored[z], ~truth & train.scored[z]):
            chosen = np.flatnonzero(wanted)
            chosen = rng.choice(chosen, min(5000, chosen.size), replace=False)
            rows.append(features.reshape(-1, features.shape[-1])[chosen])
            labels.append(truth.ravel()[chosen])
    forest = RandomForestClassifier(60, max_depth=14, max_samples=0.5, n_jobs=1, random_state=seed)
    forest.fit(np.concatenate(rows), np.concatenate(labels))
    spent = time.process_time() - started
    found = []
    for scan in tests:
        level = np.zeros(scan.part.shape, np.uint8)
        for z in range(depth):
            inside = np.flatnonzero(scan.part[z])
            features = _features(scan, z)
            chance = forest.predict_proba(features.reshape(-1, features.shape[-1])[inside])[:, -1]
            level[z].flat[inside] = np.rint(255 * chance)
        found.append(Answer(level >= 128, level))
    return Answers(found, 0, spent)


def _features(scan: Scan, z: int) -> NDArray[np.float32]:
    return multiscale_basic_features(scan.flat[z], sigma_min=0.5, sigma_max=8)


METHODS: dict[str, Entry] = {
    "ours": Entry(_learned, learns=True),
    "supervised, 5 slices": Entry(partial(_learned, labels=True), learns=True),
    "supervised, 2-D": Entry(partial(_learned, labels=True, slices=1), learns=True),
    "ours, 2-D": Entry(partial(_learned, slices=1), learns=True),
    "ours, no reviews": Entry(partial(_learned, reviews=0), learns=True),
    "filter, r < -2.5": Entry(_fixed),
    "filter, tuned": Entry(partial(_tuned, variants={str(sigma): _response(sigma) for sigma in SIGMAS})),
    "Sato 3-D, tuned": Entry(partial(_tuned, variants={str(s): _ridge(s, False) for s in RIDGE_SIGMAS})),
    "Sato 2-D, tuned": Entry(partial(_tuned, variants={str(s): _ridge(s, True) for s in RIDGE_SIGMAS})),
    "Otsu": Entry(_otsu),
    "forest, two labelled slices": Entry(_forest, learns=True),
}
"""Without labels: ours, the filter at its fixed threshold, Otsu. The others see the training volume's exact labels."""
