"""Score a predicted mask against a true one, in the voxels that both show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..events import Progress, Work
from ..metrics import (
    centreline_scores,
    cl_dice,
    false_alarms,
    level_counts,
    object_scores,
    overlap,
    predicted_tips,
    recall_by_aperture,
    surfaces,
    tip_errors,
    tip_scores,
    void_sum,
    voxel_scores,
    widths,
)
from ..volume import Box, Triple, Volume
from ._evaluation import Evaluation
from ._known import Known, as_void, known
from ._place import common, inside_part, read_at

__all__ = ["Evaluation", "Known", "evaluate", "inside_part", "known", "scores"]

SLAB = 16
"""Slices that are read at once."""
DONT_CARE = 0.5
"""Aperture in voxels below which truth counts neither way in the second row."""
GROW = 5.0
"""By how many voxels masks are grown where void is summed: as far as blur carries it, so that true labels miss little."""


def evaluate(
    mask: Volume,
    truth: Volume,
    *,
    probability: Volume | None = None,
    part: Volume | None = None,
    beside: Known | None = None,
    dont_care: float = DONT_CARE,
    grow: float = GROW,
) -> Work[Evaluation]:
    """Score `mask` against `truth`, slab by slab.

    They are laid over each other by their positions in the scan; what all of the volumes show is scored.

    Parameters
    ----------
    mask
        Above 0 is crack.
    truth
        Labels (crack ids) or a mask.
    probability
        For the average precision; uint8 (p = v/255) or 0..1.
    part
        Only what lies in this mask counts; its voxels may be larger by whole factors.
    beside
        What else is known of the scan; if none, what stands beside the store of `truth` (see :func:`known`).
    dont_care
        Aperture in voxels below which truth counts neither way in a second row.
    grow
        By how many voxels masks are grown where void is summed (see :func:`~napari_xct_crack.metrics.missing_void`).

    Raises
    ------
    InputError
        If the inputs do not overlap, their voxel sizes differ, or the mask is a probability.
    """
    if mask.role == "probability":
        raise InputError(
            f"{mask.name} is a probability; make a mask of it first (clean), or give it as --probability beside a mask."
        )
    beside = known(truth) if beside is None else beside
    scan = beside.scan if beside.void is not None and beside.contrast is not None else None
    void = None if scan is None else beside.void
    box = common(mask, truth, probability, beside.aperture, beside.pores, scan, void)
    total = Evaluation()
    starts = range(box.start[0], box.stop[0], SLAB)
    for done, z in enumerate(starts):
        yield Progress(done, len(starts), "slabs scored")
        slab = Box((z, *box.start[1:]), (min(z + SLAB, box.stop[0]), *box.stop[1:]))
        ids = read_at(truth, slab)
        total = total + scores(
            read_at(mask, slab) > 0,
            ids if truth.role == "labels" else ids > 0,
            tips=beside.tips,
            levels=_read(probability, slab),
            ignore=None if part is None else ~inside_part(part, slab, mask.voxel_size),
            aperture=_read(beside.aperture, slab),
            pores=None if beside.pores is None else read_at(beside.pores, slab) > 0,
            grey=_read(scan, slab),
            void=None if void is None else as_void(read_at(void, slab)),
            contrast=beside.contrast,
            metal=None if beside.part is None else inside_part(beside.part, slab, mask.voxel_size),
            dont_care=dont_care,
            grow=grow,
            start=slab.start,
        )
    yield Progress(len(starts), len(starts), "slabs scored")
    return replace(total, box=box, voxel_size=mask.voxel_size or truth.voxel_size, tips_from=beside.tips_from)


def scores(
    mask: NDArray[np.bool_],
    truth: NDArray[Any],
    *,
    tips: NDArray[np.float64] | None = None,
    levels: NDArray[Any] | None = None,
    ignore: NDArray[np.bool_] | None = None,
    aperture: NDArray[np.floating[Any]] | None = None,
    pores: NDArray[np.bool_] | None = None,
    grey: NDArray[Any] | None = None,
    void: NDArray[np.floating[Any]] | None = None,
    contrast: float | None = None,
    metal: NDArray[np.bool_] | None = None,
    dont_care: float = DONT_CARE,
    grow: float = GROW,
    start: Triple = (0, 0, 0),
) -> Evaluation:
    """All scores of arrays of shape (z, y, x); `start` is the position of voxel 0 in the scan, as that of `tips`.

    `tips` has the columns z, y, x and may have crack ids; what is none is not scored, but for `tips`, which are then the
    ends of the thinned truth. Void takes `grey`, `void` and `contrast`, and is summed in the part `metal`.
    """
    here: dict[str, Any] = {"ignore": ignore, "start": start}
    near = _own_tips(truth) if tips is None else tips - np.array([*start, 0])[: tips.shape[1]]
    result = Evaluation(
        centreline=centreline_scores(mask, truth, **here),
        voxels=voxel_scores(mask, truth, **here),
        tips=tip_scores(mask, near, truth, **here),
        objects=object_scores(mask, truth, **here),
        cl_dice=cl_dice(mask, truth, **here),
        overlap=overlap(mask, truth, ignore),
        alarms=false_alarms(mask, truth, ignore=ignore, pores=pores),
        surfaces=surfaces(mask, truth, ignore),
        widths=widths(mask, truth, **here),
        tip_errors=tip_errors(mask, near, truth, ignore=ignore),
        levels=None if levels is None else level_counts(levels, truth, ignore),
        dont_care=dont_care,
        pores_known=pores is not None,
    )
    if aperture is not None:
        thin = (truth > 0) & (aperture < dont_care)
        here["ignore"] = thin if ignore is None else thin | ignore
        result = replace(
            result,
            apertures=recall_by_aperture(mask, truth, aperture, ignore=ignore),
            open_centreline=centreline_scores(mask, truth, **here),
            open_voxels=voxel_scores(mask, truth, **here),
        )
    if grey is not None and void is not None and contrast is not None:
        inside = np.ones(truth.shape, dtype=bool) if metal is None else metal
        inside = inside if ignore is None else inside & ~ignore
        result = replace(result, void=void_sum(grey, mask, truth, void, contrast, inside, grow))
    return result


def _own_tips(truth: NDArray[Any]) -> NDArray[np.float64]:
    """Where the thinned truth ends, with crack ids; shape (n, 4)."""
    ends = [np.insert(predicted_tips(plane > 0), 0, z, axis=1) for z, plane in enumerate(truth)]
    tips = np.concatenate(ends)
    return np.column_stack([tips, truth[tuple(tips.T)]]).astype(np.float64)


def _read(volume: Volume | None, box: Box) -> NDArray[Any] | None:
    return None if volume is None else read_at(volume, box)
