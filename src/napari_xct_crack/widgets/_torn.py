"""A dock of its own for something that was torn off."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QWidget


class Torn(QDockWidget):
    """Holds a widget until it is closed."""

    closed = Signal()

    def __init__(self, title: str, content: QWidget, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(f"XCT Crack: {title}")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        content.show()
        self.setWidget(area)
        self._area = area
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
        self.show()

    def release(self) -> QWidget:
        """Give the widget back."""
        content: QWidget = self._area.takeWidget()
        return content

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
