"""The dock *XCT Crack*: the sections in order, and the project folder above them."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ._accordion import Accordion
from ._bench import Bench
from ._layers import made_here, volume_of
from ._napari import Guard, show_scale_bar
from ._section import Section
from ._work import wait_for_threads

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

SECTIONS = {
    "Volume": ("volume", "Open a scan, see what it is, convert it."),
    "Prepare": ("prepare", "Crop, part and contrast."),
    "Cracks": ("cracks", "The synthetic cracks that are learnt."),
    "Train": ("train", "Learn from the scan and the drawn cracks."),
    "Segment": ("segment", "Mark the cracks in a slice, the crop or the whole scan."),
    "Clean up": ("clean", "Turn the probability into a mask."),
    "Inspect": ("inspect", "Measure the cracks, look at them in tables, slices and 3-D, export."),
}
"""Title, file and tooltip of each section, in order. A file is imported when its section is first opened: some need torch."""


class Workbench(QWidget):
    """Find cracks in a scan: open, prepare, draw cracks, train, segment, clean up, inspect."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.bench = Bench(napari_viewer)
        self._guard = Guard(napari_viewer)
        self._window: QWidget | None = None
        show_scale_bar(napari_viewer)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(self._project_line())
        self._accordion = Accordion()
        for title, (module, tip) in SECTIONS.items():
            self._accordion.add(title, tip, partial(self._made, title, module))
        column.addWidget(self._accordion, 1)
        self.bench.changed.connect(self._show_project)
        self._accordion.open("Volume")
        self._show_project()
        napari_viewer.layers.events.inserted.connect(self._adopt)
        for layer in napari_viewer.layers:
            self._adopt(value=layer)
        QApplication.instance().aboutToQuit.connect(self._stop_and_save)

    def _adopt(self, event: Any = None, value: Layer | None = None) -> None:
        """Take the first scan that is opened another way: dropped on the window, or from the sample data."""
        layer = value if value is not None else event.value
        if self.bench.scan is None and made_here(layer) and volume_of(layer).role == "image":
            self.bench.open(volume_of(layer), layer)

    def sizeHint(self) -> QSize:
        return QSize(400, 620)

    def section(self, title: str) -> Section:
        """Open a section and return it."""
        self._accordion.open(title)
        found = self._accordion.sections[title]
        assert isinstance(found, Section)
        return found

    def _made(self, title: str, module: str) -> Section:
        found = vars(import_module(f"{__package__}.{module}")).values()
        kind = next(value for value in found if isinstance(value, type) and getattr(value, "title", "") == title)
        made: Section = kind(self.bench)
        made.offer_unfinished()
        made.job.told.connect(lambda _: self._accordion.note(title, "· working"))
        made.job.ended.connect(lambda _: self._accordion.note(title, ""))
        return made

    def _project_line(self) -> QHBoxLayout:
        self._project = QLineEdit()
        self._project.setReadOnly(True)
        self._project.setPlaceholderText("open a scan")
        choose = QPushButton("…")
        choose.setFixedWidth(28)
        choose.setToolTip("Choose another project folder.")
        choose.clicked.connect(self._choose_project)
        row = QHBoxLayout()
        row.addWidget(QLabel("Project"))
        row.addWidget(self._project, 1)
        row.addWidget(choose)
        return row

    def _show_project(self) -> None:
        folder = self.bench.folder
        self._project.setText(str(folder) if folder is not None else "")
        self._project.setToolTip(f"Runs, probabilities and masks go to {folder}." if folder else "Where results go.")
        self._project.setCursorPosition(len(self._project.text()))

    def _choose_project(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Project folder", self._project.text())
        if folder:
            self.bench.choose(Path(folder))

    def _running(self) -> list[Section]:
        return [body for body in self._accordion.sections.values() if isinstance(body, Section) and body.job.running]

    def showEvent(self, event: QShowEvent) -> None:
        # The dock's own close event does not come when the window is closed; the window's does.
        super().showEvent(event)
        if self.window() is not self._window:
            if self._window is not None:
                self._window.removeEventFilter(self)
            self._window = self.window()
            self._window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Close:
            if not self._may_close():
                event.ignore()
                return True
            self.close_work()
        return False

    def _may_close(self) -> bool:
        """Ask what becomes of running work; false if the window stays open."""
        running = self._running()
        if not running:
            return True
        answer = ask_about(self, [section.title for section in running])
        if answer == "stop":
            self._stop_and_save()
        elif answer == "go on":
            for section in running:
                section.job.let_go()
        return answer != "stay"

    def _stop_and_save(self) -> None:
        """Stop all work and wait until it is saved."""
        for section in self._running():
            section.job.finish_now()

    def close_work(self) -> None:
        """Leave the viewer as it was, and let go of all threads."""
        self._accordion.put_all_back()
        self._guard.stop()
        self.bench.viewer.layers.events.inserted.disconnect(self._adopt)
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None
        for body in self._accordion.sections.values():
            if isinstance(body, Section):
                body.close_work()
        wait_for_threads()


def ask_about(parent: QWidget, titles: list[str]) -> str:
    """What to do with running work: ``"stop"``, ``"go on"`` or ``"stay"``."""
    box = QMessageBox(parent)
    box.setWindowTitle("XCT Crack is working")
    box.setText(
        f"{' and '.join(titles)} is still running."
        if len(titles) == 1
        else f"{' and '.join(titles)} are still running."
    )
    stop = box.addButton("Stop and save", QMessageBox.ButtonRole.AcceptRole)
    finish = box.addButton("Let it finish", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.exec()
    return {stop: "stop", finish: "go on"}.get(box.clickedButton(), "stay")
