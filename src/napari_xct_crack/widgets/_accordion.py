"""Sections below each other, one open, the rest a line each."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Accordion(QScrollArea):
    """Headers in order; a click opens one section and closes the others. A section is made when it is first opened."""

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self._column.addStretch(1)
        self.setWidget(inside)
        self._headers: dict[str, QToolButton] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._bodies: dict[str, QWidget] = {}

    def add(self, title: str, tip: str, make: Callable[[], QWidget]) -> None:
        """Add a section below the others."""
        header = QToolButton()
        header.setText(title)
        header.setToolTip(tip)
        header.setCheckable(True)
        header.setArrowType(Qt.ArrowType.RightArrow)
        header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        header.setStyleSheet("QToolButton { font-weight: bold; text-align: left; }")
        header.clicked.connect(lambda checked: self.open(title if checked else ""))
        self._column.insertWidget(self._column.count() - 1, header)
        self._headers[title], self._makers[title] = header, make

    def open(self, title: str) -> None:
        """Open one section, or none."""
        if title and title not in self._bodies:
            body = self._makers[title]()
            self._column.insertWidget(self._column.indexOf(self._headers[title]) + 1, body)
            self._bodies[title] = body
        for name, header in self._headers.items():
            header.setChecked(name == title)
            header.setArrowType(Qt.ArrowType.DownArrow if name == title else Qt.ArrowType.RightArrow)
            if name in self._bodies:
                self._bodies[name].setVisible(name == title)
        if title:
            self.opened.emit(title)

    def mark(self, title: str, note: str) -> None:
        """Show a note in a section's header, beside its title."""
        self._headers[title].setText(f"{title}   {note}".rstrip())

    @property
    def bodies(self) -> dict[str, QWidget]:
        """Sections that were opened so far."""
        return self._bodies
