"""Train a segmenter on a scan without labels, or go on with a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from pydantic import Field, model_validator

from .. import processes
from ..budget import Budget
from ..corrections import FILE, read_corrections, write_corrections
from ..errors import writing
from ..events import Finished, Said, Work
from ..heap import keep
from ..io import read
from ..prepare import PrepareSettings, prepare
from ..runs import Run, TrainSettings
from ..start import start_from
from ..training import train
from ..volume import Volume
from . import Corners, Positional, ReadsVolume, box_of


class Train(ReadsVolume, TrainSettings, Budget):
    """Train a segmenter on a scan without labels, or go on with a run."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = (("minutes", "epochs"),)
    patient: ClassVar[bool] = True

    run_: Annotated[Path, Positional] = Field(alias="run", description="Folder of the run; made, or gone on with.")
    preset: str | None = Field(None, description="Settings to start from.")
    mechanism: str | None = Field(None, description="Mechanism of cracking whose settings of the cracks to start from.")
    crop: Corners | None = Field(None, description="Learn from this box only: Z0 Y0 X0 Z1 Y1 X1, in voxels.")
    window: tuple[float, float] | None = Field(
        None, description="Grey values shown as black and white; swapped where cracks are brighter than metal."
    )
    part: str | None = Field(None, description="Mask of the part; found if it is not given.")
    prepare: PrepareSettings = Field(PrepareSettings(), description="How part and window are found.")
    corrections: Path | None = Field(
        None,
        description="JSON of patches that are known to be cracked or crack-free; copied into the run, which obeys it.",
    )
    start_from: Path | None = Field(
        None,
        description="Earlier run, or its model, whose weights a new run starts from; of the same network and number of slices.",
    )
    device: str = Field("auto", description="Where to compute: auto (CUDA where it is there), cpu, cuda, cuda:1, mps.")
    overwrite: bool = Field(False, description="Replace a run that exists.")

    @classmethod
    def default_preset(cls) -> str:
        """``gpu`` where CUDA is there, else ``quick``."""
        return "gpu" if torch.cuda.is_available() else "quick"

    @model_validator(mode="after")
    def _one_budget(self) -> Train:
        if self.minutes is not None and self.epochs is not None:
            raise ValueError("give minutes or epochs, not both")
        return self

    @property
    def settings(self) -> TrainSettings:
        """What makes this run differ from another."""
        return TrainSettings.checked({name: getattr(self, name) for name in TrainSettings.model_fields})

    def scan(self) -> Volume:
        """The scan with its crop, part and window."""
        part = read(self.part) if self.part else None
        return prepare(self.open(), self.prepare, crop=box_of(self.crop), window=self.window, part=part)

    def run(self) -> Work[Run]:
        """Prepare the scan, make the run or find it, and train until the budget is used."""
        where = f"preset {self.preset}" if self.preset else "no preset"
        yield Said(
            f"Training by {where}: method {self.method.kind}, network {self.network.kind}, cracks {self.cracks.kind}."
        )
        keep()
        scan = self.scan()
        yield from map(Said, scan.notes)
        with processes.together():
            with processes.leader_first():
                run = self._opened(scan)
            yield from train(run, Budget(minutes=self.minutes, epochs=self.epochs), self.device)
        yield Finished(str(run.folder))
        return run

    def _opened(self, scan: Volume) -> Run:
        """The run's folder, made or gone on with; of several processes the leading one writes it."""
        leads = processes.leads()
        if leads and self.overwrite and self.run_.exists():
            self._remove()
        rule = None if self.window else self.prepare.model_dump(mode="json")
        run = Run.create(self.run_, self.settings, scan, window_rule=rule)
        if leads and self.corrections is not None:
            write_corrections(run.folder / FILE, read_corrections(self.corrections))
        if leads and self.start_from is not None:
            start_from(run, self.start_from)
        return run

    def _remove(self) -> None:
        """Remove the old run, which must be one and must not be at work."""
        with Run(self.run_).owned():
            pass
        with writing(self.run_):
            shutil.rmtree(self.run_)
