"""How rendered cracks compare with those of the scan: sentences, a table and curves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ._fold import Fold
from ._plots import Curves

if TYPE_CHECKING:
    from ..realism import Realism


class RealismView(QWidget):
    """Shows one comparison; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setToolTip("What is off by more than 1.3 times and outside of the scan's 95 % interval.")
        self._column.addWidget(self._said)
        self.table = QLabel()
        self.table.setWordWrap(True)
        self.table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.table.setToolTip(
            "Medians of the scan, with 95 % interval, and of rendered cracks, found by the same filter."
        )
        holder = QWidget()
        self._plots = QVBoxLayout(holder)
        self._plots.setContentsMargins(0, 0, 0, 0)
        self._plots.addWidget(self.table)
        self.fold = Fold("Table and curves", "Statistics of the scan's cracks and of rendered ones.", holder)
        self._column.addWidget(self.fold)
        self.curves: Curves | None = None
        self.hide()

    def show_result(self, found: Realism) -> None:
        """Show a comparison in place of the last one."""
        self._said.setText("\n".join(found.sentences) or "Nothing is off: rendered cracks look like those of the scan.")
        self.table.setText(_html(found))
        if self.curves is not None:
            self.curves.deleteLater()
        self.curves = Curves(found.plots)
        self._plots.addWidget(self.curves)
        self.fold.open(True)
        self.show()


def _html(found: Realism) -> str:
    lines = ["<tr><th align=left>statistic</th><th>scan</th><th>95 %</th><th>rendered</th></tr>"]
    for row in found.rows:
        name = escape(f"{row.name}, {row.unit}" if row.unit else row.name)
        interval = "–" if row.low is None or row.high is None else f"{row.low:.2g} – {row.high:.2g}"
        rendered = _number(row.rendered)
        cells = "".join(f"<td align=right>&nbsp;{text}</td>" for text in (_number(row.scan), interval))
        last = f"<td align=right>&nbsp;{f'<b>{rendered} !</b>' if row.off else rendered}</td>"
        lines.append(f"<tr><td>{name}</td>{cells}{last}</tr>")
    return f"<table width='100%' style='font-size: 8pt'>{''.join(lines)}</table>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
