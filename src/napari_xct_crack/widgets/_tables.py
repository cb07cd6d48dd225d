"""The tables of measurements: any number of rows, sorted by a click on a header, chosen by conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..errors import XctCrackError
from ..inspection import matching, number_of, place_of
from ._editor import calm
from ._rows import TableModel

if TYPE_CHECKING:
    from ..measure import Measured
    from ..measure._tables import Table

_VIEWS = {
    "cracks": ("cracks", "crack"),
    "pores": ("cracks", "pore"),
    "tips": ("tips", ""),
    "fronts": ("fronts", ""),
    "slices": ("slices", ""),
}
"""What can be chosen: the table, and a condition that always holds."""
_WIDTH = 70


class TableBox(QWidget):
    """A choice of table, a line of conditions, and the rows that meet them."""

    chosen = Signal(int)
    """The user chose a component, by its number."""
    opened = Signal()
    """The user double-clicked the selected row."""
    refused = Signal(str)
    """What is wrong with the conditions; nothing if they are obeyed."""

    def __init__(self) -> None:
        super().__init__()
        self._measured: Measured | None = None
        self.number = 0
        """Component that is chosen, 0 for none; it stays so where no row of it is shown."""
        self.what = QComboBox()
        self.what.addItems(list(_VIEWS))
        self.what.setToolTip("Which table is shown.")
        calm(self.what)
        self.conditions = QLineEdit()
        self.conditions.setPlaceholderText("length > 20, depth < 5 · or numbers")
        self.conditions.setToolTip(
            "Rows that meet all of these are shown: conditions on columns (<, <=, >, >=, =, !=), numbers of components, or "
            "words of the table."
        )
        self.conditions.setClearButtonEnabled(True)
        self._count = QLabel()
        self._count.setToolTip("How many rows are shown, of how many.")
        self.model = TableModel()
        self.view = QTableView()
        self.view.setModel(self.model)
        self._set_up_view()
        row = QHBoxLayout()
        row.addWidget(self.what)
        row.addWidget(self.conditions, 1)
        row.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self.what.currentTextChanged.connect(lambda _: self._choose())
        self.conditions.textChanged.connect(lambda _: self._choose())

    def _set_up_view(self) -> None:
        view = self.view
        view.setToolTip(
            "Select a row to mark it in the view; double-click to go there, or for tips to see them in 3-D."
        )
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setSortingEnabled(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(20)
        view.setWordWrap(False)
        view.setMinimumHeight(190)
        view.selectionModel().currentRowChanged.connect(self._selected)
        view.doubleClicked.connect(lambda _: self.opened.emit())

    @property
    def table(self) -> Table:
        """The table that is shown, all rows of it."""
        found: Table = getattr(self._measured, _VIEWS[self.what.currentText()][0])
        return found

    @property
    def row(self) -> int | None:
        """The selected row of the table."""
        index = self.view.currentIndex()
        return int(self.model.rows[index.row()]) if index.isValid() else None

    def fill(self, measured: Measured | None) -> None:
        """Show the tables of measurements, or nothing."""
        self._measured, self.number = measured, 0
        self._choose()

    def _choose(self) -> None:
        """Show the rows that meet the conditions as they now stand; the chosen component stays chosen."""
        self.conditions.setStyleSheet("")
        if self._measured is None:
            self.model.show({}, "voxel", ())
            self._count.setText("")
            return
        always = _VIEWS[self.what.currentText()][1]
        try:
            rows = matching(self.table, always, self.conditions.text())
        except XctCrackError as error:
            self.conditions.setStyleSheet("QLineEdit { border: 1px solid #d33; }")
            self.refused.emit(str(error))
            return
        self._show(rows)
        self._count.setText(f"{len(rows)} of {len(matching(self.table, always))}")
        self.refused.emit("")
        self.select(self.number)

    def _show(self, rows: Any) -> None:
        """Show rows; the column that orders them goes on doing so where there is one of its name."""
        assert self._measured is not None
        heads, columns = self.view.horizontalHeader(), self.model.columns
        section = heads.sortIndicatorSection()
        by, order = columns[section] if 0 <= section < len(columns) else "", heads.sortIndicatorOrder()
        self.model.show(self.table, self._measured.summary["unit"], rows)
        columns = self.model.columns
        self.view.sortByColumn(columns.index(by) if by in columns else -1, order)
        for column in range(len(columns)):
            heads.resizeSection(column, max(_WIDTH, heads.sectionSizeHint(column)))

    def select(self, number: int) -> bool:
        """Choose a component, 0 for none, and select its first row; false if none of its rows is shown."""
        self.number = number
        if self.row is not None and number_of(self.table, self.row) == number:
            return True
        at = place_of(self.table, self.model.rows, number) if number else None
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if at is None:
            self.view.setCurrentIndex(QModelIndex())
        else:
            self.view.selectRow(at)
        selection.blockSignals(blocked)
        self.view.viewport().update()
        self.view.scrollTo(self.view.currentIndex())
        return not number or at is not None

    def select_row(self, row: int) -> None:
        """Select a row of the table; conditions that hide it are dropped."""
        if self.model.place(row) < 0:
            self.conditions.clear()
        self.view.selectRow(self.model.place(row))

    def _selected(self, index: QModelIndex) -> None:
        self.number = number_of(self.table, self.model.rows[index.row()]) if index.isValid() else 0
        self.chosen.emit(self.number)
