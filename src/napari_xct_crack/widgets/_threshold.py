"""A threshold on a probability, as a slider with its number."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from ._editor import calm


class Threshold(QWidget):
    """A probability between 0.01 and 1."""

    changed = Signal()

    def __init__(self, tip: str) -> None:
        super().__init__()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(1, 100)
        self._slider.setValue(50)
        self._slider.setToolTip(tip)
        calm(self._slider)
        self._number = QLabel("0.50")
        self._number.setToolTip(tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("threshold"))
        row.addWidget(self._slider, 1)
        row.addWidget(self._number)
        self._slider.valueChanged.connect(self._moved)

    @property
    def value(self) -> float:
        return float(self._slider.value()) / 100

    def set(self, value: float) -> None:
        """Show a threshold."""
        self._slider.setValue(round(100 * value))

    def _moved(self, value: int) -> None:
        self._number.setText(f"{value / 100:.2f}")
        self.changed.emit()
