"""Section *Train*: start, stop and go on; losses, monitors and log while it runs in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel

from .. import presets
from ..commands.train import Train
from ..events import EpochEnd, Event, Preview, StepDone
from ..methods import Method
from ..monitors import words
from ..runs import Run, TrainSettings
from ._bench import Bench
from ._devices import device_names, device_text, install_line
from ._earlier import EarlierRun
from ._editor import calm
from ._feedback import Feedback
from ._fold import Fold
from ._forms import Form
from ._patches import PatchBrowser
from ._plots import LossPlot
from ._section import Section, caption

_MONITORS = {
    "share_cracked": "crack share on cracked frames {:.2%}",
    "share_crack_free": "on crack-free frames {:.2%}",
    "share_masks": "in the drawn masks {:.2%}",
    "found_of_rendered": "{:.0%} of rendered cracks found",
    "image_gap": "image discriminator ahead by {:.2f} of 1",
    "mask_gap": "mask discriminator ahead by {:.2f} of 1",
}


class TrainSection(Section):
    """Train on the prepared scan, without labels."""

    title = "Train"
    purpose = "Learns to mark cracks from this scan and drawn cracks; no labels are needed."
    step = Train

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.preset = self._combo(presets.names(), "Settings to start from.")
        self.preset.setCurrentText(Train.default_preset())
        self.preset.currentTextChanged.connect(self._preset_chosen)
        self.method = self._combo(sorted(Method.kinds()), "Way to learn; the preset chooses one.")
        self.method.currentTextChanged.connect(self._method_chosen)
        self.line(QLabel("preset"), self.preset, stretch=1)
        self.line(QLabel("method"), self.method, stretch=1)
        self.budget = QDoubleSpinBox()
        self.budget.setRange(0.1, 1000000)
        self.budget.setDecimals(1)
        self.budget.setToolTip("How long to train; give more later to go on with the same run.")
        calm(self.budget)
        self.unit = self._combo(["minutes", "epochs"], "What the number counts.")
        self.device = self._combo(device_names(), "Where to compute; auto is CUDA where it is there.")
        self.line(QLabel("for"), self.budget, self.unit, stretch=1)
        self.line(QLabel("on"), self.device, stretch=1)
        self._say_device()
        self.cracks_say = caption("", "Which cracks are learnt.")
        self.column.addWidget(self.cracks_say)
        self.form = Form(TrainSettings, skip=["cracks"])
        self.form.changed.connect(lambda: self.method.setCurrentText(self.form["method"].get()["kind"]))
        self.column.addWidget(Fold("All settings", "Of the method, the network and the patches.", self.form))
        self.patches = PatchBrowser(bench, self._settings)
        self.patches.said.connect(lambda text, wrong: self.say(text, wrong=wrong))
        tip = "Which patches count as cracked and as crack-free; put right by a click."
        self.column.addWidget(Fold("Patches", tip, self.patches))
        self.earlier = EarlierRun(self.form)
        self.earlier.refused.connect(lambda text: self.say(text, wrong=True))
        self.column.addWidget(self.earlier)
        self.runs = self._combo([], "A new run, or one of this project to go on with.")
        self.line(QLabel("run"), self.runs, stretch=1)
        self.start_button = self.button("Start", "Train in a process of its own; napari stays usable.", self.start)
        self._copy = self.copy_button()
        self.line(self.start_button, self._copy)
        self._add_progress()
        self.runs.currentIndexChanged.connect(self._run_chosen)
        self._cracks: Any = None
        self._preset_chosen(self.preset.currentText())
        self.refresh()

    def _say_device(self) -> None:
        """What there is to compute on, and how to get CUDA where it is missing."""
        self.column.addWidget(caption(device_text(), "The device that auto takes, and the build of torch."))
        if install := install_line():
            line = caption(install, "Quit napari, then paste this into a terminal with napari's environment.")
            line.setTextInteractionFlags(line.textInteractionFlags().TextSelectableByMouse)
            self.column.addWidget(Fold("With an NVIDIA card, install torch for CUDA", line.toolTip(), line))

    def _add_progress(self) -> None:
        """The job; losses, monitors and the feedback patch, shown once there are any."""
        self.column.addWidget(self.job)
        self.job.told.connect(self._told)
        self._done = 0.0
        self.plot = LossPlot()
        self.plot.hide()
        self.column.addWidget(self.plot)
        self.monitors = caption("", "Shares of crack that tell, without labels, how the training goes.")
        self.monitors.hide()
        self.column.addWidget(self.monitors)
        self.feedback = Feedback()
        self.column.addWidget(self.feedback)

    def _combo(self, entries: list[str], tip: str) -> QComboBox:
        combo = QComboBox()
        combo.addItems(entries)
        combo.setToolTip(tip)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)
        calm(combo)
        return combo

    def _preset_chosen(self, name: str) -> None:
        """Show the preset's settings."""
        values = presets.load(name)
        budget = {key: values.pop(key) for key in ("minutes", "epochs") if key in values}
        settings = TrainSettings.checked(values)
        self._cracks = settings.cracks
        self.form.set(settings)
        unit, value = next(iter(budget.items()), ("minutes", 5.0))
        self.unit.setCurrentText(unit)
        self.budget.setValue(value)
        self.earlier.fit()
        self._say_cracks()

    def _method_chosen(self, kind: str) -> None:
        if self.form["method"].get()["kind"] != kind:
            self.form["method"].set({"kind": kind})

    def _say_cracks(self) -> None:
        where = "the section Cracks" if self.bench.cracks is not None else "the preset"
        self.cracks_say.setText(f"Cracks: {self.cracks.kind}, as in {where}.")

    @property
    def cracks(self) -> Any:
        """The generator whose cracks are learnt."""
        return self.bench.cracks if self.bench.cracks is not None else self._cracks

    def refresh(self) -> None:
        self._say_cracks()
        self._list_runs()
        ready = self.bench.prepared is not None
        self.start_button.setEnabled(ready and not self.job.running)
        self._copy.setEnabled(ready)
        if not ready:
            self.say("Open a scan and prepare it first." if self.bench.scan is None else "Prepare the scan first.")
        elif self.job.running:
            self.say("Training; Stop saves what was learnt, Start goes on with it.")
        elif not self.job.failure:
            self.say("")

    def _list_runs(self) -> None:
        found = [path.parent for path in self.bench.found("*/settings.json")]
        self.earlier.offer_trained(found)
        listed = [self.runs.itemData(number) for number in range(1, self.runs.count())]
        if self.runs.count() and listed == found:
            return
        blocked = self.runs.blockSignals(True)
        self.runs.clear()
        self.runs.addItem("new run", None)
        for path in found:
            self.runs.addItem(f"go on with {path.name}", path)
        if self._run_folder in found:
            self.runs.setCurrentIndex(found.index(self._run_folder) + 1)
        self.runs.blockSignals(blocked)
        self._run_chosen()

    def _run_chosen(self) -> None:
        """A run to go on with brings its own settings."""
        folder = self.runs.currentData()
        self.start_button.setText("Go on" if folder is not None else "Start")
        self.earlier.setEnabled(folder is None)
        self.earlier.fit()
        self.feedback.open(folder)
        if isinstance(folder, Path):
            self.trying(lambda: self._show_run(folder))

    def _show_run(self, folder: Path) -> None:
        settings = Run(folder).settings
        self._cracks = settings.cracks
        self.form.set(settings)

    @property
    def _run_folder(self) -> Path | None:
        """The run that is trained, or was trained last."""
        return self.running.run_ if isinstance(self.running, Train) else None

    def command(self) -> Train:
        prepared, crop = self.bench.ready(), self.bench.crop
        assert prepared.window is not None
        going_on: Path | None = self.runs.currentData()
        settings, corrections = self._settings(), self.patches.path
        values = {
            **self.bench.reading(),
            **{name: getattr(settings, name) for name in TrainSettings.model_fields},
            "run": going_on or self.bench.project.free("run"),
            "preset": self.preset.currentText(),
            self.unit.currentText(): self.budget.value(),
            "crop": None if crop is None else (*crop.start, *crop.stop),
            "prepare": self.bench.prepared_by,
            "device": self.device.currentText(),
            "start_from": None if going_on else self.earlier.path,
            "corrections": corrections if corrections is not None and corrections.exists() else None,
        }
        return Train.checked(values)

    def _settings(self) -> TrainSettings:
        """What makes the run that would be started differ from others."""
        going_on = self.runs.currentData() is not None
        settings: TrainSettings = self.form.settings(cracks=self._cracks if going_on else self.cracks)
        return settings

    def start(self) -> None:
        super().start()
        self.plot.clear()
        self.monitors.setText("")
        self.feedback.open(self._run_folder)

    def _told(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, StepDone):
                self._done = event.step / event.total if event.total else 0.0
                self.plot.add(event.step, event.losses)
                if not self.plot.isVisibleTo(self):
                    self.plot.show()
                    QTimer.singleShot(0, lambda: self.reveal(self.plot))  # once it has its place
            elif isinstance(event, EpochEnd):
                self.monitors.show()
                self.monitors.setText(" ".join([_in_words(event), *words(event.monitors, self._done)]))
            elif isinstance(event, Preview):
                self.feedback.open(self._run_folder)

    def _job_ended(self, result: object) -> None:
        super()._job_ended(result)
        self.bench.changed.emit()

    def close_work(self) -> None:
        self.patches.close_work()


def _in_words(event: EpochEnd) -> str:
    known = [text.format(event.monitors[name]) for name, text in _MONITORS.items() if name in event.monitors]
    other = [f"{name} {value:.3g}" for name, value in event.monitors.items() if name not in _MONITORS]
    return f"Step {event.step}: " + ", ".join([*known, *other]) + "."
