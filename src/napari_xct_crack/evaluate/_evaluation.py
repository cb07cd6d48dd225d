"""All scores of one mask, as numbers and as text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import (
    ApertureRecall,
    FalseAlarms,
    Overlap,
    Scores,
    Surfaces,
    TipErrors,
    VoidSum,
    Widths,
    average_precision,
)
from ..settings import VoxelSize
from ..volume import Box

_ABOUT = {"dont_care", "pores_known", "box", "voxel_size", "tips_from"}
"""Fields that are no counts: of a sum they are those of its last part."""


@dataclass(frozen=True)
class Evaluation:
    """All scores of one mask; those of two slabs of a volume may be added."""

    centreline: Scores = field(default_factory=Scores.none)
    voxels: Scores = field(default_factory=Scores.none)
    tips: Scores = field(default_factory=Scores.none)
    objects: Scores = field(default_factory=Scores.none)
    cl_dice: Scores = field(default_factory=Scores.none)
    overlap: Overlap = field(default_factory=Overlap)
    alarms: FalseAlarms = field(default_factory=FalseAlarms)
    surfaces: Surfaces = field(default_factory=Surfaces)
    widths: Widths = field(default_factory=Widths)
    tip_errors: TipErrors = field(default_factory=TipErrors)
    levels: NDArray[np.int64] | None = None
    """Voxels per probability level (see :func:`napari_xct_crack.metrics.level_counts`), if there was a probability."""
    apertures: ApertureRecall | None = None
    """If the true apertures are known, as the next two."""
    open_centreline: Scores | None = None
    """The centre line once more, truth thinner than `dont_care` counting neither way."""
    open_voxels: Scores | None = None
    void: VoidSum | None = None
    """If the exact void and the scan are known."""
    dont_care: float = 0.0
    pores_known: bool = False
    box: Box | None = None
    """What was scored, counted in the voxels of the scan."""
    voxel_size: VoxelSize | None = None
    tips_from: str = ""
    """Where the true tips come from."""

    def __add__(self, other: Evaluation) -> Evaluation:
        sums: dict[str, Any] = {}
        for name in {each.name for each in fields(self)} - _ABOUT:
            mine, theirs = getattr(self, name), getattr(other, name)
            sums[name] = theirs if mine is None else mine if theirs is None else mine + theirs
        return replace(other, **sums)

    def record(self) -> dict[str, Any]:
        """All numbers as JSON values; what is infinite, undefined or unknown is null."""
        ratio = self.voxels.volume_ratio
        return {
            "centreline": _shares(self.centreline),
            "voxels": {**_shares(self.voxels), "volume_ratio": _finite(ratio)},
            "tips": {**_shares(self.tips), "from": self.tips_from},
            "tip_error": {name: getattr(self.tip_errors, name) for name in ("median", "p90", "unmatched")},
            "objects": _shares(self.objects),
            "apertures": None if self.apertures is None else self._apertures(self.apertures),
            "dont_care": self._dont_care(),
            "void": self._void(),
            "false_alarms": self._alarms(self.alarms)
            | {name: self._alarms(getattr(self.alarms, name)) if self.pores_known else None for name in _KINDS},
            "dice": self.overlap.dice,
            "iou": self.overlap.iou,
            "average_precision": None if self.levels is None else average_precision(self.levels),
            "cl_dice": self.cl_dice.f1,
            "surface_dice": self.surfaces.dice(),
            "hd95": self.surfaces.hausdorff(),
            "width_error": {"mean": self.widths.error, "absolute": self.widths.absolute_error},
            "tolerance_voxels": {"centreline": 2, "voxels": 2, "tips": 4, "objects": 2, "surface_dice": 1},
            "box": None if self.box is None else {"start": self.box.start, "stop": self.box.stop},
            "voxel_size_um": self.voxel_size,
        }

    def table(self) -> str:
        """The numbers as lines of text."""
        from ._table import lines

        return "\n".join(lines(self))

    def _alarms(self, alarms: FalseAlarms) -> dict[str, Any]:
        per_area = {"per_mm2": alarms.per_mm2(self.voxel_size)}
        return {"objects": alarms.objects, "per_512x512_slice": alarms.per_slice} | per_area

    def _apertures(self, apertures: ApertureRecall) -> list[dict[str, Any]]:
        return [
            {
                "from": row.low,
                "to": _finite(row.high),
                "voxels": row.voxels,
                "recall": row.recall,
                "chance": row.chance,
                "above_chance": row.above_chance,
            }
            for row in apertures.rows
        ]

    def _dont_care(self) -> dict[str, Any] | None:
        if self.open_centreline is None or self.open_voxels is None:
            return None
        scores = {"centreline": _shares(self.open_centreline), "voxels": _shares(self.open_voxels)}
        ratio = _finite(self.open_voxels.volume_ratio)
        return {"aperture_under": self.dont_care, **scores, "volume_ratio": ratio}

    def _void(self) -> dict[str, Any] | None:
        if self.void is None:
            return None
        voxels = {name: getattr(self.void, name) for name in ("predicted", "labelled", "exact")}
        return {**voxels, "bias": _finite(self.void.bias), "label_bias": _finite(self.void.label_bias)}


_KINDS = ("pores", "rest")


def _shares(scores: Scores) -> dict[str, Any]:
    return {"f1": scores.f1, "precision": scores.precision, "recall": scores.recall, "units": int(scores.units.size)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
