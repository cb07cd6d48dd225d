"""Section *Cracks*: choose crack generation modules, see at once what they draw, and compare it with the scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLabel, QPushButton, QSpinBox

from .. import presets
from ..commands.cracks import Cracks
from ..cracks import CrackGenerator
from ..cracks.sheet import SheetCracks
from ..errors import XctCrackError
from ..settings import in_unit
from ._bench import Bench
from ._editor import calm
from ._forms import KindForm
from ._gallery import COUNT, SIDE, Gallery
from ._realism import RealismView
from ._section import Section

_JSON = "Settings of cracks (*.json)"


class CracksSection(Section):
    """Settings of the generator, a contact sheet, the same cracks in real patches, and how real they look."""

    title = "Cracks"
    purpose = "Draws the synthetic cracks that are learnt; move a slider and look at the contact sheet."
    step = Cracks

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._choices()
        self.form = KindForm(CrackGenerator)
        self.form.set(SheetCracks())
        self.form.changed.connect(self.draw)
        self.column.addWidget(self.form)
        self._drawing_line()
        self._scan_lines()
        self.realism = RealismView()
        self.column.addWidget(self.realism)
        self.job.ended.connect(self._compared)
        self.gallery = Gallery(bench)
        self.gallery.said.connect(self.say)
        self.gallery.failed.connect(lambda text: self.say(text, wrong=True))
        self._keeping = QTimer(self)
        self._keeping.setSingleShot(True)
        self._keeping.setInterval(500)
        self._keeping.timeout.connect(self.remember)
        self.refresh()
        self._recall()

    def _choices(self) -> None:
        """Where settings come from and go to, and the unit of their lengths."""
        self.mechanism = QComboBox()
        self.mechanism.addItems(["own settings", *presets.mechanisms()])
        self.mechanism.setToolTip("Settings for cracks that arise by one mechanism.")
        self.mechanism.activated.connect(lambda _: self.trying(self._take_mechanism))
        self.unit = QComboBox()
        self.unit.addItems(["voxels", "µm"])
        self.unit.setToolTip("Show all lengths in this unit; a single one can be typed in either: 3 or 1.5um.")
        self.unit.activated.connect(lambda _: self.trying(self._take_unit))
        for combo in (self.mechanism, self.unit):
            calm(combo)
        self.line(self.mechanism, QLabel("lengths in"), self.unit, stretch=0)
        save = self.button("Save…", "Write the settings of the cracks to a JSON file.", self._save)
        load = self.button("Load…", "Read the settings of the cracks from a JSON file.", self._load)
        self._copy = self.copy_button()
        self.line(save, load, self._copy)

    def _drawing_line(self) -> None:
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip("Seed of the random numbers: another seed draws other cracks.")
        calm(self.seed)
        self.seed.valueChanged.connect(self.draw)
        another = QPushButton("Another")
        another.setToolTip("Draw with the next seed.")
        another.clicked.connect(lambda: self.seed.setValue(self.seed.value() + 1))
        self.live = QCheckBox("live")
        self.live.setToolTip("Draw the contact sheet anew whenever a setting changes.")
        self.live.setChecked(True)
        tip = "Draw crack masks beside the scan and look at them."
        self.show_sheet = self.button("Contact sheet", tip, self._show)
        self.line(QLabel("seed"), self.seed, another, self.show_sheet, self.live, stretch=1)

    def _scan_lines(self) -> None:
        self.render_button = self.button("Render into this scan", "", self.render)
        self.compare_button = self.button("Compare", "", self.compare)
        self.calibrate_button = self.button("Calibrate", "", self.calibrate)
        self.line(self.render_button, self.compare_button, self.calibrate_button)
        self.column.addWidget(self.job)

    def refresh(self) -> None:
        known = self.bench.scan is not None and self.bench.scan.voxel_size is not None
        self.unit.setEnabled(known)
        ready, idle = self.bench.prepared is not None, not self.job.running
        for button, tip, can in (
            (
                self.render_button,
                "Put the cracks into real patches of the prepared scan, beside patches as they are.",
                ready,
            ),
            (
                self.compare_button,
                "Compare rendered cracks with those of the scan: widths, lengths, noise …",
                ready and idle,
            ),
            (
                self.calibrate_button,
                "Set number and opening of the cracks from the scan; sheet or random.",
                ready and idle,
            ),
        ):
            button.setEnabled(can)
            button.setToolTip(tip if ready else f"{tip} Prepare a scan first.")

    def generator(self) -> CrackGenerator:
        """The generator that the form shows.

        Raises
        ------
        SettingsError
            If a value does not fit.
        """
        values = self.form.get()
        return CrackGenerator.named(values["kind"]).checked(values)

    def command(self) -> Cracks:
        values = {
            "out": "cracks.png",
            "cracks": self.generator(),
            "count": COUNT,
            "size": (SIDE, SIDE),
            "seed": self.seed.value(),
            "voxel_size_um": self._voxel_size,
        }
        return Cracks.checked(values)

    @property
    def _voxel_size(self) -> Any:
        return self.bench.scan.voxel_size if self.bench.scan is not None else None

    def draw(self) -> None:
        """Take the settings, and draw the contact sheet if it is shown."""
        try:
            generator = self.generator()
        except XctCrackError as error:
            self.say(str(error), wrong=True)
            return
        self.bench.cracks = generator
        self.say(" ".join(generator.warnings(self._voxel_size)))
        self._keeping.start()
        name = self.mechanism.currentText()
        if self.mechanism.currentIndex() and generator != _of(presets.mechanism(name)):
            self.mechanism.setCurrentIndex(0)
        if self._voxel_size is not None:
            self.unit.setCurrentIndex(int(in_unit(generator, "um", self._voxel_size) == generator))
        if self.live.isChecked() and self.gallery.shows_sheet:
            self.gallery.draw(generator, self.seed.value())

    def _take_mechanism(self) -> None:
        if self.mechanism.currentIndex():
            self.form.set(_of(presets.mechanism(self.mechanism.currentText())))

    def _take_unit(self) -> None:
        self.form.set(in_unit(self.generator(), ("voxel", "um")[self.unit.currentIndex()], self._voxel_size))

    def _save(self) -> None:
        generator = self.generator()
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the settings of the cracks", self._place("cracks.json"), _JSON
        )
        if name:
            generator.save(Path(name))
            self.say(f"Saved; a command takes it with --settings {Path(name).name}.")

    def _load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load settings of cracks", self._place(""), _JSON)
        if name:
            self.form.set(CrackGenerator.load(Path(name)))
            self.say(f"Loaded {Path(name).name}.")

    def _place(self, name: str) -> str:
        return str(self.bench.folder / name) if self.bench.folder is not None else name

    def _show(self) -> None:
        self.gallery.draw(self.generator(), self.seed.value(), look=True)

    def render(self) -> None:
        """Put the cracks into patches of the scan, in the background."""
        self.gallery.render(self.bench.ready(), self.generator(), self.seed.value())

    def compare(self) -> None:
        """Compare rendered cracks with those of the scan, in a thread."""
        from ..realism import realism

        self._follow(realism(self.bench.ready(), self.generator(), self.seed.value()))

    def calibrate(self) -> None:
        """Set the generator from the scan, in a thread."""
        from ..realism import calibrate

        self._follow(calibrate(self.bench.ready(), self.generator(), self.seed.value()))

    def _follow(self, work: Any) -> None:
        self.job.follow(work)
        self.refresh()

    def _compared(self, result: Any) -> None:
        if not self.job.failure:
            self.job.hide()  # what it said is shown below, or at the top
        if hasattr(result, "plots"):
            self.realism.show_result(result)
            self.reveal(self.realism)
        elif hasattr(result, "generator"):
            self.form.set(result.generator)
            self.say(" ".join(result.sentences))

    def remember(self) -> None:
        folder = self.bench.folder
        if folder is not None and folder.exists():
            values = {"cracks": json.loads(self.generator().model_dump_json()), "seed": self.seed.value()}
            self.trying(lambda: self.bench.project.remember("cracks", values))

    def _recall(self) -> None:
        kept = self.bench.project.recall().get("cracks", {}) if self.bench.folder is not None else {}
        try:
            if kept.get("cracks", {}).get("kind"):
                self.form.set(_of(kept["cracks"]))
        except XctCrackError as error:
            self.say(f"What the project remembers of the cracks does not fit any more: {error}", wrong=True)
        self.bench.cracks = self.generator()

    def hideEvent(self, event: QHideEvent) -> None:
        # Another section is opened.
        super().hideEvent(event)
        self.gallery.leave()

    def close_work(self) -> None:
        self.gallery.close()


def _of(values: dict[str, Any]) -> CrackGenerator:
    return CrackGenerator.named(values["kind"]).checked(values)
