"""Section *Clean up*: from the probability to the mask, first on this slice, then out of core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox

from ..blocks.journal import changes
from ..clean import CleanSettings
from ..commands.clean import Clean
from ..errors import InputError, XctCrackError
from ..io import read
from ..volume import Volume
from ._bench import Bench
from ._choices import PathChoice
from ._forms import Form
from ._napari import middle, position
from ._painting import Painting, show_mask, take_back
from ._previews import ADDED, REMOVED, cleaned_slice
from ._section import Section
from ._work import Newest

_PREVIEW = "this slice: cleaned"


class CleanSection(Section):
    """Threshold, close, bridge, fill, open, erode, dilate, remove small: in this order. Then by hand, and undo."""

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
        self.live.setToolTip(
            "Show the middle of the view cleaned (384 pixels wide), anew whenever a setting, the slice or the view changes."
        )
        self.live.toggled.connect(self._live_toggled)
        self.before = QCheckBox("Before")
        self.before.setToolTip(
            "Show the threshold alone; else what cleaning keeps (red), adds (green), removes (blue)."
        )
        self.before.toggled.connect(self.preview)
        self.line(self.live, self.before)
        self.apply_button = self.button("Apply to all", "Clean the whole probability into a new mask.", self.start)
        self.anew = QCheckBox("Replace the mask below")
        self.anew.setToolTip("Clean into that mask anew; Undo brings the old one back.")
        self._copy = self.copy_button()
        self.line(self.apply_button, self.anew, self._copy)
        self._add_hand()
        self.column.addWidget(self.job)
        self._previewing = Newest()
        self._previewing.ready.connect(self._previewed)
        self._previewing.failed.connect(lambda text: self.say(text, wrong=True))
        self._open: dict[Path, Volume] = {}
        self._moves = (bench.viewer.dims.events.point, bench.viewer.scene.camera.events.center)
        for moved in self._moves:
            moved.connect(self._slice_changed)
        self.refresh()

    def _add_hand(self) -> None:
        """What is done to a mask that is there."""
        self.masks = PathChoice(
            "mask", "Masks of this project, newest first.", "another mask, an OME-Zarr folder", read
        )
        self.masks.changed.connect(self._enable)
        self.masks.refused.connect(lambda text: self.say(text, wrong=True))
        self.column.addWidget(self.masks)
        self.painting = Painting(self.bench)
        tip = "Paint on the mask around the middle of the view, up to 512 voxels wide and 17 slices deep."
        self.paint_button = self.button("Paint here", tip, self._paint)
        self.commit_button = self.button("Commit", "Write what was painted into the mask.", self._commit)
        tip = "Take back the last change of the mask: painting, or cleaning that replaced it. It survives a restart."
        self.undo_button = self.button("Undo", tip, self._undo)
        self.line(self.paint_button, self.commit_button, self.undo_button)

    def _enable(self) -> None:
        path, idle = self.masks.path, not self.job.running
        self.paint_button.setEnabled(path is not None and idle)
        self.commit_button.setEnabled(self.painting.layer is not None and idle)
        self.undo_button.setEnabled(path is not None and idle and bool(changes(path)))
        self.anew.setEnabled(path is not None)

    def _paint(self) -> None:
        if self.masks.path is not None:
            self.say(self.painting.open(self.masks.path))
        self._enable()

    def _commit(self) -> None:
        self.running = None
        self.job.follow(self.painting.commit())
        self._enable()

    def _undo(self) -> None:
        if self.masks.path is not None:
            self.painting.close()
            self.say(take_back(self.bench, self.masks.path))
        self._enable()

    def refresh(self) -> None:
        self.sources.offer(self.bench.found("probability*.ome.zarr"))
        self.masks.offer(self.bench.found("mask*.ome.zarr"))
        self._enable()
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
        along, _ = position(self.bench.viewer, layer)
        origin = self.bench.needed().origin if self.bench.scan is not None else (0, 0, 0)
        z, y, x = (
            at + first - own
            for at, first, own in zip(middle(self.bench.viewer, layer), origin, probability.origin, strict=True)
        )
        before = self.before.isChecked()
        self._previewing.request(lambda: cleaned_slice(probability, (z, y, x), along, settings, _PREVIEW, before))

    def _previewed(self, layer: tuple[Any, dict[str, Any], str] | None) -> None:
        if layer is None:
            self.say("The middle of the view lies outside of what was segmented.")
        elif self.live.isChecked():
            added, removed = ((layer[0] == value).sum() for value in (ADDED, REMOVED))
            self.bench.put(*layer)
            self.say("" if self.before.isChecked() else f"Here cleaning adds {added} and removes {removed} pixels.")

    def command(self) -> Clean:
        if self.source is None:
            raise InputError("No probability is chosen; segment a scan first.")
        into = self.masks.path if self.anew.isChecked() else None
        out = into or self.bench.project.free("mask", ".ome.zarr")
        given = {**self.form.get(), "probability": str(self.source), "out": out, "overwrite": into is not None}
        return Clean.checked(given)

    def _job_ended(self, result: object) -> None:
        super()._job_ended(result)
        done = self.running
        if self.job.failure or result == 130:
            return
        if isinstance(done, Clean):
            self.live.setChecked(False)
            self.trying(lambda: self._show(done.out))
        elif isinstance(result, Volume) and result.source is not None:
            self.painting.close()
            show_mask(self.bench, Path(result.source))
            self.say("What was painted is in the mask.")
        self._enable()

    def _show(self, out: Path) -> None:
        self.painting.close()
        show_mask(self.bench, out)
        self.say(f"The mask is {out.name} in {out.parent.name}.")

    def close_work(self) -> None:
        self._previewing.close()
        for moved in self._moves:
            moved.disconnect(self._slice_changed)
