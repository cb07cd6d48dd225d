"""What a segmenter starts from: random weights, weights that ship with the package, or those of an earlier run."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from .errors import InputError
from .events import Said
from .records import read_json, read_tensors, write_tensors
from .runs import Run, TrainSettings, load_segmenter, model_folder

FILE = "start.safetensors"
"""Weights of an earlier run, in the folder of one that starts from them."""


def begun(segmenter: nn.Module, run: Run) -> list[Said]:
    """Give a new run's segmenter the weights that it starts from; says so unless they are random."""
    if (run.folder / "checkpoint.safetensors").exists():
        return []
    if (run.folder / FILE).exists():
        segmenter.load_state_dict(read_tensors(run.folder / FILE)[0])
        return [Said("The segmenter starts from the weights of an earlier run.")]
    if run.settings.start == "random":
        return []
    network = run.settings.network
    weights = network.learnt(run.settings.slices)
    if weights is None:
        return [Said(f"There are no learnt weights for this network {network.kind}; it starts from random ones.")]
    segmenter.load_state_dict(weights)
    return [Said("The segmenter starts from weights learnt on simulated scans.")]


def start_from(run: Run, earlier: Path) -> None:
    """Let a new run start from the weights of an earlier one, or of a model that was shared; they are copied into it.

    Raises
    ------
    InputError
        If there are none, they are damaged, or they belong to another network or number of slices.
    """
    load_segmenter(earlier)  # refuses weights that do not fit their card
    settings = settings_of(earlier)
    if (settings.network, settings.slices) != (run.settings.network, run.settings.slices):
        raise InputError(
            f"{earlier} has the network {settings.network.kind} and {settings.slices} slices; a run that starts from it "
            "needs the same network, of the same width, and as many slices."
        )
    if not (run.folder / "checkpoint.safetensors").exists():
        write_tensors(run.folder / FILE, read_tensors(model_folder(earlier) / "segmenter.safetensors")[0])


def settings_of(folder: Path) -> TrainSettings:
    """What a run's model, or a shared one, was trained with.

    Raises
    ------
    InputError
        If there is no model or its card is damaged.
    """
    return TrainSettings.checked(read_json(model_folder(folder) / "card.json")["settings"])
