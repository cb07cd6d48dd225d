"""Looking at measurements: tables, layers, charts and the 3-D window, each of which follows the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from ..errors import XctCrackError
from ..inspection import box_at, charts, number_of, rose, sentence, surroundings
from ..volume import Box
from ._bench import Bench
from ._closeup import CloseUpBox
from ._fold import Fold
from ._marks import Marks
from ._napari import fly_to
from ._plots import Charts
from ._section import caption, side_by_side
from ._tables import TableBox

if TYPE_CHECKING:
    from ..measure import Measured


class Look(QWidget):
    """Shows measurements; a crack is chosen in the table or in the view."""

    said = Signal(str)
    refused = Signal(str)
    """What could not be done; nothing if it can again."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self.measured: Measured | None = None
        self.marks = Marks(bench)
        self.shares = caption("", "Shares of the part, with the interval between two thresholds where it was measured.")
        self.table = TableBox()
        self.alone = QCheckBox("only this crack")
        self.alone.setToolTip("Hide all but the chosen crack in the view.")
        self.fly_button = QPushButton("Go there")
        self.fly_button.setToolTip("Look at what the selected row is about.")
        self.closeup = CloseUpBox(bench)
        self.charts = Charts()
        fold = Fold("Charts", "Directions, openings and sizes of the cracks.", self.charts)
        fold.open(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.shares)
        column.addWidget(self.table, 1)
        buttons = (self.fly_button, self.closeup.open_button, self.closeup.back_button)
        column.addLayout(side_by_side(self.alone, *buttons))
        column.addWidget(self.closeup)
        column.addWidget(fold)
        self._connect()
        self.fill(None)

    def _connect(self) -> None:
        self.marks.clicked.connect(self._clicked)
        self.marks.opened.connect(self._tip_opened)
        self.table.chosen.connect(self._mark)
        self.table.opened.connect(self._row_opened)
        self.table.refused.connect(self.refused)
        self.alone.toggled.connect(lambda _: self._mark(self.table.number))
        self.fly_button.clicked.connect(self.fly)
        self.closeup.open_button.clicked.connect(self.look_closely)
        self.closeup.said.connect(self.said)
        self.closeup.refused.connect(self.refused)

    def fill(self, measured: Measured | None) -> None:
        """Show measurements, or none."""
        self.measured = measured
        self.table.fill(measured)
        self.closeup.fill(measured)
        self.setVisible(measured is not None)
        if measured is not None:
            self.shares.setText(sentence(measured.summary))
            self.charts.fill(rose(measured.summary), charts(measured))
            self.marks.fill(measured)

    def _mark(self, number: int) -> None:
        self.marks.mark(number, self.alone.isChecked())

    def _clicked(self, number: int) -> None:
        """A component was clicked in the view: choose it, in the table that holds it."""
        if self.measured is None:
            return
        if number and self.table.what.currentText() in ("cracks", "pores"):
            self.table.what.setCurrentText(f"{self.measured.cracks['kind'][number - 1]}s")
        shown = self.table.select(number)
        self.said.emit("" if shown else f"Component {number} has no row that meets the conditions.")
        self._mark(number)

    def _tip_opened(self, row: int) -> None:
        if self.measured is not None:
            self.table.what.setCurrentText("tips")
            self.table.select_row(row)
            self.look_closely()

    def _row_opened(self) -> None:
        if self.table.what.currentText() in ("tips", "fronts"):
            self.look_closely()
        else:
            self.fly()

    def _selected(self) -> int | None:
        """The selected row of the table; asks for one where there is none."""
        if self.table.row is None:
            self.refused.emit("No row is selected; select one in the table, or click a crack in the view.")
        return self.table.row

    def _seen(self, row: int) -> Box:
        """What a row of the table is about."""
        assert self.measured is not None
        labels = self.measured.labels
        return box_at(self.table.table, row, Box.of(labels.shape).shifted(labels.origin))

    def fly(self) -> None:
        """Look at what the selected row is about."""
        row = self._selected()
        if row is not None and self.measured is not None:
            fly_to(self._bench.viewer, *surroundings(self._seen(row), self.measured.labels.voxel_size))

    def look_closely(self) -> None:
        """See what the selected row is about in a box at full resolution."""
        row, table = self._selected(), self.table.table
        if row is not None:
            try:
                self.closeup.open(self._seen(row), number_of(table, row))
            except XctCrackError as error:
                self.refused.emit(str(error))

    def close_work(self) -> None:
        """Let go of the viewer and of threads; the window closes."""
        self.marks.close_work()
        self.closeup.close_work()
