"""Rows of a table of measurements, as Qt asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from ..inspection import header, ordered

if TYPE_CHECKING:
    from ..measure._tables import Table

_FIRST = (
    "id",
    "volume",
    "length",
    "aperture_mean",
    "aperture_grey",
    "aperture_grey_error",
    "pole_to_build",
    "tips",
    "sqrt_area",
    "depth",
    "surface_breaking",
    "area",
)
"""Columns that come first, where a table has them."""


class TableModel(QAbstractTableModel):
    """Rows of a table.

    Rows are chosen and ordered by the core in one step each: a proxy model asks for two cells per comparison, which takes
    seconds where there are 50,000 rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._table: Table = {}
        self._unit = "voxel"
        self.columns: list[str] = []
        self.rows: Any = ()
        """Rows of the table, in the order in which they are shown."""

    def show(self, table: Table, unit: str, rows: Any) -> None:
        """Show rows of a table, in their order."""
        self.beginResetModel()
        first = [name for name in _FIRST if name in table]
        self._table, self._unit = table, unit
        self.columns = [*first, *(name for name in table if name not in first)]
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(self._table[self.columns[index.column()]][self.rows[index.row()]])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if side == Qt.Orientation.Vertical or section >= len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return header(self.columns[section], self._unit)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self.columns[section]}; a click orders the rows by it."
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self.columns):
            return
        self.layoutAboutToBeChanged.emit()
        kept = [(index, self.rows[index.row()]) for index in self.persistentIndexList()]
        self.rows = ordered(self._table, self.rows, self.columns[column], order == Qt.SortOrder.DescendingOrder)
        for index, row in kept:
            self.changePersistentIndex(index, self.index(self.place(row), index.column()))
        self.layoutChanged.emit()

    def place(self, row: int) -> int:
        """Where a row of the table stands; −1 where it is not shown."""
        found = self.rows == row
        return int(found.argmax()) if len(self.rows) and found.any() else -1


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
