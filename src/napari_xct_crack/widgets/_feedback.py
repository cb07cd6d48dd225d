"""The feedback patch: one place of the scan, segmented again and again while the training goes on."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from ._editor import calm


class Feedback(QWidget):
    """Pictures of a run, with a slider from the first to the newest; hidden while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path] = []
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setToolTip("A real patch of the scan, and beside it what is marked in it now.")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setToolTip("From the first picture of this run to the newest.")
        self._slider.valueChanged.connect(self._show)
        calm(self._slider)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._picture)
        column.addWidget(self._slider)
        self.hide()

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self._paths)

    def open(self, run: Path | None) -> None:
        """Show the pictures of a run, the newest first seen."""
        self._paths = sorted((run / "previews").glob("*.png")) if run is not None else []
        self.setVisible(bool(self._paths))
        self._slider.setVisible(len(self._paths) > 1)
        self._slider.setRange(0, max(0, len(self._paths) - 1))
        self._slider.setValue(self._slider.maximum())
        self._show()

    def _show(self) -> None:
        if self._paths:
            picture = QPixmap(str(self._paths[self._slider.value()]))
            width = max(200, min(self.width(), 360))
            self._picture.setPixmap(picture.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation))
