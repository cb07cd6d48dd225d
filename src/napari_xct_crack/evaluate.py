"""Score a predicted mask against a true one, in the voxels that both show."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .events import Progress, Work
from .metrics import (
    FalseAlarms,
    Overlap,
    Scores,
    average_precision,
    centreline_scores,
    false_alarms,
    level_counts,
    overlap,
    predicted_tips,
    tip_scores,
    voxel_scores,
)
from .settings import VoxelSize
from .volume import Box, Triple, Volume

SLAB = 16
"""Slices that are read at once."""


@dataclass(frozen=True)
class Evaluation:
    """All scores of one mask; those of two slabs of a volume may be added."""

    centreline: Scores = field(default_factory=Scores.none)
    voxels: Scores = field(default_factory=Scores.none)
    tips: Scores = field(default_factory=Scores.none)
    overlap: Overlap = field(default_factory=Overlap)
    alarms: FalseAlarms = field(default_factory=FalseAlarms)
    levels: NDArray[np.int64] | None = None
    """Voxels per probability level (see :func:`napari_xct_crack.metrics.level_counts`), if there was a probability."""
    box: Box | None = None
    """What was scored, counted in the voxels of the scan."""
    voxel_size: VoxelSize | None = None
    tips_from: str = ""
    """Where the true tips come from."""

    def __add__(self, other: Evaluation) -> Evaluation:
        both = self.levels is not None and other.levels is not None
        return replace(
            other,
            centreline=self.centreline + other.centreline,
            voxels=self.voxels + other.voxels,
            tips=self.tips + other.tips,
            overlap=self.overlap + other.overlap,
            alarms=self.alarms + other.alarms,
            levels=self.levels + other.levels if both else other.levels,  # type: ignore[operator]
        )

    def record(self) -> dict[str, Any]:
        """All numbers as JSON values; what is infinite or unknown is null."""
        per_area = {"per_mm2": self.alarms.per_mm2(self.voxel_size)}
        ratio = self.voxels.volume_ratio
        return {
            "centreline": _shares(self.centreline),
            "voxels": {**_shares(self.voxels), "volume_ratio": ratio if math.isfinite(ratio) else None},
            "tips": {**_shares(self.tips), "from": self.tips_from},
            "dice": self.overlap.dice,
            "iou": self.overlap.iou,
            "average_precision": None if self.levels is None else average_precision(self.levels),
            "false_alarms": {"objects": self.alarms.objects, "per_512x512_slice": self.alarms.per_slice} | per_area,
            "tolerance_voxels": {"centreline": 2, "voxels": 2, "tips": 4},
            "box": None if self.box is None else {"start": self.box.start, "stop": self.box.stop},
            "voxel_size_um": self.voxel_size,
        }

    def table(self) -> str:
        """The numbers as lines of text."""
        record = self.record()
        lines = [f"{'':24}{'F1':>8}{'precision':>11}{'recall':>8}"]
        names = {"centreline": "centre line, 2 voxels", "voxels": "voxels, 2 voxels", "tips": "tips, 4 voxels"}
        for key, name in names.items():
            row = record[key]
            lines.append(f"{name:24}{row['f1']:8.3f}{row['precision']:11.3f}{row['recall']:8.3f}")
        lines.append(f"predicted/true volume   {self.voxels.volume_ratio:8.2f}")
        lines.append(f"Dice                    {self.overlap.dice:8.3f}")
        lines.append(f"IoU                     {self.overlap.iou:8.3f}")
        if self.levels is not None:
            lines.append(f"average precision       {average_precision(self.levels):8.3f}")
        alarms = f"false alarms            {self.alarms.per_slice:8.2f} per slice of 512 x 512 voxels"
        per_mm2 = record["false_alarms"]["per_mm2"]
        lines.append(alarms if per_mm2 is None else f"{alarms}, {per_mm2:.2f} per mm²")
        lines.append(f"True tips from {self.tips_from}.")
        return "\n".join(lines)


def _shares(scores: Scores) -> dict[str, Any]:
    return {"f1": scores.f1, "precision": scores.precision, "recall": scores.recall, "units": int(scores.units.size)}


def evaluate(
    mask: Volume, truth: Volume, *, probability: Volume | None = None, part: Volume | None = None
) -> Work[Evaluation]:
    """Score `mask` against `truth`, slab by slab.

    They are laid over each other by their positions in the scan; what both (and the probability) show is scored.

    Parameters
    ----------
    mask
        Above 0 is crack.
    truth
        Labels (crack ids) or a mask. If a file ``truth.json`` stands beside its store, the true tips are its.
    probability
        For the average precision; uint8 (p = v/255) or 0..1.
    part
        Only what lies in this mask counts; its voxels may be larger by whole factors.

    Raises
    ------
    InputError
        If the inputs do not overlap, their voxel sizes differ, or the mask is a probability.
    """
    if mask.role == "probability":
        raise InputError(
            f"{mask.name} is a probability; make a mask of it first (clean), or give it as --probability beside a mask."
        )
    box = _common(mask, truth, probability)
    tips, tips_from = true_tips(truth)
    total = Evaluation()
    starts = range(box.start[0], box.stop[0], SLAB)
    for done, z in enumerate(starts):
        yield Progress(done, len(starts), "slabs scored")
        slab = Box((z, *box.start[1:]), (min(z + SLAB, box.stop[0]), *box.stop[1:]))
        ids = _read(truth, slab)
        levels = None if probability is None else _read(probability, slab)
        outside = None if part is None else ~inside_part(part, slab, mask.voxel_size)
        kind = ids if truth.role == "labels" else ids > 0
        scored = scores(_read(mask, slab) > 0, kind, tips=tips, levels=levels, ignore=outside, start=slab.start)
        total = total + scored
    yield Progress(len(starts), len(starts), "slabs scored")
    return replace(total, box=box, voxel_size=mask.voxel_size or truth.voxel_size, tips_from=tips_from)


def scores(
    mask: NDArray[np.bool_],
    truth: NDArray[Any],
    *,
    tips: NDArray[np.float64] | None = None,
    levels: NDArray[Any] | None = None,
    ignore: NDArray[np.bool_] | None = None,
    start: Triple = (0, 0, 0),
) -> Evaluation:
    """All scores of arrays of shape (z, y, x); `start` is the position of voxel 0 in the scan, as that of `tips`."""
    if tips is None:
        own = [np.insert(predicted_tips(plane > 0), 0, z, axis=1) for z, plane in enumerate(truth)]
        near = np.concatenate(own).astype(np.float64)
    else:
        near = tips - start
    return Evaluation(
        centreline=centreline_scores(mask, truth, ignore=ignore, start=start),
        voxels=voxel_scores(mask, truth, ignore=ignore, start=start),
        tips=tip_scores(mask, near, truth, ignore=ignore, start=start),
        overlap=overlap(mask, truth, ignore),
        alarms=false_alarms(mask, truth, ignore=ignore),
        levels=None if levels is None else level_counts(levels, truth, ignore),
    )


def true_tips(truth: Volume) -> tuple[NDArray[np.float64] | None, str]:
    """Tips (z, y, x) in the voxels of the scan, shape (n, 3), and where they come from, in words.

    There are none (``None``) where they have to be taken from the truth itself.

    Raises
    ------
    InputError
        If there is a ``truth.json`` beside the truth that holds no tips.
    """
    beside = Path(truth.source).parent / "truth.json" if truth.source else None
    if beside is None or not beside.is_file():
        return None, "the thinned truth, for there is no truth.json beside it"
    try:
        listed = np.array(json.loads(beside.read_text(encoding="utf-8"))["tips"], dtype=np.float64)
        return listed.reshape(-1, 4)[:, :3] + truth.offset, beside.name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{beside} holds no list of tips (z, y, x, crack id) under 'tips'.") from error


def inside_part(part: Volume, box: Box, voxel_size: VoxelSize | None) -> NDArray[np.bool_]:
    """The part in a box of the scan, at full resolution.

    The part's voxels are larger by the nearest whole factors to the ratio of the voxel sizes, or of the same size where
    one of these is unknown.

    Raises
    ------
    InputError
        If the part does not cover the box.
    """
    factor = [1, 1, 1]
    if part.voxel_size and voxel_size:
        factor = [max(1, round(a / b)) for a, b in zip(part.voxel_size, voxel_size, strict=True)]
    place = [
        np.arange(first, stop) // by - origin
        for first, stop, by, origin in zip(box.start, box.stop, factor, part.origin, strict=True)
    ]
    low, high = ([int(axis[end]) for axis in place] for end in (0, -1))
    held = Box((low[0], low[1], low[2]), (high[0] + 1, high[1] + 1, high[2] + 1))
    if not Box.of(part.shape).contains(held):
        raise InputError(
            f"The part {part.name} of shape {part.shape} at {part.origin} does not cover the voxels {box.start} to "
            f"{box.stop} of the scan, its voxels being {factor} times as large."
        )
    inside: NDArray[np.bool_] = part.read(held)[np.ix_(*(axis - axis[0] for axis in place))] > 0
    return inside


def _common(mask: Volume, truth: Volume, probability: Volume | None) -> Box:
    """The box of the scan that all of them show."""
    box = Box.of(mask.shape).shifted(mask.origin)
    for other in (truth, probability):
        if other is None:
            continue
        for a, b in zip(mask.voxel_size or (), other.voxel_size or (), strict=False):
            if abs(a - b) > 0.01 * max(a, b):
                raise InputError(
                    f"{mask.name} has voxels of {mask.voxel_size} µm and {other.name} of {other.voxel_size} µm; "
                    "only volumes of the same voxels can be compared."
                )
        box = box.intersection(Box.of(other.shape).shifted(other.origin))
        if box.size == 0:
            raise InputError(
                f"{mask.name} (shape {mask.shape} at {mask.origin}) and {other.name} (shape {other.shape} at "
                f"{other.origin}) show no common voxel of the scan."
            )
    return box


def _read(volume: Volume, box: Box) -> NDArray[Any]:
    """A box that is given in voxels of the scan."""
    z, y, x = volume.origin
    return volume.read(box.shifted((-z, -y, -x)))
