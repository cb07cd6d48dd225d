"""A widget below a line that opens and closes it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A title; a click on it shows or hides what is below.

    Parameters
    ----------
    content
        What is folded away at first; it may be given later by :meth:`fill`.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, tip: str, content: QWidget | None = None) -> None:
        super().__init__()
        self.title = title
        self.content: QWidget | None = None
        self._header = QToolButton()
        self._header.setText(title)
        self._header.setToolTip(tip)
        self._header.setCheckable(True)
        self._header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._header.setStyleSheet("QToolButton { text-align: left; border: none; }")
        self._header.clicked.connect(self._clicked)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._bar = QHBoxLayout()
        self._bar.setSpacing(0)
        self._bar.addWidget(self._header, 1)
        self._column.addLayout(self._bar)
        self._lent = False
        if content is not None:
            self.fill(content)
        self.open(False)

    def fill(self, content: QWidget) -> None:
        """Put a widget below the title."""
        self.content, self._lent = content, False
        self._column.addWidget(content)

    def beside(self, widget: QWidget) -> None:
        """Put a small widget at the end of the title."""
        self._bar.addWidget(widget)

    def lend(self) -> QWidget:
        """Take the content out, to be shown elsewhere; :meth:`fill` puts it back."""
        assert self.content is not None
        self.open(False)
        self._column.removeWidget(self.content)
        self._lent = True
        return self.content

    def open(self, shown: bool) -> None:
        """Show or hide the content."""
        shown = shown and not self._lent
        self._header.setChecked(shown)
        self._header.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        if self.content is not None and not self._lent:
            self.content.setVisible(shown)

    def note(self, text: str) -> None:
        """Show a few words beside the title."""
        self._header.setText(f"{self.title}   {text}".rstrip())

    def bold(self) -> None:
        """Make the title stand out."""
        font = self._header.font()
        font.setBold(True)
        self._header.setFont(font)

    def _clicked(self, shown: bool) -> None:
        self.open(shown)
        self.toggled.emit(shown)
