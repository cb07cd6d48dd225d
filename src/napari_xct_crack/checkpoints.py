"""All state of a training as named tensors and rows of a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .methods import Learner


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
