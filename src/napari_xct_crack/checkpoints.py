"""All state of a training as named tensors and rows of a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .methods import Learner
from .patches import Patches
from .records import read_tensors, write_tensors

SNAPSHOTS = 12
"""Most snapshots of a run."""


@dataclass
class State:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    seconds_per_step: float = 0.0
    probe: int = 12
    """Steps until the speed was known."""
    batch: int = 0
    reviews: int = 0
    monitors: dict[str, float] = field(default_factory=dict)


def write_checkpoint(path: Path, state: State, learner: Learner, average: nn.Module, patches: Patches) -> None:
    """All that a run needs to go on, in one file, replaced atomically."""
    tensors = dict(tensors_of(learner, average))
    if state.reviews:
        for number, slab in enumerate(patches.slabs):
            tensors[f"doubtful/{number}"] = torch.from_numpy(np.packbits(slab.doubtful))
            tensors[f"found/{number}"] = torch.from_numpy(np.packbits(slab.found))
    write_tensors(path, tensors, {"state": json.dumps(asdict(state))})


def read_checkpoint(path: Path, learner: Learner, average: nn.Module, patches: Patches) -> State:
    """Put everything back as it was written."""
    tensors, metadata = read_tensors(path)
    state = State(**json.loads(metadata["state"]))
    load_tensors(learner, average, tensors)
    if state.reviews:
        patches.doubt_as(_masks("doubtful", tensors))
        if sure := _masks("found", tensors):  # a checkpoint of an earlier version has none
            patches.believe(sure)
    return state


def _masks(name: str, tensors: dict[str, Tensor]) -> list[NDArray[np.bool_]]:
    """One mask for each slab, in their order, its voxels in a row and a few more."""
    count = sum(key.startswith(f"{name}/") for key in tensors)
    return [np.unpackbits(tensors[f"{name}/{number}"].numpy()).astype(bool) for number in range(count)]


def write_snapshot(run: Path, average: nn.Module, step: int) -> None:
    """Keep the averaged segmenter of a step, in half precision; of too many, those stay that are spread by factors."""
    folder = run / "snapshots"
    folder.mkdir(exist_ok=True)
    half = {name: v.half() if v.is_floating_point() else v for name, v in average.state_dict().items()}
    write_tensors(folder / f"step-{step:07d}.safetensors", half)
    kept = snapshots(run)
    while len(kept) > SNAPSHOTS:
        steps = list(kept)
        crowded = min(range(1, len(steps) - 1), key=lambda place: steps[place + 1] / steps[place - 1])
        kept.pop(steps[crowded]).unlink()


def snapshots(run: Path) -> dict[int, Path]:
    """The snapshots in a run's folder by their steps, first to last."""
    return {int(path.stem.rpartition("-")[2]): path for path in sorted(run.glob("snapshots/step-*.safetensors"))}


def move_average(average: nn.Module, live: nn.Module, step: int, horizon: float) -> None:
    """Exponential moving average of the segmenter with a horizon that is a share of the steps so far."""
    keep, state = 1 - 1 / (horizon * (step - 1) + 1), live.state_dict()
    for name, value in average.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(state[name], 1 - keep)
        else:
            value.copy_(state[name])


def tensors_of(learner: Learner, average: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All state of a learner by name."""
    for name, module in {**learner.modules, "average": average}.items():
        yield from ((f"modules/{name}/{key}", value) for key, value in module.state_dict().items())
    for name, optimizer in learner.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            yield from ((f"optimizers/{name}/{index}/{key}", torch.as_tensor(value)) for key, value in values.items())
    yield from ((f"pools/{name}", value) for name, value in learner.pools.items())


def load_tensors(learner: Learner, average: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put the state of :func:`tensors_of` back."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

    for name, module in {**learner.modules, "average": average}.items():
        module.load_state_dict(under(f"modules/{name}/"))
    for name, optimizer in learner.optimizers.items():
        state: dict[int, dict[str, Any]] = {}
        for key, value in under(f"optimizers/{name}/").items():
            index, _, entry = key.partition("/")
            state.setdefault(int(index), {})[entry] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    learner.pools.update(under("pools/"))  # a history is made on first use


def bytes_of(learner: Learner, average: nn.Module) -> float:
    """About what a run's folder takes on the disk: the checkpoint, the model, and all snapshots in half precision."""
    model = sum(value.nbytes for value in average.state_dict().values())
    return float(sum(value.nbytes for _, value in tensors_of(learner, average)) + model + SNAPSHOTS * model / 2)


def append_rows(path: Path, rows: list[dict[str, float]]) -> None:
    if not rows:
        return
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


def cut_rows(path: Path, step: int) -> None:
    """Drop rows past a step: a kill may fall between the checkpoint and them."""
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        path.unlink()
        append_rows(path, rows)  # type: ignore[arg-type]
