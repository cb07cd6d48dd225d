"""A choice among what lies in the project folder, or anything elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QWidget

from ..errors import XctCrackError
from ._editor import calm


class PathChoice(QWidget):
    """Folders of one sort.

    Parameters
    ----------
    word
        What stands before the choice.
    tip
        What is listed.
    other
        What may be chosen elsewhere.
    check
        Raises an error with one sentence if a folder chosen elsewhere is not of that sort.
    nothing
        What the choice of none is called, where there is one; then nothing is chosen by itself.
    """

    changed = Signal()
    refused = Signal(str)
    """What is wrong with the folder that was chosen elsewhere."""

    def __init__(self, word: str, tip: str, other: str, check: Callable[[Path], object], nothing: str = "") -> None:
        super().__init__()
        self._other, self._check, self._nothing = other, check, nothing
        self._combo = QComboBox()
        self._combo.setToolTip(tip)
        calm(self._combo)
        self._combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        elsewhere = QPushButton("Other…")
        elsewhere.setToolTip(f"Choose {other}.")
        elsewhere.clicked.connect(self._ask)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(word))
        row.addWidget(self._combo, 1)
        row.addWidget(elsewhere)
        self._elsewhere: list[Path] = []

    @property
    def path(self) -> Path | None:
        """What is chosen."""
        path = self._combo.currentData()
        return path if isinstance(path, Path) else None

    def offer(self, found: list[Path], chosen: Path | None = None) -> None:
        """List what was found, newest first, and what was chosen elsewhere; a new one is chosen, else the choice kept."""
        elsewhere = [path for path in self._elsewhere if path not in found and path.exists()]
        wanted: list[Path | None] = [*([None] if self._nothing else []), *found, *elsewhere]
        listed = [self._combo.itemData(number) for number in range(self._combo.count())]
        new = found[0] if found and found[0] not in listed and not self._nothing else None
        kept = chosen or new or self.path
        if wanted == listed and kept == self.path:
            return
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        for path in wanted:
            self._combo.addItem(path.name if path else self._nothing, path)
        self._combo.setCurrentIndex(wanted.index(kept) if kept in wanted else min(0, len(wanted) - 1))
        self._combo.blockSignals(blocked)
        self.changed.emit()

    def take(self, path: Path) -> None:
        """Choose a folder that lies anywhere.

        Raises
        ------
        XctCrackError
            If it is not of the sort that is wanted.
        """
        self._check(path)
        if path not in self._elsewhere:
            self._elsewhere.append(path)
        listed = [self._combo.itemData(number) for number in range(self._combo.count())]
        self.offer([one for one in listed if one is not None], path)

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self._other, str(self.path.parent if self.path else ""))
        if chosen:
            try:
                self.take(Path(chosen))
            except XctCrackError as error:
                self.refused.emit(str(error))
