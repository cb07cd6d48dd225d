"""The demo's report: verdict, tables, pictures, settings."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evaluate import Evaluation
from ..report import Listing, Picture, Section, Table, Text, write
from ..report.figures import curves, grid, overlay, precision_recall
from ._standing import MEASURES, Contest, Entrant

ZOOM = 128
"""Side of the enlarged pictures in voxels."""


@dataclass(frozen=True)
class Shown:
    """What the pictures are made of; arrays of shape (z, y, x)."""

    grey: NDArray[Any]
    truth: NDArray[Any]
    window: tuple[float, float]
    masks: Mapping[str, NDArray[np.bool_]]


def report(path: Path, contest: Contest, shown: Shown, run: Path, record: Mapping[str, Any]) -> None:
    """Write the report of a contest."""
    sections = [
        Section("Scores", [_scores(contest), Text(_DEFINITIONS), _margins(contest), _scatter(contest)]),
        Section("Pictures", _pictures(shown)),
        Section("Each crack", [_cracks(contest, record)]),
        Section("Training", _training(run)),
        Section("Settings", [Listing(json.dumps({key: record[key] for key in ("settings", "training")}, indent=1))]),
    ]
    title = f"Cracks in a simulated scan, condition {record['settings']['phantom']['condition']}"
    write(path, title, contest.verdict(), sections)


_DEFINITIONS = (
    "Centre line: both masks are thinned in each slice, and F1 is of the lines within 2 voxels of each other. F1@2: of "
    "all voxels within 2 voxels; the volume ratio beside it is predicted over true. Tips: ends of thinned cracks, "
    "matched one to one with the true ends within 4 voxels. False alarms: objects of at least 8 voxels that touch no "
    "crack, per slice of 512 x 512 voxels. A tuned method had its threshold, and its width where it has one, chosen on "
    "the truth of the very slices that are scored, which is an upper bound of what it can do; ours saw no truth and "
    "uses the fixed threshold 0.5."
)
_COLOURS = (
    "Green: found, within 2 voxels of truth. Purple: found, but farther from truth. Orange: true centre line with "
    "nothing found within 2 voxels."
)


def _scores(contest: Contest) -> Table:
    head = [
        "",
        *MEASURES.values(),
        "precision",
        "recall",
        "volume ratio",
        "tip precision",
        "tip recall",
        "false alarms",
    ]
    rows = [_row(entrant) for entrant in (contest.ours, *contest.others)]
    return Table(head, rows, "F1 by three measures, then precision and recall of the centre line.", strong=0)


def _row(entrant: Entrant) -> list[str]:
    result: Evaluation = entrant.evaluation
    f1 = [f"{entrant.scores(measure).f1:.3f}" for measure in MEASURES]
    more = [result.centreline.precision, result.centreline.recall, result.voxels.volume_ratio]
    tips = [result.tips.precision, result.tips.recall, result.alarms.per_slice]
    return [entrant.name, *f1, *(f"{value:.2f}" for value in (*more, *tips))]


def _margins(contest: Contest) -> Table:
    rows = [[other.name, *contest.margins(other)] for other in contest.others]
    caption = (
        "How far ours is ahead, with the paired 95 % interval of a bootstrap over cracks and cells of background "
        f"({contest.margin(contest.others[0], 'centreline').units} units)."
    )
    return Table(["ours ahead of", *MEASURES.values()], rows, caption)


def _scatter(contest: Contest) -> Picture:
    points = {}
    for entrant in (contest.ours, *contest.others):
        lines = entrant.evaluation.centreline
        points[entrant.name] = (lines.recall, lines.precision)
    return Picture(precision_recall(points, contest.ours.name), "Precision and recall of the centre line.")


def _pictures(shown: Shown) -> list[Text | Table | Picture | Listing]:
    """A whole slice, then the most cracked places of two slices."""
    depth = shown.grey.shape[0]
    near, far = depth // 4, (3 * depth) // 4
    whole = (slice(None), slice(None))
    views = {f"Slice {near}, all of it.": (near, *whole)}
    for z in (near, far):
        views[f"Slice {z}, its most cracked place."] = (z, *_busiest(shown.truth[z] > 0))
    parts: list[Text | Table | Picture | Listing] = [Text(_COLOURS)]
    for caption, view in views.items():
        pictures = {"scan": _plain(shown, view)}
        pictures |= {name: _judged(shown, mask, view) for name, mask in shown.masks.items()}
        parts.append(Picture(grid(pictures), caption))
    return parts


def _plain(shown: Shown, view: tuple[int, slice, slice]) -> NDArray[np.float64]:
    nothing = np.zeros(shown.grey[view].shape, dtype=bool)
    return overlay(shown.grey[view], shown.window, nothing, nothing)


def _judged(shown: Shown, mask: NDArray[np.bool_], view: tuple[int, slice, slice]) -> NDArray[np.float64]:
    return overlay(shown.grey[view], shown.window, mask[view], shown.truth[view] > 0)


def _busiest(truth: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The square of a slice with the most true voxels."""
    sums = np.pad(truth.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    height, width = (min(ZOOM, side) for side in truth.shape)
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return slice(int(y), int(y) + height), slice(int(x), int(x) + width)


def _cracks(contest: Contest, record: Mapping[str, Any]) -> Table:
    """Recall of each crack's centre line."""
    entrants = (contest.ours, *contest.others)
    scores = [entrant.evaluation.centreline for entrant in entrants]
    ids = sorted({int(unit) for one in scores for unit in one.units if unit > 0})
    rows = []
    for crack in ids:
        counts = [one.counts[one.units == crack].sum(axis=0) for one in scores]
        length = int(counts[0][3])
        if length:
            rows.append([str(crack), str(length), *(f"{count[2] / count[3]:.2f}" for count in counts)])
    head = ["crack", "length", *(entrant.name for entrant in entrants)]
    return Table(head, rows, "Recall of each crack's centre line; length in voxels, summed over slices.")


def _training(run: Path) -> list[Text | Table | Picture | Listing]:
    """Losses over the steps."""
    path = run / "metrics.csv"
    if not path.is_file():
        return [Text("The run kept no losses.")]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    steps = values.pop("step")
    return [Picture(curves(steps, values), f"Losses over {int(steps[-1])} steps.")]
