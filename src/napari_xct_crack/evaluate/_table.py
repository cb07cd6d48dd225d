"""The numbers of an evaluation as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..metrics import FalseAlarms, Scores, average_precision

if TYPE_CHECKING:
    from ._evaluation import Evaluation


def lines(result: Evaluation) -> list[str]:
    """One number a line, the headline first."""
    text = [f"{'':24}{'F1':>8}{'precision':>11}{'recall':>8}"]
    text += [_row(name, scores) for name, scores in _rows(result).items()]
    text.append(_line("predicted/true volume", result.voxels.volume_ratio, ".2f"))
    text.append(_line("tip error, median", result.tip_errors.median, "+.2f", " voxels along the crack (+ short)"))
    text.append(_line("tip error, 90 %", result.tip_errors.p90, ".2f", " voxels"))
    text.append(_line("tips unmatched", result.tip_errors.unmatched, ".3f"))
    if result.void is not None:
        text.append(_line("void bias", result.void.bias, "+.3f", f" (true labels {result.void.label_bias:+.3f})"))
    text += _overlaps(result)
    text.append(_alarms(result, "false alarms", result.alarms))
    if result.pores_known:
        text += [_alarms(result, f"  {name}", getattr(result.alarms, name)) for name in ("pores", "rest")]
    return [*text, *_apertures(result), f"True tips from {result.tips_from}."]


def _rows(result: Evaluation) -> dict[str, Scores]:
    rows = {"centre line, 2 voxels": result.centreline, "voxels, 2 voxels": result.voxels}
    if result.open_centreline is not None and result.open_voxels is not None:
        rows[f"centre line, open ≥ {result.dont_care:g}"] = result.open_centreline
        rows[f"voxels, open ≥ {result.dont_care:g}"] = result.open_voxels
    return rows | {"tips, 4 voxels": result.tips, "objects, 2 voxels": result.objects}


def _overlaps(result: Evaluation) -> list[str]:
    text = [_line("Dice", result.overlap.dice, ".3f"), _line("IoU", result.overlap.iou, ".3f")]
    if result.levels is not None:
        text.append(_line("average precision", average_precision(result.levels), ".3f"))
    text.append(_line("clDice", result.cl_dice.f1, ".3f"))
    text.append(_line("surface Dice, 1 voxel", result.surfaces.dice(), ".3f"))
    text.append(_line("HD95", result.surfaces.hausdorff(), ".2f", " voxels"))
    return [*text, _line("width error", result.widths.error, "+.2f", " voxels")]


def _apertures(result: Evaluation) -> list[str]:
    if result.apertures is None:
        return []
    text = [f"{'true aperture in voxels':24}{'recall':>8}{'chance':>11}{'voxels':>8}"]
    for row in result.apertures.rows:
        if row.voxels:
            name = f"  {row.low:g} to {row.high:g}" if row.high < float("inf") else f"  {row.low:g} and more"
            text.append(f"{name:24}{row.recall:8.3f}{row.chance:11.3f}{row.voxels:8d}")
    return text


def _row(name: str, scores: Scores) -> str:
    return f"{name:24}{scores.f1:8.3f}{scores.precision:11.3f}{scores.recall:8.3f}"


def _line(name: str, value: float | None, form: str, more: str = "") -> str:
    return f"{name:24}{'none' if value is None else format(value, form):>8}{more if value is not None else ''}"


def _alarms(result: Evaluation, name: str, alarms: FalseAlarms) -> str:
    per_mm2 = alarms.per_mm2(result.voxel_size)
    line = _line(name, alarms.per_slice, ".2f", " per slice of 512 x 512 voxels")
    return line if per_mm2 is None else f"{line}, {per_mm2:.2f} per mm²"
