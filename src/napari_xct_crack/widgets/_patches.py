"""The patch browser: what counts as cracked and as crack-free, each patch put right by a click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from ..corrections import FILE, read_corrections, write_corrections
from ..examples import Example, examples, patches_of
from ..runs import TrainSettings
from ..volume import Volume
from ._bench import Bench
from ._work import Newest

_COLUMNS, _ROWS, _SIDE = 4, 2, 76
"""Pictures of one sort beside and below each other, and their sides in pixels."""
_SORTS = {True: ("cracked", "#fe6100"), False: ("crack-free", "#648fff")}


class PatchBrowser(QWidget):
    """Pictures of patches of both sorts; a click moves one to the other sort, a second one takes that back.

    Parameters
    ----------
    settings
        What a run would be started with.
    """

    said = Signal(str, bool)
    """What is done, or what is wrong."""

    def __init__(self, bench: Bench, settings: Callable[[], TrainSettings]) -> None:
        super().__init__()
        self.bench, self._settings = bench, settings
        self._page = 0
        self._known: tuple[Any, Any] | None = None
        self.buttons: dict[bool, list[QToolButton]] = {True: [], False: []}
        self._grids: dict[bool, QGridLayout] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for cracked, (word, colour) in _SORTS.items():
            column.addWidget(QLabel(f'count as <b style="color:{colour}">{word}</b>'))
            self._grids[cracked] = QGridLayout()
            self._grids[cracked].setSpacing(2)
            column.addLayout(self._grids[cracked])
        self.more = QPushButton("Show patches")
        self.more.setToolTip("Show patches as a run with these settings would draw them; once more shows others.")
        self.more.clicked.connect(self.show_more)
        column.addWidget(self.more)
        self._looking = Newest()
        self._looking.ready.connect(self._show)
        self._looking.failed.connect(lambda text: self.said.emit(text, True))

    @property
    def path(self) -> Path | None:
        """The project's corrections."""
        return None if self.bench.folder is None else self.bench.folder / FILE

    def show_more(self) -> None:
        """Find patches in the background."""
        if self.bench.prepared is None or self.path is None:
            self.said.emit("Prepare the scan first: patches are cut from it.", True)
            return
        scan, settings, path, page = self.bench.prepared, self._settings(), self.path, self._page
        known = self._known
        self._page += 1
        self.said.emit("Looking for patches; the first time it looks at the scan's noise and blur …", False)
        self._looking.request(lambda: _find(scan, settings, path, page, known))

    def _show(self, found: tuple[Any, Any, dict[bool, list[Example]]]) -> None:
        *known, shown = found
        self._known = (known[0], known[1])
        if not any(shown.values()):
            self._page = 0
        for cracked, entries in shown.items():
            for old in self.buttons[cracked]:
                old.deleteLater()
            self.buttons[cracked] = [self._button(entry) for entry in entries]
            for number, button in enumerate(self.buttons[cracked]):
                self._grids[cracked].addWidget(button, number // _COLUMNS, number % _COLUMNS)
        self.more.setText("More patches")
        self.said.emit("Click a patch that is of the wrong sort; runs that are started from now on obey it.", False)

    def _button(self, entry: Example) -> QToolButton:
        button = QToolButton()
        height, width = entry.picture.shape
        image = QImage(entry.picture.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
        smooth = Qt.TransformationMode.SmoothTransformation
        picture = QPixmap.fromImage(image).scaled(_SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        button.setIcon(QIcon(picture))
        button.setIconSize(QSize(_SIDE, _SIDE))
        button.clicked.connect(lambda: self._turn(button, entry))
        self._mark(button, entry, entry.by_hand, entry.said.cracked)
        return button

    def _turn(self, button: QToolButton, entry: Example) -> None:
        """Say the other of a patch, or take back what was said of it."""
        assert self.path is not None
        self.bench.project.made()
        before, by_itself = read_corrections(self.path), entry.said.cracked ^ entry.by_hand
        known = [one for one in before if (one.at, one.size) != (entry.said.at, entry.said.size)]
        by_hand = len(known) == len(before)
        cracked = by_itself ^ by_hand
        if by_hand:
            known.append(entry.said.model_copy(update={"cracked": cracked}))
        write_corrections(self.path, known)
        self._mark(button, entry, by_hand, cracked)
        how = "as you said" if by_hand else "by its grey values again"
        self.said.emit(f"That patch counts as {_SORTS[cracked][0]}, {how}.", False)

    def _mark(self, button: QToolButton, entry: Example, by_hand: bool, cracked: bool) -> None:
        word, colour = _SORTS[cracked]
        z, y, x = entry.said.at
        style = "double" if by_hand else "solid"
        button.setStyleSheet(f"QToolButton {{ border: {4 if by_hand else 2}px {style} {colour}; }}")
        how = "by hand" if by_hand else "by its grey values"
        button.setToolTip(f"Slice {z}, from {y}, {x}: {word} {how}. Click to change it.")

    def close_work(self) -> None:
        """Drop what still runs."""
        self._looking.close()


def _find(
    scan: Volume, settings: TrainSettings, path: Path, page: int, known: tuple[Any, Any] | None
) -> tuple[Any, Any, dict[bool, list[Example]]]:
    """What a scan was looked at for, its patches, and those of one page; patches that are known are taken as they are."""
    corrections = read_corrections(path)
    drawn = settings.model_dump(include={"patches", "slices", "network", "seed"})
    same = known is not None and known[0][0] is scan and known[0][1] == drawn
    patches = known[1] if known is not None and same else patches_of(scan, settings, corrections)
    if patches.corrections != corrections:
        patches.corrections = corrections
        patches.doubt_as([slab.suspected for slab in patches.slabs])
    return (scan, drawn), patches, {sort: examples(patches, sort, page, _COLUMNS * _ROWS) for sort in _SORTS}
