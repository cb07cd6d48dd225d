"""Several runs on one slice, or one run over its snapshots: pictures side by side, with scores where truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoints import snapshots
from .errors import InputError
from .evaluate import Evaluation, known, scores
from .evaluate._place import common, read_at
from .events import Progress, Said, Work
from .inference import SegmentSettings, preview
from .propagation import NO_CLAIM, Beyond, beyond, straight
from .records import read_json
from .report.figures import grid, overlay, painted
from .runs import Segmenter, load_segmenter, model_folder
from .volume import Box, Triple, Volume

THRESHOLD = 0.5
"""Probability from which a voxel counts as crack: the same for all, and not chosen on what is compared."""
FOUND = (0.90, 0.30, 0.10)
"""Colour of what is found where no truth is known."""
HEAT = ((0.05, (0.99, 0.85, 0.30)), (0.25, (0.95, 0.50, 0.13)), (0.5, (0.75, 0.10, 0.15)))
"""From which mean probability beyond a tip on which colour."""
STRAIGHT = (0.25, 0.55, 0.95)
MAP = "beyond visible tips"
COLUMNS = 4
Load = Callable[[], Segmenter]
_AXES = {"z": 0, "y": 1, "x": 2, "all": 0}


@dataclass(frozen=True)
class Seen:
    """What one segmenter marks in a slice."""

    name: str
    mask: NDArray[np.bool_]
    """Shape (h, w)."""
    scores: Evaluation | None
    """If truth is known."""

    @property
    def line(self) -> str:
        """The headline for below a picture."""
        if self.scores is None:
            return f"{self.mask.mean():.2%} crack"
        found = self.scores
        return f"centre line F1 {found.centreline.f1:.2f}, tips {found.tips.f1:.2f}, volume {found.voxels.volume_ratio:.2f}"


@dataclass(frozen=True)
class Comparison:
    """One slice as several segmenters see it."""

    where: str
    """Which slice it is."""
    grey: NDArray[Any]
    """Shape (h, w)."""
    window: tuple[float, float]
    truth: NDArray[Any] | None
    """Labels or mask of the slice, shape (h, w)."""
    seen: tuple[Seen, ...]
    beyond: Beyond | None = None
    """What they mark beyond the visible tips of the last one, if it was asked for."""

    def table(self) -> str:
        """One line for each segmenter."""
        lines = [f"{self.where}, threshold {THRESHOLD:g}", *self._scores()]
        if self.beyond is not None:
            lines += self.beyond.sentences([one.name for one in self.seen])
        return "\n".join(lines)

    def _scores(self) -> list[str]:
        width = max(len("name"), *(len(one.name) for one in self.seen))
        if self.truth is None:
            return [f"{one.name:{width}}  {one.line}" for one in self.seen]
        heads = ("F1", "precision", "recall", "tips F1", "Dice", "volume")
        lines = [f"{'name':{width}}" + "".join(f"{head:>11}" for head in heads)]
        for one in self.seen:
            assert one.scores is not None
            line, dice = one.scores.centreline, one.scores.overlap.dice
            values = (line.f1, line.precision, line.recall, one.scores.tips.f1, dice, one.scores.voxels.volume_ratio)
            lines.append(f"{one.name:{width}}" + "".join(f"{value:11.3f}" for value in values))
        return [*lines, "F1, precision, recall: centre line, 2 voxels; tips: 4 voxels; volume: predicted over true."]

    def picture(self) -> bytes:
        """The scan and what each segmenter marks, as PNG."""
        pictures = {"the scan": painted(self.grey, self.window)}
        for one in self.seen:
            pictures[one.name] = (
                painted(self.grey, self.window, [(one.mask, FOUND)])
                if self.truth is None
                else overlay(self.grey, self.window, one.mask, self.truth > 0)
            )
        colours = "" if self.truth is None else ": green right, purple false, orange true centre line missed"
        below = ["", *(one.line for one in self.seen)]
        if self.beyond is not None:
            pictures[MAP] = self._map(self.beyond)
            below.append(self.beyond.line)
            colours += f"\n{MAP}: mean probability of all, yellow to red; blue straight on.\n{NO_CLAIM}"
        dpi = round(min(max(self.grey.shape[1], 400), 1600) / 3.6)
        columns = min(COLUMNS, len(pictures))
        return grid(pictures, columns, below, f"{self.where}, threshold {THRESHOLD:g}{colours}", dpi)

    def _map(self, found: Beyond) -> NDArray[np.float64]:
        """What is marked beyond the visible tips, on what the last one marks."""
        tips = found.tips
        ahead = straight(self.grey.shape, tips.places, tips.directions)
        heat = [(found.mean >= level, colour) for level, colour in HEAT]
        return painted(self.grey, self.window, [(self.seen[-1].mask, (1.0, 1.0, 1.0)), (ahead, STRAIGHT), *heat])


def compare(
    volume: Volume,
    runs: Sequence[Path],
    *,
    at: int | None = None,
    settings: SegmentSettings | None = None,
    truth: Volume | None = None,
    propagation: bool = False,
) -> Work[Comparison]:
    """Segment one slice with several runs, or with all snapshots of one.

    Parameters
    ----------
    volume
        The prepared scan; its crop and part are obeyed.
    runs
        Folders of trained runs, or of their models; of a single run its snapshots and its model are compared.
    at
        Slice along the settings' normal (z where all three are averaged), counted in the scan; the middle of the crop if
        it is not given.
    truth
        True mask or labels. True tips that stand beside its store are used for slices along z.
    propagation
        Also map what is marked beyond the visible tips of the last one.

    Raises
    ------
    InputError
        If a folder holds no model, the slice lies outside the crop, or the truth does not cover it.
    """
    settings = settings or SegmentSettings()
    if volume.window is None:
        raise InputError("The scan has no contrast window yet; prepare it first.")
    axis = _AXES[settings.normal]
    box = _slice_box(volume, axis, at)
    place = box.shifted(volume.crop.start)
    answers = None if truth is None else _Answers.of(truth, volume.cropped(box), axis)
    folders = dict(_snapshots(runs[0]) if len(runs) == 1 else _named(runs))
    if len(runs) == 1 == len(folders):
        yield Said(f"{runs[0]} holds no snapshots; only its model is shown.")
    seen: list[Seen] = []
    levels: list[NDArray[np.float64]] = []
    for name, load in folders.items():
        yield Progress(len(seen), len(folders), "pictures")
        levels.append(np.take(preview(load(), volume, box, settings), 0, axis) / 255)
        mask = levels[-1] >= THRESHOLD
        seen.append(Seen(name, mask, answers.judge(mask) if answers else None))
    yield Progress(len(seen), len(folders), "pictures")
    grey = np.take(volume.read(box), 0, axis)
    where = f"slice {place.start[axis]} along {'zyx'[axis]}"
    ahead = beyond(levels, THRESHOLD) if propagation else None
    return Comparison(where, grey, volume.window, answers.truth if answers else None, tuple(seen), ahead)


@dataclass(frozen=True)
class _Answers:
    """What is true in one slice."""

    truth: NDArray[Any]
    tips: NDArray[np.float64] | None
    start: Triple

    @classmethod
    def of(cls, truth: Volume, shown: Volume, axis: int) -> _Answers:
        place = Box.of(shown.shape).shifted(shown.origin)
        if common(shown, truth) != place:
            raise InputError(
                f"The truth {truth.name} (shape {truth.shape} at {truth.origin}) does not cover the slice from "
                f"{place.start} to {place.stop}; crop the comparison to it."
            )
        tips = known(truth).tips if axis == 0 else None
        return cls(np.take(read_at(truth, place), 0, axis), tips, place.start)

    def judge(self, mask: NDArray[np.bool_]) -> Evaluation:
        return scores(mask[None], self.truth[None], tips=self.tips, start=self.start)


def _slice_box(volume: Volume, axis: int, at: int | None) -> Box:
    """One slice of the crop, counted from the crop's corner."""
    first, side = volume.crop.start[axis], volume.shape[axis]
    here = side // 2 if at is None else at - first
    if not 0 <= here < side:
        raise InputError(
            f"Slice {at} along {'zyx'[axis]} does not lie in the crop, which has {first} to {first + side - 1}."
        )
    start, stop = [0, 0, 0], list(volume.shape)
    start[axis], stop[axis] = here, here + 1
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _snapshots(run: Path) -> Iterator[tuple[str, Load]]:
    """The states of one run by their steps, the model last."""
    kept = snapshots(run)
    last = read_json(model_folder(run) / "card.json").get("metrics", {}).get("step")
    for step, weights in kept.items():
        if step != last:
            yield f"step {step}", partial(load_segmenter, run, weights=weights)
    yield "model" if last is None else f"step {last}", partial(load_segmenter, run)


def _named(runs: Sequence[Path]) -> Iterator[tuple[str, Load]]:
    """Runs by the ends of their paths, as long as is needed to tell them apart."""
    paths = list(dict.fromkeys(run.absolute() for run in runs))
    for path in paths:
        model_folder(path)
        length = 1
        while sum(other.parts[-length:] == path.parts[-length:] for other in paths) > 1:
            length += 1
        yield "/".join(path.parts[-length:]), partial(load_segmenter, path)
