"""Numbers from masks, tip positions and apertures. Pure NumPy; every definition stands in its function's docstring.

All counting is per slice (y, x) with Euclidean distances in voxels, so that a volume may be scored slab by slab and the
results added. Counts are kept per *unit*, the crack or a cell of background, which is what intervals resample.
"""

from .masks import (
    FalseAlarms,
    Overlap,
    average_precision,
    centreline_scores,
    false_alarms,
    level_counts,
    overlap,
    recall_by_aperture,
    thinned,
    voxel_scores,
    within,
)
from .scores import Margin, Scores, margin
from .tips import match_tips, predicted_tips, tip_scores

__all__ = [
    "FalseAlarms",
    "Margin",
    "Overlap",
    "Scores",
    "average_precision",
    "centreline_scores",
    "false_alarms",
    "level_counts",
    "margin",
    "match_tips",
    "overlap",
    "predicted_tips",
    "recall_by_aperture",
    "thinned",
    "tip_scores",
    "voxel_scores",
    "within",
]
