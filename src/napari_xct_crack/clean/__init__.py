"""Probability to mask, in a fixed order: threshold or hysteresis, close, bridge, fill holes, open, erode, dilate, remove small.

A radius is the half axis of a ball (an ellipsoid where voxels are anisotropic, a disc of the slice in 2-D). Beyond the
ends of the volume nothing is crack, yet nothing is worn away from there: a crack that runs out of the volume stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import blocks
from ..components import Components, neighbours
from ..events import Warned, Work, finish
from ..io.ome_zarr import layout
from ..settings import Length, VoxelSize
from ..volume import Box, Triple, Volume
from ._morphology import Mask, Radii
from ._settings import CleanSettings
from ._stages import Action, Global, Local, OnBox, Read, Step, above, at_border

__all__ = ["CleanSettings", "clean", "clean_array", "reach"]

_LENGTHS: tuple[Action, ...] = ("closing", "bridging", "opening", "erosion", "dilation")


def clean_array(
    array: NDArray[Any], settings: CleanSettings | None = None, voxel_size: VoxelSize | None = None
) -> NDArray[np.uint8]:
    """Clean a probability in memory.

    Parameters
    ----------
    array
        Shape (z, y, x): uint8 with p = v / 255, float with p = v, or a boolean mask.
    voxel_size
        µm along z, y, x; needed for lengths in µm only.

    Returns
    -------
    NDArray[np.uint8]
        0/1, same shape.

    Raises
    ------
    InputError
        If the type is no probability.
    SettingsError
        If a length is in µm and the voxel size is unknown.
    """
    volume = Volume.from_array(array)
    for stage in _passes((settings or CleanSettings()).settled(volume.shape), voxel_size):
        on_box = finish(stage.begin(volume.shape, volume.read, volume.shape))
        volume = Volume.from_array(on_box(Box.of(volume.shape)))
    return volume.read().astype(np.uint8)


def clean(
    probability: Volume,
    settings: CleanSettings | None,
    out: str | Path,
    *,
    overwrite: bool = False,
    executor: Executor | None = None,
) -> Work[Volume]:
    """Clean a probability of any size into a 0/1 OME-Zarr; equal to :func:`clean_array` of the whole.

    Parameters
    ----------
    probability
        uint8 with p = v / 255 or float with p = v; in a volume with role mask or labels, all but 0 is crack.
    out
        A folder that ends in ``.ome.zarr``; it gets the probability's voxel size and place.
    overwrite
        Replace a mask that stands there; :func:`napari_xct_crack.blocks.journal.undo` brings it back.
    executor
        Does the boxes of each pass, see :func:`napari_xct_crack.blocks.run`.

    Raises
    ------
    InputError
        If the type is no probability.
    SettingsError
        If a length is in µm and the voxel size is unknown.
    OutputError, BusyError
        If the output exists with other content, cannot be written or is being written.
    """
    settings = (settings or CleanSettings()).settled(probability.shape)
    if probability.role not in ("mask", "labels"):
        above(np.zeros(0, probability.dtype), settings.threshold)
    stages = _passes(settings, probability.voxel_size)
    if probability.role == "image":
        yield Warned(f"{probability.name} is not marked as a probability; its values are taken as one.")
    yield from _without_effect(settings, probability.voxel_size)
    chunk, shard = layout(probability.shape, 1)

    def plan(path: Path, source: Volume, stages: list[Local | Global], replace: bool) -> blocks.Plan:
        def start(work: Path) -> Work[blocks.Compute]:
            before = blocks.reachable(source, executor, work)
            if stages[:-1]:
                before = yield from blocks.run(plan(work / f"{len(stages)}.zarr", before, stages[:-1], False), executor)
            kept = work / "components.npz"
            on_box = yield from stages[-1].begin(source.shape, _reader(before), shard, kept, executor)
            return (yield from blocks.at_once(partial(_as_numbers, on_box))(work))

        return blocks.Plan(
            out=path,
            shape=probability.shape,
            dtype=np.uint8,
            role="mask",
            voxel_size=probability.voxel_size,
            offset=probability.origin,
            start=start,
            made_from=(probability,),
            settings=settings.model_dump(mode="json"),
            chunk=chunk,
            shard=shard,
            what="cleaning" if path == Path(out) else f"cleaning, pass {len(stages)}",
            overwrite=replace,
            undoable=True,
        )

    return (yield from blocks.run(plan(Path(out), probability, stages, overwrite), executor))


def _as_numbers(on_box: OnBox, box: Box) -> NDArray[np.uint8]:
    return on_box(box).astype(np.uint8)


def reach(settings: CleanSettings, voxel_size: VoxelSize | None) -> Triple:
    """How many voxels around along z, y, x decide on a voxel, what acts on whole cracks aside."""
    halos = [stage.halo for stage in _passes(settings, voxel_size) if isinstance(stage, Local)]
    z, y, x = (sum(halo[axis] for halo in halos) for axis in range(3))
    return (z, y, x)


def _reader(volume: Volume) -> Read:
    return partial(_any, volume) if volume.role in ("mask", "labels") else volume.read


def _any(volume: Volume, box: Box) -> Mask:
    result: Mask = volume.read(box) != 0
    return result


def _without_effect(settings: CleanSettings, voxel_size: VoxelSize | None) -> Iterator[Warned]:
    for name in _LENGTHS:
        length: Length = getattr(settings, name)
        if length.value and max(_radii(length, settings, voxel_size)) < 1:
            yield Warned(f"The {name} of {length} is less than one voxel, so it does nothing.")


def _radii(length: Length, settings: CleanSettings, voxel_size: VoxelSize | None) -> Radii:
    z, y, x = length.voxels(voxel_size) if length.value else (0.0, 0.0, 0.0)
    return (z if settings.dimensions == "3d" else 0.0, y, x)


def _passes(settings: CleanSettings, voxel_size: VoxelSize | None) -> list[Local | Global]:
    """The passes in their order; local steps that follow each other are one pass."""
    steps = []
    for name in _LENGTHS:
        radii = _radii(getattr(settings, name), settings, voxel_size)
        if max(radii) >= 1:
            steps.append(Step(name, radii, settings.bridging_angle))
    stages: list[Local | Global] = []
    if settings.hysteresis is not None:
        stages.append(_hysteresis(settings.hysteresis, settings))
    before = [step for step in steps if step.action in ("closing", "bridging")]
    after = [step for step in steps if step not in before]
    if settings.fill_holes:
        if before:
            stages.append(Local(settings.threshold, tuple(before)))
        stages.append(_filling(settings))
        before = []
    if before or after:
        stages.append(Local(settings.threshold, (*before, *after)))
    if settings.min_size is not None and settings.min_size > 1:
        stages.append(_sizing(settings))
    return stages or [Local(settings.threshold)]


def _hysteresis(low: float, settings: CleanSettings) -> Global:
    split = partial(_two, low, settings.threshold)
    return Global("hysteresis", neighbours(settings.dimensions, True), split, _marked)


def _two(low: float, high: float, values: NDArray[Any], box: Box, shape: Any) -> tuple[Mask, Mask]:
    return above(values, low), above(values, high)


def _filling(settings: CleanSettings) -> Global:
    split = partial(_outside, settings.threshold, (0, 1, 2) if settings.dimensions == "3d" else (1, 2))
    return Global("holes", neighbours(settings.dimensions, False), split, _marked, background=True)


def _outside(threshold: float, axes: tuple[int, ...], values: NDArray[Any], box: Box, shape: Any) -> tuple[Mask, Mask]:
    outside = ~above(values, threshold)
    return outside, outside & at_border(box, shape, axes)


def _marked(found: Components) -> NDArray[np.bool_]:
    return found.marked


def _sizing(settings: CleanSettings) -> Global:
    structure = neighbours(settings.dimensions, True)
    return Global("sizes", structure, partial(_one, settings.threshold), partial(_large, settings.min_size or 0))


def _one(threshold: float, values: NDArray[Any], box: Box, shape: Any) -> tuple[Mask, None]:
    return above(values, threshold), None


def _large(size: int, found: Components) -> NDArray[np.bool_]:
    return found.sizes >= size
