"""Section *Clean up*: from the probability to the mask, first on this slice, then out of core."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox

from ..clean import CleanSettings
from ..commands.clean import Clean
from ..errors import InputError, XctCrackError
from ..io import read
from ..volume import Volume
from ._bench import Bench
from ._choices import PathChoice
from ._forms import Form
from ._napari import position
from ._previews import cleaned_slice
from ._section import Section
from ._work import Newest

_PREVIEW, _MASK = "this slice: cleaned", "cleaned cracks"


class CleanSection(Section):
    """Threshold, close, fill, open, erode, dilate, remove small: in this order."""

    title = "Clean up"
    purpose = "Turns the probability into a mask; the steps act in the order in which they stand here."
    step = Clean

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        tip = "Probabilities of this project, newest first."
        self.sources = PathChoice("from", tip, "another probability or mask, an OME-Zarr folder", read)
        self.sources.changed.connect(self.preview)
        self.sources.refused.connect(lambda text: self.say(text, wrong=True))
        self.column.addWidget(self.sources)
        self.form = Form(CleanSettings)
        self.form.changed.connect(self.preview)
        self.column.addWidget(self.form)
        self.live = QCheckBox("Preview on this slice")
        self.live.setToolTip("Show the cleaned slice anew whenever a setting or the slice changes.")
        self.live.toggled.connect(self._live_toggled)
        self.column.addWidget(self.live)
        self.apply_button = self.button("Apply to all", "Clean the whole probability into a new mask.", self.start)
        self._copy = self.copy_button()
        self.line(self.apply_button, self._copy)
        self.column.addWidget(self.job)
        self._previewing = Newest()
        self._previewing.ready.connect(self._previewed)
        self._previewing.failed.connect(lambda text: self.say(text, wrong=True))
        self._open: dict[Path, Volume] = {}
        bench.viewer.dims.events.point.connect(self._slice_changed)
        self.refresh()

    def refresh(self) -> None:
        self.sources.offer(self.bench.found("probability*.ome.zarr"))
        ready = self.source is not None
        self.live.setEnabled(ready)
        self.apply_button.setEnabled(ready and not self.job.running)
        self._copy.setEnabled(ready)
        if not ready:
            self.say("Segment a scan first, or choose a probability with Other….")
        elif not self.job.failure:
            self.say("")

    @property
    def source(self) -> Path | None:
        """The chosen store."""
        return self.sources.path

    def _probability(self) -> Volume:
        path = self.source
        if path is None:
            raise InputError("No probability is chosen; segment a scan first.")
        if path not in self._open:
            self._open[path] = read(path)
        return self._open[path]

    def _live_toggled(self, on: bool) -> None:
        layers = self.bench.viewer.layers
        if not on and _PREVIEW in layers:
            layers.remove(_PREVIEW)
        self.preview()

    def _slice_changed(self, event: Any = None) -> None:
        if self.live.isChecked() and self.isVisible():
            self.preview()

    def preview(self) -> None:
        """Clean the slice that is shown, in the background, if the preview is on."""
        try:
            settings = self.form.settings()
            if not self.live.isChecked() or self.source is None:
                return
            probability, layer = self._probability(), self.bench.layer
        except XctCrackError as error:
            self.say(str(error), wrong=True)
            return
        if layer is None:
            return
        along, at = position(self.bench.viewer, layer)
        start = (self.bench.needed().origin[along] if self.bench.scan is not None else 0) - probability.origin[along]
        self._previewing.request(lambda: cleaned_slice(probability, along, at + start, settings, _PREVIEW))

    def _previewed(self, layer: tuple[Any, dict[str, Any], str] | None) -> None:
        if layer is None:
            self.say("This slice lies outside of what was segmented.")
        elif self.live.isChecked():
            self.bench.put(*layer)
            self.say("")

    def command(self) -> Clean:
        if self.source is None:
            raise InputError("No probability is chosen; segment a scan first.")
        out = self.bench.project.free("mask", ".ome.zarr")
        return Clean.checked({**self.form.get(), "probability": str(self.source), "out": out})

    def _job_ended(self, result: object) -> None:
        super()._job_ended(result)
        done = self.running
        if isinstance(done, Clean) and not self.job.failure and result != 130:
            self.live.setChecked(False)
            self.trying(lambda: self._show(done.out))

    def _show(self, out: Path) -> None:
        self.bench.show(replace(read(out), name=_MASK))
        self.say(f"The mask is {out.name} in the project folder.")

    def close_work(self) -> None:
        self._previewing.close()
        self.bench.viewer.dims.events.point.disconnect(self._slice_changed)
