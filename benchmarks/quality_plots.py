"""Recall by the opening of cracks, beside its chance level and what an ideal observer could see."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from quality_cells import Size, limit_of
from quality_raw import OURS, Raw, Row
from scipy.stats import norm

from napari_xct_crack.detection import ROSE

SHOWN = (
    OURS,
    "supervised, 5 slices",
    "supervised, 2-D",
    "forest, two labelled slices",
    "Sato 3-D, tuned",
    "filter, r < -2.5",
)
_WIDEST = 3.0
"""Where the class of all wider openings is drawn, in voxels."""


def plot(raw: Raw, condition: str, size: Size, out: Path) -> None:
    """Draw a condition's recall by aperture into `out`, if ours stands there: the worst seed of each method."""
    rows = {method: row for (method, steps), row in raw.worst(condition).items() if steps in (0, size.steps)}
    if OURS not in rows:
        return
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for number, method in enumerate(name for name in SHOWN if name in rows):
        width, recall, chance = _curve(raw, rows[method])
        axis.plot(width, recall, marker="o", color=f"C{number}", label=method)
        axis.plot(width, chance, linestyle=":", color=f"C{number}")
    false = _false_rate(raw, rows[OURS])
    opening = np.linspace(0, _WIDEST, 200)
    for (length, limit), style in zip(_limits(raw, condition, size).items(), ("--", "-."), strict=True):
        seen = norm.cdf(ROSE * opening / limit - norm.isf(false))
        axis.plot(opening, seen, style, color="0.4", label=f"ideal observer, {length} voxels long, one slice")
        axis.axvline(limit, linestyle=style, color="0.8", linewidth=1)
    axis.set(xlabel="true opening, voxels", ylabel="recall of the centre line", ylim=(0, 1.02), title=condition)
    axis.legend(fontsize=8)
    figure.savefig(out / f"recall-{condition}.png", dpi=110)
    plt.close(figure)


def _curve(raw: Raw, row: Row) -> tuple[NDArray[np.float64], ...]:
    """Middle of each class of openings that has voxels, recall and chance level there."""
    classes = [one for one in raw.counted(row)["apertures"] if one["voxels"]]
    middle = [(one["from"] + (one["to"] or 2 * _WIDEST - one["from"])) / 2 for one in classes]
    return np.array(middle), *(np.array([one[key] for one in classes]) for key in ("recall", "chance"))


def _false_rate(raw: Raw, row: Row) -> float:
    """Share of places off the cracks that lie within two voxels of a false line: 5 places for each voxel of it."""
    right, predicted = np.sum([one.counts.sum(axis=0)[:2] for one in raw.scores(row, "centreline")], axis=0)
    voxels = row["test_volumes"] * np.prod([int(side) for side in row["shape"].split("x")])
    return float(max(5 * (predicted - right) / voxels, 1e-6))


def _limits(raw: Raw, condition: str, size: Size) -> dict[int, float]:
    """Openings at which an ideal observer reaches an SNR of 5 by length; measured once, then kept beside the rows."""
    path = raw.folder / "limits" / f"{condition}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(limit_of(condition, size)))
    return {int(length): limit for length, limit in json.loads(path.read_text()).items()}
