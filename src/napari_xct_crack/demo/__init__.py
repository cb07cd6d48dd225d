"""The whole pipeline on a phantom, scored beside methods that need no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt

from .. import presets
from ..budget import Budget
from ..clean import CleanSettings, clean
from ..errors import writing
from ..evaluate import evaluate
from ..events import Progress, Said, Saved, Work, finish
from ..inference import SegmentSettings, segment
from ..io import ome_zarr, read
from ..peers import PEERS, peers
from ..phantom import PhantomSettings, make
from ..prepare import PrepareSettings, part_at, prepare
from ..records import read_json, write_json
from ..runs import Run, TrainSettings
from ..settings import Settings
from ..training import train
from ..volume import Volume
from ._report import Shown, report
from ._standing import Contest, Entrant

__all__ = ["Contest", "DemoSettings", "demo"]

PRESET = "quick"
RIM = 5
"""Voxels under the part's surface that are scored for nobody: there the blur of the surface is dark as a crack is."""


class DemoSettings(Settings):
    """What the demo is made of; the threshold is a fixed one, 0.5, and nothing of ours is chosen on the truth."""

    phantom: PhantomSettings = Field(PhantomSettings(), description="The simulated scan.")
    minutes: float | None = Field(None, gt=0, description="Time to train; as in the preset if not given.")
    device: str = Field("auto", description="Where to compute: auto (CUDA where it is there), cpu, cuda, cuda:1, mps.")


@dataclass(frozen=True)
class Data:
    """What is scored: the scan, its truth and its part, with voxels in memory, shape (z, y, x)."""

    scan: Volume
    truth: Volume
    grey: NDArray[Any]
    labels: NDArray[Any]
    part: Volume


def demo(out: Path, settings: DemoSettings | None = None, training: TrainSettings | None = None) -> Work[Contest]:
    """Simulate a scan, train, segment, clean, run the peers, score all and write a report.

    What an earlier call with the same settings has finished is kept, so a stopped demo goes on.

    Parameters
    ----------
    out
        Folder for ``phantom``, ``run``, ``probability.ome.zarr``, ``mask.ome.zarr``, ``peers``, ``metrics.json`` and
        ``report.html``.
    training
        How to train; the preset ``quick`` if not given.

    Raises
    ------
    XctCrackError
        As the stages raise it, e.g. if the folder holds a demo of other settings.
    """
    settings = settings or DemoSettings()
    preset = presets.load(PRESET)
    if training is None:
        training = TrainSettings.checked({name: preset[name] for name in TrainSettings.model_fields if name in preset})
    yield Said("Simulating a scan of known truth.")
    folder = yield from make(settings.phantom, out / "phantom")
    scan = prepare(read(folder / "scan.ome.zarr"))
    run = Run.create(out / "run", training, scan, window_rule=PrepareSettings().model_dump(mode="json"))
    yield Said("Training on the scan alone, without its truth.")
    yield from train(run, Budget(minutes=settings.minutes or preset["minutes"]), settings.device)
    probability = yield from segment(run, scan, out / "probability.ome.zarr", SegmentSettings(device=settings.device))
    cleaning = CleanSettings().settled(scan.shape)
    mask = yield from clean(probability, cleaning, out / "mask.ome.zarr")
    data = _data(scan, read(folder / "truth.ome.zarr"))
    others = yield from _peers(out / "peers", data, cleaning.min_size or 0)
    contest, masks = yield from _scored(data, mask, probability, others)
    record = {"settings": settings.model_dump(mode="json"), "training": run.record, **contest.record()}
    write_json(out / "metrics.json", record)
    yield Saved(str(out / "metrics.json"), 0)
    report(
        out / "report.html", contest, Shown(data.grey, data.labels, scan.window or (0, 1), masks), run.folder, record
    )
    yield Saved(str(out / "report.html"), 0)
    return contest


def _data(scan: Volume, truth: Volume) -> Data:
    inside = distance_transform_edt(part_at(scan)) > RIM
    part = Volume.from_array(inside.view(np.uint8), role="mask", voxel_size=scan.voxel_size, name="part")
    return Data(scan, truth, scan.read(), truth.read(), part)


def _peers(folder: Path, data: Data, least: int) -> Work[list[tuple[Mapping[str, Any], Volume]]]:
    """The peers' masks, cleaned as ours, each in a store of its own, and what is known of them."""
    record = folder / "peers.json"
    if not record.exists():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield Said("Running the methods that need no training.")
        entries = []
        for number, peer in enumerate(peers(data.grey, data.labels, data.part.read() > 0, least), 1):
            file = f"{number}.ome.zarr"
            ome_zarr.write(folder / file, peer.mask, role="mask", voxel_size=data.scan.voxel_size, overwrite=True)
            entries.append({"name": peer.name, "threshold": peer.threshold, "tuned": peer.tuned, "mask": file})
            yield Progress(number, PEERS, "peers")
        write_json(record, {"peers": entries})
    return [(entry, read(folder / entry["mask"])) for entry in read_json(record)["peers"]]


def _scored(
    data: Data, mask: Volume, probability: Volume, others: Sequence[tuple[Mapping[str, Any], Volume]]
) -> Work[tuple[Contest, dict[str, NDArray[np.bool_]]]]:
    """All scores, and all masks by name."""
    yield Progress(0, len(others) + 1, "methods scored")
    result = finish(evaluate(mask, data.truth, probability=probability, part=data.part))
    ours = Entrant("ours, no labels, p >= 0.5", result, 0.5, tuned=False)
    entrants, masks = [], {ours.name: mask.read() > 0}
    for entry, volume in others:
        yield Progress(len(masks), len(others) + 1, "methods scored")
        result = finish(evaluate(volume, data.truth, part=data.part))
        entrants.append(Entrant(entry["name"], result, entry["threshold"], entry["tuned"]))
        masks[entry["name"]] = volume.read() > 0
    yield Progress(len(masks), len(others) + 1, "methods scored")
    return Contest(ours, tuple(entrants)), masks
