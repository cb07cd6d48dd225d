"""A picture that was written, in a window of its own."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap, QResizeEvent
from qtpy.QtWidgets import QDialog, QLabel, QScrollArea, QVBoxLayout, QWidget


class PictureWindow(QDialog):
    """A picture as wide as the window, and text that belongs to it below."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._picture, self._text = QLabel(), QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setToolTip("Make the window larger to see more.")
        self._text.setStyleSheet("font-family: monospace")
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setToolTip("The numbers, to be copied.")
        self._area = QScrollArea()
        self._area.setWidget(self._picture)
        self._area.setWidgetResizable(True)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.addWidget(self._area, 1)
        column.addWidget(self._text)
        self.resize(1100, 620)
        self.pixmap = QPixmap()

    def open_picture(self, path: Path, text: str) -> None:
        """Show a picture."""
        self.setWindowTitle(str(path))
        self.pixmap = QPixmap(str(path))
        self._text.setText(text)
        self.show()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self.pixmap.isNull():
            width = max(200, self._area.viewport().width() - 4)
            self._picture.setPixmap(self.pixmap.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation))
