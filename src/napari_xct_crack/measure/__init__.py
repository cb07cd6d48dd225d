"""From a mask to numbers: every component a row, tips and fronts, slices, and the part as a whole.

All of it is taken block by block and joined by the components' numbers, so that the size of the volume does not matter.
What is measured, with formula, unit and source, stands in docs/measurements.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, blocks
from ..blocks._content import content
from ..errors import InputError, OutputError, writing
from ..evaluate._place import common
from ..events import Work
from ..prepare import part_factor
from ..records import read_json, write_json
from ..volume import Box, Volume
from ._census import Census
from ._inputs import Inputs, gathered
from ._labels import count, numbered
from ._limits import MAPS, limit_maps, told
from ._look import look
from ._settings import MeasureSettings
from ._shape import shapes, sphericity
from ._slices import by_slice
from ._summary import summary
from ._survey import Survey, survey
from ._tables import Table, crack_table, front_table, slice_table, tip_table, write_table

__all__ = ["MAPS", "MeasureSettings", "Measured", "measure"]

LABELS, SUMMARY = "cracks.ome.zarr", "summary.json"


@dataclass(frozen=True)
class Measured:
    """What was measured."""

    labels: Volume
    """Number of the component of every voxel: row of `cracks`, counted from 1."""
    cracks: Table
    tips: Table
    fronts: Table
    slices: Table
    summary: dict[str, Any]
    limits: Mapping[int, Volume] = field(default_factory=dict)
    """By the length of a crack in voxels: coarse map of the smallest aperture that could be seen; none without a scan."""


def measure(
    mask: Volume,
    out: str | Path,
    settings: MeasureSettings | None = None,
    *,
    volume: Volume | None = None,
    probability: Volume | None = None,
    part: Volume | None = None,
    overwrite: bool = False,
    executor: Executor | None = None,
) -> Work[Measured]:
    """Measure all cracks and pores of a mask of any size.

    Parameters
    ----------
    mask
        All but 0 is crack or pore.
    out
        Folder for ``cracks.ome.zarr``, ``cracks.csv``, ``tips.csv``, ``fronts.csv``, ``slices.csv``, with a scan
        ``detectability-20.ome.zarr`` and ``detectability-60.ome.zarr``, and, written last, ``summary.json``.
    volume
        The scan; tells openings by missing grey value, and how thin a crack could be seen.
    probability
        Tells how the volumes depend on the threshold, and where tips lie below a voxel.
    part
        Mask of the part; tells distances to the free surface and what volumes are shares of. That of `volume` if none is
        given.
    executor
        Does the boxes of each pass, see :func:`napari_xct_crack.blocks.run`; what is found is the same.

    Raises
    ------
    InputError
        If the mask is a probability, or the others do not cover it.
    OutputError, BusyError
        If the folder holds measurements of other input or other settings, cannot be written or is being written.
    """
    settings, out = settings or MeasureSettings(), Path(out)
    if mask.role == "probability":
        raise InputError(
            f"{mask.name} is a probability; make a mask of it first (clean), or give it as --probability beside a mask."
        )
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; the tables go into a folder.")
    _covered(mask, volume, probability)
    factor = None
    if part is None and volume is not None and volume.part is not None:
        part, factor = volume.part, part_factor(volume)
    given = {"mask": mask, "volume": volume, "probability": probability, "part": part}
    record = _record(settings, given)
    _refuse(out / SUMMARY, record, overwrite)
    with writing(out):
        (out / SUMMARY).unlink(missing_ok=True)
    with _aside(out) as work:
        source = blocks.reachable(mask, executor, work, "mask")
        components, counted = yield from count(source, executor)
        labels = yield from blocks.run(numbered(mask, source, out / LABELS, components, counted, overwrite), executor)
        seen, noise = (None, None) if volume is None else look(volume, part)
        inputs = (yield from gathered(settings, given, factor, seen, noise)).reachable(executor, work)
        surveyed = yield from survey(labels, counted.voxels, inputs, executor=executor)
        result = yield from _joined(labels, counted, surveyed, inputs, settings, executor)
        limits: dict[int, Volume] = {}
        if volume is not None and seen is not None and settings.detectability:
            limits = yield from limit_maps(volume, part, seen, out, overwrite, executor)
    more = {
        "detectability": told(limits, seen),
        "versions": {name: metadata.version(name) for name in ("numpy", "scipy", "scikit-image", "zarr")},
    }
    result = replace(result, summary={**record, **result.summary, **more}, limits=limits)
    with writing(out):
        tables = {"cracks": result.cracks, "tips": result.tips, "fronts": result.fronts, "slices": result.slices}
        for name, table in tables.items():
            write_table(out / f"{name}.csv", table)
        write_json(out / SUMMARY, result.summary)
    return result


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder in the output for what other processes need, gone in the end."""
    work = out.absolute() / ".work"  # other processes work elsewhere
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _covered(mask: Volume, *others: Volume | None) -> None:
    """Whether the others show all of the mask."""
    box = Box.of(mask.shape).shifted(mask.origin)
    for other in others:
        if other is not None and common(mask, other) != box:
            raise InputError(
                f"{other.name} (shape {other.shape} at {other.origin}) does not cover all of {mask.name} (shape "
                f"{mask.shape} at {mask.origin})."
            )


def _record(settings: MeasureSettings, given: Mapping[str, Volume | None]) -> dict[str, Any]:
    """What the measurements follow from."""
    mask = given["mask"]
    return {
        "version": __version__,
        "unit": "um" if mask is not None and mask.voxel_size else "voxel",
        "settings": settings.model_dump(mode="json"),
        "inputs": {name: None if volume is None else _fingerprint(volume) for name, volume in given.items()},
    }


def _fingerprint(volume: Volume) -> dict[str, Any]:
    """What is told of an input: no path, for tables are shared."""
    return {
        "name": volume.name,
        "shape": list(volume.shape),
        "origin": list(volume.origin),
        "voxel_size_um": volume.voxel_size and list(volume.voxel_size),
        "sha256": hashlib.sha256(json.dumps(content(volume)).encode()).hexdigest(),
    }


def _refuse(path: Path, record: Mapping[str, Any], overwrite: bool) -> None:
    if path.exists() and not overwrite:
        stands = read_json(path)
        if any(stands.get(name) != value for name, value in record.items()):
            raise OutputError(
                f"{path.parent} holds measurements of another input or with other settings; give another folder, or "
                "--overwrite to replace them."
            )


def _joined(
    labels: Volume,
    counted: Census,
    surveyed: Survey,
    inputs: Inputs,
    settings: MeasureSettings,
    executor: Executor | None,
) -> Work[Measured]:
    """The tables, once components are told apart."""
    size, single = inputs.size, labels.shape[0] == 1
    formed = shapes(counted.spread, size, single)
    volume = (counted.voxels * float(np.prod(size))).astype(np.float64)
    round_ = sphericity(volume, surveyed.surface[1:], size[0] if single else None)
    sheet = (formed.flatness < settings.flatness) | (round_ < settings.sphericity)
    is_crack = sheet & (counted.voxels >= settings.smallest)
    slices = yield from by_slice(labels, np.concatenate([[False], is_crack]), inputs, executor)
    kinds = np.where(is_crack, "crack", "pore")
    table = crack_table(counted, formed, surveyed, kinds, inputs, labels.origin)
    table["sphericity"] = round_
    table["tips"] = np.bincount(slices.tips[:, 0].astype(int), minlength=len(counted) + 1)[1:]
    known = np.full(len(counted), inputs.free is not None)
    table["depth"] = np.where(known, surveyed.depth[1:], np.nan)
    table["surface_breaking"] = np.where(known, np.where(surveyed.depth[1:] <= inputs.mouth, "true", "false"), "")
    first = labels.origin[0]
    whole = summary(table, surveyed, slices, size, inputs.probability is not None, first)
    return Measured(labels, table, tip_table(slices), front_table(surveyed), slice_table(slices, first), whole)
