"""Section *Inspect*: measure a mask, then look at its cracks in tables, charts, slices and in 3-D."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QCheckBox, QFileDialog, QMenu, QPushButton, QVBoxLayout, QWidget

from ..commands import Command, ReadsVolume
from ..commands._history import made_from
from ..commands.export import Export
from ..commands.measure import Measure
from ..errors import InputError
from ..inspection import finished, load, require
from ..io import read
from ..measure import Measured, MeasureSettings
from ._bench import Bench
from ._choices import PathChoice
from ._fold import Fold
from ._forms import Form
from ._look import Look
from ._section import Section, side_by_side
from ._work import Newest

_FORMATS = "TIFF stack (*.tif);;Surface (*.stl);;Surface with numbers (*.ply)"


class InspectSection(Section):
    """Measure, choose, look, export."""

    title = "Inspect"
    purpose = "Measures every crack of a mask; choose one in the table or in the view to look at it."
    step = Measure

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._folder: Path | None = None
        self._scan = bench.scan
        self._build_measuring()
        self._build_looking()
        self._loading = Newest()
        self._loading.ready.connect(self._loaded)
        self._loading.failed.connect(lambda text: self.say(text, wrong=True))
        self.refresh()

    def _build_measuring(self) -> None:
        self.masks = self._choice(
            "mask", "Masks of this project, newest first.", "another mask, an OME-Zarr folder", read
        )
        self.with_scan = QCheckBox("with the scan")
        self.with_scan.setToolTip("Measure openings below a voxel too, by the grey value that is missing in the scan.")
        self.with_probability = QCheckBox("with its probability")
        self.with_probability.setToolTip("Say how the volume fractions depend on the threshold of the probability.")
        for box in (self.with_scan, self.with_probability):
            box.setChecked(True)
        self.form = Form(MeasureSettings)
        settings = Fold("Settings", "What counts as a crack, and how it is measured.", self.form)
        self.measure_button = self.button("Measure", "Measure all of the mask into a new folder.", self.start)
        self._copy = self.copy_button()
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(8, 0, 0, 0)
        for row in (
            (self.masks,),
            (self.with_scan, self.with_probability),
            (settings,),
            (self.measure_button, self._copy),
            (self.job,),
        ):
            column.addLayout(side_by_side(*row))
        self.measuring = Fold("Measure", "Measure a mask; folded away once measurements are open.", holder)
        self.measuring.open(True)
        self.column.addWidget(self.measuring)

    def _build_looking(self) -> None:
        tip = "Measurements of this project, newest first."
        self.folders = self._choice("measured", tip, "another folder of measurements", require)
        self.open_button = self.button("Open", "Show these measurements.", self.open)
        self.line(self.folders, self.open_button, stretch=0)
        self.look = Look(self.bench)
        self.look.said.connect(self.say)
        self.look.refused.connect(lambda text: self.say(text, wrong=bool(text)))
        self.column.addWidget(self.look, 1)
        self.export_button = QPushButton("Export")
        self.export_button.setToolTip("Write the cracks for other programs: TIFF stack, STL or PLY.")
        self.export_button.setMenu(self._exports())
        self.report_button = self.button("Open report", "Open the report of these measurements.", self.open_report)
        self.line(self.export_button, self.report_button)

    def _choice(self, word: str, tip: str, other: str, check: Callable[[Path], object]) -> PathChoice:
        made = PathChoice(word, tip, other, check)
        made.changed.connect(self.refresh)
        made.refused.connect(lambda text: self.say(text, wrong=True))
        return made

    def _exports(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Numbered cracks…", lambda: self.trying(lambda: self._export(self._labels())))
        menu.addAction("Mask…", lambda: self.trying(lambda: self._export(self._mask())))
        return menu

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()  # other sections have written masks meanwhile

    def refresh(self) -> None:
        if self.bench.scan is not self._scan:
            self._scan = self.bench.scan
            self.look.fill(None)
        self.masks.offer(self.bench.found("mask*.ome.zarr"))
        self.folders.offer([path.parent for path in self.bench.found("measurements-*/summary.json")])
        idle, mask = not self.job.running, self.masks.path is not None
        self.measure_button.setEnabled(mask and idle)
        self._copy.setEnabled(mask)
        self.with_scan.setEnabled(self._scan_words() is not None)
        self.with_probability.setEnabled(self._probability() is not None)
        self.open_button.setEnabled(self.folders.path is not None)
        shown = self.look.measured is not None
        self.report_button.setEnabled(shown)
        self.export_button.setEnabled((shown or mask) and idle)
        if not mask and not shown:
            self.say("Clean up a probability first, or choose a mask with Other….")
        elif not self.job.failure:
            self.say("")

    def _mask(self) -> str:
        if self.masks.path is None:
            raise InputError("No mask is chosen; clean up a probability first.")
        return str(self.masks.path)

    def _labels(self) -> str:
        if self.look.measured is None:
            raise InputError("No measurements are open; measure a mask, or open some.")
        return str(self.look.measured.labels.source)

    def _scan_words(self) -> dict[str, Any] | None:
        """How the measuring finds the scan; none where it cannot be told in its words."""
        if self.bench.scan is None or self.bench.scan.source is None:
            return None
        usual = {name: field.default for name, field in ReadsVolume.model_fields.items()}
        words = {name: value for name, value in self.bench.reading().items() if value != usual[name]}
        return words if set(words) <= {"volume", "voxel_size_um"} else None

    def _probability(self) -> str | None:
        """What the mask was made from, by the project's history."""
        if self.masks.path is None or self.bench.folder is None:
            return None
        found = made_from(self.bench.folder, self.masks.path)
        known = found is not None and Path(found).name.startswith("probability") and Path(found).exists()
        return found if known else None

    def command(self) -> Measure:
        values: dict[str, Any] = {
            **self.form.get(),
            "mask": self._mask(),
            "out": self.bench.project.free("measurements"),
        }
        if self.with_scan.isChecked():
            values |= self._scan_words() or {}
        if self.with_probability.isChecked():
            values["probability"] = self._probability()
        values["part"] = next(map(str, self.bench.found("part.ome.zarr")), None)
        return Measure.checked(values)

    def is_unfinished(self, out: Path) -> bool:
        return out.is_dir() and not finished(out)

    def _export(self, source: str) -> None:
        self.bench.project.made()
        out, _ = QFileDialog.getSaveFileName(self, "Export", str(self.bench.project.folder / "cracks.tif"), _FORMATS)
        if out:
            # The dialog has asked whether a file that exists is to be replaced.
            self._run(Export.checked({"source": source, "out": out, "overwrite": Path(out).exists()}))

    def _job_ended(self, result: object) -> None:
        super()._job_ended(result)
        done: Command | None = self.running
        if self.job.failure or result == 130:
            return
        if isinstance(done, Measure):
            self.folders.take(done.out)
            self.open()
        elif isinstance(done, Export):
            self.say(f"{done.out.name} is written.")

    def open(self) -> None:
        """Read the chosen measurements in the background and show them."""
        folder = self.folders.path
        if folder is None:
            raise InputError("No measurements are chosen; measure a mask first.")
        self.say(f"Opening {folder.name} …")
        self._loading.request(lambda: (folder, load(folder)))

    def _loaded(self, found: tuple[Path, Measured]) -> None:
        self._folder, measured = found
        self.look.fill(measured)
        self.measuring.open(self.job.running)
        self.refresh()

    def open_report(self) -> None:
        """Open the report in the browser."""
        report = self._folder / "report.html" if self._folder is not None else None
        if report is None or not report.exists():
            raise InputError("These measurements have no report; measure the mask again.")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(report)))

    def close_work(self) -> None:
        self._loading.close()
        self.look.close_work()
