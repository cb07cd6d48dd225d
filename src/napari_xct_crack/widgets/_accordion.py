"""Sections below each other, one open, the rest a line each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QMainWindow, QScrollArea, QToolButton, QVBoxLayout, QWidget

from ._fold import Fold
from ._torn import Torn


class Accordion(QScrollArea):
    """Titles in order; a click opens one section and closes the others. A section is made when it is first opened.

    Each can be torn off into a dock of its own; closing the dock puts it back.
    """

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
        self.torn: dict[str, Torn] = {}
        """Docks of the sections that were torn off."""

    def minimumSizeHint(self) -> QSize:
        """As wide as what is inside, with a scroll bar beside it."""
        least, inside = super().minimumSizeHint(), self.widget()
        bar = self.verticalScrollBar()
        if inside is not None and bar is not None:
            least.setWidth(max(least.width(), inside.minimumSizeHint().width() + bar.sizeHint().width()))
        return least

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Grow with what is inside."""
        if event is not None and watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))

    def add(self, title: str, tip: str, make: Callable[[], QWidget]) -> None:
        """Add a section below the others."""
        fold = Fold(title, tip)
        fold.bold()
        fold.toggled.connect(partial(self._toggled, title))
        tear = QToolButton()
        tear.setText("↗")
        tear.setAutoRaise(True)
        tear.setToolTip("Show this section in a dock of its own; closing the dock puts it back.")
        tear.clicked.connect(lambda: self.tear_off(title))
        fold.beside(tear)
        self._column.insertWidget(self._column.count() - 1, fold)
        self._folds[title] = (fold, make)

    def open(self, title: str) -> None:
        """Open one section, or none."""
        for name, (fold, make) in self._folds.items():
            if name == title and fold.content is None:
                fold.fill(make())
            fold.open(name == title)
        if title in self.torn:
            self.torn[title].show()
            self.torn[title].raise_()

    def tear_off(self, title: str) -> None:
        """Show a section in a dock of its own."""
        window = self.parentWidget()
        while window is not None and not isinstance(window, QMainWindow):
            window = window.parentWidget()
        if window is None or title in self.torn:
            return
        fold, make = self._folds[title]
        if fold.content is None:
            fold.fill(make())
        dock = self.torn[title] = Torn(title, fold.lend(), window)
        dock.closed.connect(partial(self._put_back, title))

    def _put_back(self, title: str) -> None:
        dock = self.torn.pop(title)
        self._folds[title][0].fill(dock.release())
        dock.deleteLater()
        self.open(title)

    def put_all_back(self) -> None:
        """Close all docks."""
        for dock in list(self.torn.values()):
            dock.close()

    def _toggled(self, title: str, shown: bool) -> None:
        self.open(title if shown else "")

    def note(self, title: str, text: str) -> None:
        """Show a few words beside a section's title."""
        self._folds[title][0].note(text)

    @property
    def sections(self) -> dict[str, QWidget]:
        """Sections that were opened so far."""
        return {name: fold.content for name, (fold, _) in self._folds.items() if fold.content is not None}
