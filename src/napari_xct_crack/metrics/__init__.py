"""Numbers from masks, tip positions and apertures. Pure NumPy; every definition stands in its function's docstring.

All counting is per slice (y, x) with Euclidean distances in voxels, so that a volume may be scored slab by slab and the
results added. Counts are kept per *unit*, the crack or a cell of background, which is what intervals resample.
"""

from .alarms import FalseAlarms, false_alarms
from .apertures import ApertureRecall, ApertureRow, recall_by_aperture
from .ends import TipErrors, tip_errors
from .masks import (
    Overlap,
    average_precision,
    centreline_scores,
    cl_dice,
    level_counts,
    overlap,
    thinned,
    voxel_scores,
    within,
)
from .objects import object_scores
from .scores import Margin, Scores, margin, pooled_margin
from .surfaces import Surfaces, surfaces
from .tips import match_tips, predicted_tips, tip_scores
from .void import VoidSum, missing_void, void_sum
from .widths import Widths, widths

__all__ = [
    "ApertureRecall",
    "ApertureRow",
    "FalseAlarms",
    "Margin",
    "Overlap",
    "Scores",
    "Surfaces",
    "TipErrors",
    "VoidSum",
    "Widths",
    "average_precision",
    "centreline_scores",
    "cl_dice",
    "false_alarms",
    "level_counts",
    "margin",
    "match_tips",
    "missing_void",
    "object_scores",
    "overlap",
    "pooled_margin",
    "predicted_tips",
    "recall_by_aperture",
    "surfaces",
    "thinned",
    "tip_errors",
    "tip_scores",
    "void_sum",
    "voxel_scores",
    "widths",
    "within",
]
