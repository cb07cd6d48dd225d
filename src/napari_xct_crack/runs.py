"""A training run: everything about it lies in one folder."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from . import __version__
from .blocks import identity
from .cracks import CrackGenerator
from .cracks.sheet import SheetCracks
from .errors import InputError, OutputError, writing
from .frames import shown_slices
from .locks import locked
from .methods import Method
from .methods.semisynthetic import SemiSynthetic
from .networks import Network
from .networks._norm import fold
from .networks.halved import Halved
from .patches import PatchSettings
from .records import read_json, read_tensors, write_json, write_tensors
from .settings import Settings
from .volume import Volume

FORMAT = 1
"""Number of the run folder's layout."""
_VERSIONS = {"napari-xct-crack": __version__, "torch": torch.__version__, "python": platform.python_version()}


class TrainSettings(Settings):
    """What makes one training run differ from another; the budget does not."""

    cracks: CrackGenerator = Field(SheetCracks(), description="Crack generation module whose cracks are learnt.")
    method: Method = Field(SemiSynthetic(), description="Way to learn.")
    network: Network = Field(Halved(), description="Network of the segmenter.")
    patches: PatchSettings = Field(PatchSettings(), description="How frames are cut from the scan.")
    start: Literal["random", "simulated"] = Field(
        "random", description="Weights to start from: random, or learnt on simulated scans (halved of width 16)."
    )
    slices: int = Field(
        5, ge=1, le=31, description="Neighbouring slices the segmenter sees, odd; the middle one is segmented."
    )
    batch: int = Field(8, ge=1, le=256, description="Patches in a step.")
    reviews: int = Field(
        2,
        ge=0,
        le=8,
        description="How often, evenly over the budget, the net looks over the scan so that what it takes for crack is not "
        "taught as metal.",
        json_schema_extra={"advanced": True},
    )
    averaging: float = Field(0.07, ge=0, le=1, description="Horizon of the weights' average, share of steps; 0: none.")
    steps_per_epoch: int = Field(50, ge=1, le=100000, description="Steps between two looks at the monitors.")
    seed: int = Field(0, ge=0, description="Seed of everything random.")

    @field_validator("slices")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("the number of slices must be odd")
        return value


@dataclass(frozen=True)
class Segmenter:
    """A trained network ready to segment: (n, slices, h, w) frames to (n, 1, h, w) logits."""

    net: nn.Module
    slices: int
    stride: int
    reach: int
    card: Mapping[str, Any]
    """Grey window and its rule, voxel size, noise, settings, metrics; no paths, no names."""
    identity: str
    """Hash of the weights."""
    folder: Path | None = None
    """Where another process finds it."""


class Run:
    """A run's folder.

    Parameters
    ----------
    folder
        An existing run.
    volume
        The prepared scan it learns from; only training needs it.

    Raises
    ------
    InputError
        If the folder is no run, or one of a newer version.
    """

    def __init__(self, folder: str | Path, volume: Volume | None = None) -> None:
        self.folder = Path(folder).absolute()
        self.volume = volume
        record = self.folder / "settings.json"
        if not record.is_file():
            raise InputError(f"{folder} is not a training run: it holds no settings.json.")
        self.record = read_json(record)
        if self.record.get("format") != FORMAT:
            raise InputError(
                f"{folder} is a run of format {self.record.get('format')}; this version reads format {FORMAT}."
            )
        self.settings = TrainSettings.checked(self.record["settings"])

    @classmethod
    def create(
        cls, folder: str | Path, settings: TrainSettings, volume: Volume, window_rule: Mapping[str, Any] | None = None
    ) -> Run:
        """A new run, or the same one to go on with.

        Parameters
        ----------
        settings
            Of more `slices` than the scan has, as many as it has are used.
        volume
            The prepared scan.
        window_rule
            Settings by which the contrast window was found, for scans to come; none if it was given by hand.

        Raises
        ------
        OutputError
            If the folder holds another run or other files, or cannot be written.
        """
        folder = Path(folder).absolute()
        settings = settings.model_copy(update={"slices": shown_slices(settings.slices, volume.shape[0])})
        record = {
            "format": FORMAT,
            "settings": settings.model_dump(mode="json"),
            "scan": {
                "identity": identity(volume),
                "window": volume.window,
                "window_rule": window_rule,
                "voxel_size": volume.voxel_size,
                "shape": volume.shape,
                "origin": volume.origin,
            },
            "versions": _VERSIONS,
        }
        record = json.loads(json.dumps(record))
        with writing(folder):
            if (folder / "settings.json").exists():
                run = cls(folder, volume)
                if run.settings != settings:
                    run._give_way("other settings")
                elif run.record["scan"] != record["scan"]:
                    run._give_way("another scan, crop or window")
                else:
                    return run
            elif folder.exists() and any(folder.iterdir()):
                raise OutputError(f"{folder} exists and is not a training run; name another folder.")
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "settings.json", record)
        return cls(folder, volume)

    def _give_way(self, other: str) -> None:
        """Let another run take the folder if this one has learnt nothing: its start failed."""
        with self.owned():
            if (self.folder / "checkpoint.safetensors").exists():
                raise OutputError(f"{self.folder} is a run with {other}; name another folder or use --overwrite.")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the run's lock.

        Raises
        ------
        BusyError
            If another process trains it.
        """
        busy = f"{self.folder} is being trained by another process; wait for it or stop it."
        with locked(self.folder / ".lock", busy):
            yield

    def save_model(self, weights: Mapping[str, Tensor], metrics: Mapping[str, Any], look: Mapping[str, Any]) -> None:
        """Write ``model/``: the segmenter as safetensors and a card; it is what people share."""
        folder = self.folder / "model"
        folder.mkdir(exist_ok=True)
        scan = self.record["scan"]
        card = {
            "format": FORMAT,
            "window": scan["window"],
            "window_rule": scan["window_rule"],
            "voxel_size": scan["voxel_size"],
            "scan": scan["identity"],
            "appearance": dict(look),
            "settings": self.record["settings"],
            "versions": self.record["versions"],
            "metrics": dict(metrics),
        }
        write_tensors(folder / "segmenter.safetensors", weights)
        write_json(folder / "card.json", card)

    def segmenter(self, device: str | torch.device = "cpu") -> Segmenter:
        """Load the exported segmenter.

        Raises
        ------
        InputError
            If the run has not been trained yet or its model is damaged.
        """
        return load_segmenter(self.folder, device)


def model_folder(folder: Path) -> Path:
    """The folder with the card: ``model`` of a run, or the folder itself where only that was shared."""
    for place in (folder / "model", folder):
        if (place / "card.json").is_file():
            return place
    Run(folder)  # says so if it is none
    raise InputError(f"{folder} holds no trained model yet; train it first.")


def load_segmenter(folder: Path, device: str | torch.device = "cpu", weights: Path | None = None) -> Segmenter:
    """Load the model of a run, or of a shared folder; `weights` is a snapshot to take in place of its own.

    Raises
    ------
    InputError
        If there is none or it is damaged.
    """
    folder = model_folder(folder)
    card = read_json(folder / "card.json")
    settings = TrainSettings.checked(card["settings"])
    path = weights or folder / "segmenter.safetensors"
    net = settings.network.build(settings.slices)
    try:
        net.load_state_dict(read_tensors(path)[0])
    except RuntimeError as error:
        raise InputError(f"The weights in {path} do not belong to the network that the card names.") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    net = fold(net).eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Segmenter(
        net, settings.slices, settings.network.stride, settings.network.reach, card, digest, folder.absolute()
    )
