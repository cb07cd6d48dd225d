"""Sections below each other, one open, the rest a line each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from ._fold import Fold


class Accordion(QScrollArea):
    """Titles in order; a click opens one section and closes the others. A section is made when it is first opened."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self._column.addStretch(1)
        self.setWidget(inside)
        self._folds: dict[str, tuple[Fold, Callable[[], QWidget]]] = {}

    def add(self, title: str, tip: str, make: Callable[[], QWidget]) -> None:
        """Add a section below the others."""
        fold = Fold(title, tip)
        fold.bold()
        fold.toggled.connect(partial(self._toggled, title))
        self._column.insertWidget(self._column.count() - 1, fold)
        self._folds[title] = (fold, make)

    def open(self, title: str) -> None:
        """Open one section, or none."""
        for name, (fold, make) in self._folds.items():
            if name == title and fold.content is None:
                fold.fill(make())
            fold.open(name == title)

    def _toggled(self, title: str, shown: bool) -> None:
        self.open(title if shown else "")

    def note(self, title: str, text: str) -> None:
        """Show a few words beside a section's title."""
        self._folds[title][0].note(text)

    @property
    def sections(self) -> dict[str, QWidget]:
        """Sections that were opened so far."""
        return {name: fold.content for name, (fold, _) in self._folds.items() if fold.content is not None}
