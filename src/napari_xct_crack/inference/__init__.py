"""Segment a scan of any size with a trained run: probability as uint8, p = v / 255."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import blocks
from ..devices import device_named
from ..errors import InputError, SettingsError
from ..events import Said, Work, finish
from ..io.ome_zarr import is_absent, slab_layout
from ..networks._turned import Turned
from ..prepare import part_factor
from ..runs import Run, Segmenter, load_segmenter
from ..volume import Box, Triple, Volume
from ._match import window_for
from ._predict import Predictor
from ._settings import SegmentSettings

__all__ = ["SegmentSettings", "preview", "segment"]

SLAB_BYTES = 2**28
"""Most that a slab of the result takes in memory."""

_AXES = {"z": 0, "y": 1, "x": 2}


def segment(
    run: Run | Segmenter,
    volume: Volume,
    out: str | Path,
    settings: SegmentSettings | None = None,
    *,
    overwrite: bool = False,
    executor: Executor | None = None,
) -> Work[Volume]:
    """Segment a volume into an OME-Zarr of crack probability, slab by slab.

    The result is the same whatever the crop, the slabs and the tiles: a net sees what lies around the crop, and its
    tiles start on multiples of its stride counted from the scan's origin.

    Parameters
    ----------
    run
        A trained run, or its segmenter.
    volume
        The scan in its own grey values; its crop and part are obeyed; outside the part and in its outermost voxels the probability is 0.
    out
        A folder that ends in ``.ome.zarr``; it gets the crop's shape, and its place in the scan as translation.
    executor
        Does the slabs, see :func:`napari_xct_crack.blocks.run`; each of its processes opens the run's folder and chooses
        its device by itself.

    Returns
    -------
    Volume
        uint8, p = v / 255.

    Raises
    ------
    InputError
        If the run holds no model, or the part does not fit the scan.
    SettingsError
        If the device is not there or has too little memory.
    OutputError, BusyError
        If the output exists with other content, cannot be written or is being written.
    """
    settings = settings or SegmentSettings()
    segmenter, predictor = yield from _prepared(run, volume, settings)
    plans = _Plans(segmenter, volume, predictor, settings, executor)
    plan = plans.mean(Path(out)) if settings.normal == "all" else plans.along(Path(out), settings.normal)
    return (yield from blocks.run(replace(plan, overwrite=overwrite), executor))


def preview(
    run: Run | Segmenter, volume: Volume, box: Box, settings: SegmentSettings | None = None
) -> NDArray[np.uint8]:
    """Probability times 255 in a box of the volume, in memory; equal to what :func:`segment` writes there."""
    settings = settings or SegmentSettings()
    _, predictor = finish(_prepared(run, volume, settings))
    names = ("z", "y", "x") if settings.normal == "all" else (settings.normal,)
    return _mean([finish(predictor(name).predict(box)) for name in names])


def _prepared(
    run: Run | Segmenter, volume: Volume, settings: SegmentSettings
) -> Work[tuple[Segmenter, Callable[[str], Predictor]]]:
    """The segmenter on its device, and what makes a predictor for one normal; says device and window."""
    device = device_named(settings.device)
    segmenter = run.segmenter(device) if isinstance(run, Run) else replace(run, net=run.net.to(device))
    segmenter = _asked(segmenter, settings.turns)
    yield Said(f"Segmenting on {device}.")
    window = yield from window_for(volume, segmenter.card)
    return segmenter, lambda normal: Predictor(segmenter, volume, window, _AXES[normal], device)


class _Plans:
    """The stores that segmenting fills."""

    def __init__(
        self,
        segmenter: Segmenter,
        volume: Volume,
        predictor: Callable[[str], Predictor],
        settings: SegmentSettings,
        executor: Executor | None,
    ) -> None:
        self.segmenter, self.volume, self.predictor = segmenter, volume, predictor
        self.settings, self.executor = settings, executor

    def along(self, out: Path, normal: str) -> blocks.Plan:
        """Slices along one normal, in slabs of whole slices."""

        def start(work: Path) -> Work[blocks.Compute]:
            predictor = self.predictor(normal)
            return predictor.predict if self.executor is None else self._elsewhere(predictor, work)
            yield

        axis = _AXES[normal]
        sides = self.volume.shape
        chunk, shard = slab_layout(_swapped(sides, axis), 1, SLAB_BYTES)
        box = list(sides)
        box[axis] = shard[0]
        return self._plan(out, normal, start, _swapped(chunk, axis), _swapped(shard, axis), (box[0], box[1], box[2]))

    def mean(self, out: Path) -> blocks.Plan:
        """The mean of the three normals, each of which is a store of its own until all is done."""

        def start(work: Path) -> Work[blocks.Compute]:
            found = []
            for normal in _AXES:
                found.append((yield from blocks.run(self.along(work / f"{normal}.zarr", normal), self.executor)))
            return (yield from blocks.at_once(partial(_mean_in, tuple(found)))(work))

        return self._plan(out, "all", start, None, None, None)

    def _elsewhere(self, predictor: Predictor, work: Path) -> _Elsewhere:
        volume = blocks.reachable(self.volume, self.executor, work)
        if self.segmenter.folder is None:
            raise SettingsError("A segmenter that is in memory only cannot be sent to other processes; give its run.")
        net = (self.segmenter.folder, self.segmenter.identity, self.settings.device, self.settings.turns)
        return _Elsewhere(*net, volume, predictor.window, predictor.normal)

    def _plan(
        self,
        out: Path,
        normal: str,
        start: Callable[[Path], Work[blocks.Compute]],
        chunk: Triple | None,
        shard: Triple | None,
        box: Triple | None,
    ) -> blocks.Plan:
        volume = self.volume
        return blocks.Plan(
            out=out,
            shape=volume.shape,
            dtype=np.uint8,
            role="probability",
            voxel_size=volume.voxel_size,
            offset=volume.origin,
            start=start,
            made_from=(volume,) if volume.part is None else (volume, volume.part),
            settings={
                "segmenter": self.segmenter.identity,
                "window": self.predictor("z").window,
                "normal": normal,
                "turns": self.settings.turns,
            },
            what="segmenting" if normal == "all" else f"segmenting along {normal}",
            wanted=lambda box: _holds_part(volume, box) and not is_absent(volume, box),
            chunk=chunk,
            shard=shard,
            box=box,
        )


@dataclass(frozen=True)
class _Elsewhere:
    """A predictor told in a few words to another process, which opens net and scan once."""

    model: Path
    identity: str
    device: str
    turns: bool
    volume: Volume
    window: tuple[float, float]
    normal: int

    def __call__(self, box: Box) -> Work[NDArray[np.uint8]]:
        segmenter = _asked(_loaded(self.model, self.identity, self.device), self.turns)
        device = device_named(self.device)
        return (yield from Predictor(segmenter, self.volume, self.window, self.normal, device).predict(box))


@lru_cache(1)
def _loaded(model: Path, identity: str, device: str) -> Segmenter:
    segmenter = load_segmenter(model, device_named(device))
    if segmenter.identity != identity:
        raise InputError(f"The model in {model} is another one now; start again.")
    return segmenter


def _asked(segmenter: Segmenter, turns: bool) -> Segmenter:
    """The segmenter as the settings want its net to be asked."""
    return replace(segmenter, net=Turned(segmenter.net)) if turns else segmenter


def _swapped(sides: Triple, axis: int) -> Triple:
    """Sides with z and another axis exchanged."""
    swapped = list(sides)
    swapped[0], swapped[axis] = sides[axis], sides[0]
    return (swapped[0], swapped[1], swapped[2])


def _mean(arrays: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Mean, rounded half up."""
    total: NDArray[np.uint16] = np.sum(np.stack(arrays), axis=0, dtype=np.uint16)
    return np.asarray((2 * total + len(arrays)) // (2 * len(arrays)), np.uint8)


def _mean_in(volumes: tuple[Volume, ...], box: Box) -> NDArray[np.uint8]:
    return _mean([volume.read(box) for volume in volumes])


def _holds_part(volume: Volume, box: Box) -> bool:
    """Whether any of the part lies in a box, by the coarse mask alone."""
    if volume.part is None:
        return True
    place, factor = box.shifted(volume.crop.start), part_factor(volume)
    cells = tuple(slice(a // by, -(-b // by)) for a, b, by in zip(place.start, place.stop, factor, strict=True))
    return bool(np.any(volume.part.levels[0][cells]))
