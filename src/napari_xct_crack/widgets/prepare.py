"""Section *Prepare*: crop, part and contrast window, all of them views of the scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtWidgets import QCheckBox

from ..errors import XctCrackError
from ..prepare import PrepareSettings, find_part, fit_to_part, grey_histogram, prepare
from ..volume import Box, Volume
from ._bench import Bench
from ._crop import CropEditor
from ._forms import Form
from ._layers import part_layer
from ._plots import GreyPlot
from ._section import Section, caption
from ._work import Newest

_PART = "part"
_Found = tuple[Volume, Volume | None, tuple[Any, Any]]


class PrepareSection(Section):
    """Draw the crop; the part and the window follow."""

    title = "Prepare"
    purpose = "Chooses the part of the scan and the contrast to work with; nothing is copied."

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.draw = self.button("Draw on slice", "Draw a rectangle on the slice that is shown.", self._draw)
        self.fit = self.button("Fit to part", "The smallest crop that holds the metal.", self._fit)
        self.whole = self.button("Whole scan", "No crop.", self._whole)
        self.line(self.draw, self.fit, self.whole)
        self.crop = CropEditor(bench)
        self.crop.edited.connect(lambda _: self.prepare())
        self.crop.refused.connect(lambda text: self.say(text, wrong=True))
        self.column.addWidget(self.crop)
        self.form = Form(PrepareSettings)
        self.form.changed.connect(self.prepare)
        self.column.addWidget(self.form)
        self.window_says = caption("", "Grey values shown as black and white, and the share of the part.")
        self.column.addWidget(self.window_says)
        self.greys = GreyPlot()
        self.greys.hide()
        self.column.addWidget(self.greys)
        self.show_part = QCheckBox("Show the part")
        self.show_part.setToolTip("Show what was taken as the part as a labels layer.")
        self.show_part.toggled.connect(self._show_part)
        self.column.addWidget(self.show_part)
        self._work = Newest()
        self._work.ready.connect(self._prepared)
        self._work.failed.connect(lambda text: self.say(text, wrong=True))
        self._scan: Volume | None = None
        self._part: tuple[PrepareSettings, Volume | None] | None = None
        self.refresh()

    def refresh(self) -> None:
        scan = self.bench.scan
        for widget in (self.draw, self.fit, self.whole, self.crop, self.form, self.show_part):
            widget.setEnabled(scan is not None)
        if scan is None:
            self.say("Open a scan in the section Volume first.")
        elif scan is not self._scan:
            self._scan, self._part = scan, None
            settings, box = self._recalled(Box.of(scan.shape))
            self.crop.show_scan(scan, box)
            self.form.set(settings or {})  # tells that it changed, which prepares the scan

    def _recalled(self, whole: Box) -> tuple[PrepareSettings | None, Box]:
        """The settings and the crop this project had last, as far as they fit the scan."""
        if self.bench.folder is None:
            return None, whole
        kept = self.bench.project.recall().get("prepare", {})
        try:
            settings = PrepareSettings.checked(kept.get("settings", {}))
            box = Box(tuple(kept["start"]), tuple(kept["stop"]))
        except (XctCrackError, KeyError, TypeError):
            return None, whole
        return settings, box if box.size and whole.contains(box) else whole

    def prepare(self) -> None:
        """Find part and window for what the controls show, in the background."""
        scan = self.bench.scan
        if scan is None or self._scan is not scan:
            return
        try:
            settings = self.form.settings()
        except XctCrackError as error:
            self.say(str(error), wrong=True)
            return
        box, part = self.crop.box, self._part
        crop = None if box == Box.of(scan.shape) else box
        self.say("Looking for the part and its contrast …")
        self._work.request(lambda: (scan, crop, settings, _prepare(scan, crop, settings, part)))

    def _prepared(self, found: tuple[Volume, Box | None, PrepareSettings, _Found]) -> None:
        scan, crop, settings, (prepared, part, histogram) = found
        if scan is not self.bench.scan:
            return
        self._part = (settings, part)
        assert prepared.window is not None
        low, high = prepared.window
        notes = " ".join(part.notes) if part is not None else "The whole crop counts as part."
        self.window_says.setText(f"Window {low:.6g} to {high:.6g}. {notes}")
        self.greys.show_greys(*histogram, prepared.window)
        self.greys.show()
        self.say("Crop and contrast are set; they are views, nothing was copied.")
        self.bench.prepare(prepared, crop, settings)
        self._show_part(self.show_part.isChecked())
        self.remember()

    def remember(self) -> None:
        if self.bench.folder is None or not self.bench.folder.exists():
            return
        box = self.crop.box
        values = {"start": box.start, "stop": box.stop, "settings": self.form.settings().model_dump(mode="json")}
        self.trying(lambda: self.bench.project.remember("prepare", values))

    def _draw(self) -> None:
        self.bench.needed()
        self.say("Drag a rectangle over the slice; the numbers below follow.")
        self.crop.draw()

    def _fit(self) -> None:
        prepared = self.bench.ready()
        whole = self.bench.needed()
        self.crop.set(fit_to_part(replace(whole, part=prepared.part)))
        self.prepare()

    def _whole(self) -> None:
        self.crop.set(Box.of(self.bench.needed().shape))
        self.prepare()

    def _show_part(self, shown: bool) -> None:
        layers = self.bench.viewer.layers
        prepared = self.bench.prepared
        if shown and prepared is not None and prepared.part is not None:
            self.bench.put(*part_layer(prepared, _PART))
        elif _PART in layers:
            layers.remove(_PART)

    def close_work(self) -> None:
        self._work.close()


def _prepare(
    scan: Volume, crop: Box | None, settings: PrepareSettings, known: tuple[PrepareSettings, Volume | None] | None
) -> _Found:
    """The prepared scan, its part, which is looked for anew only where it would come out differently, and its greys."""
    part: Volume | None = None
    if settings.find_part:
        same = known is not None and known[1] is not None and _same_part(known[0], settings)
        part = known[1] if same and known is not None else find_part(scan, settings)
    prepared = prepare(replace(scan, part=part, window=None), settings, crop=crop)
    return prepared, part, grey_histogram(prepared)


def _same_part(one: PrepareSettings, other: PrepareSettings) -> bool:
    names = ("find_part", "closing", "invert")
    return all(getattr(one, name) == getattr(other, name) for name in names)
