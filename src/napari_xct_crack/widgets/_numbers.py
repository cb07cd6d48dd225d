"""Editors of floats that keep every value as it is."""

from __future__ import annotations

import math

from qtpy.QtCore import Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QSlider

from ._editor import Editor, calm

_TICKS = 1000


class _FloatBox(QDoubleSpinBox):
    """A spin box that keeps a float as it is; magicgui's rounds it to its step."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.setDecimals(323)
        self.setRange(low, high)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        return f"{value:.6g}"

    def valueFromText(self, text: str) -> float:
        # Leaving the box after only looking at it must not cut the value to the digits shown.
        return self.value() if text == self.textFromValue(self.value()) else float(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            inside = self.minimum() <= float(text) <= self.maximum()
        except ValueError:
            inside = False
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate, text, position)

    def stepBy(self, steps: int) -> None:
        super().stepBy(steps)
        self.setValue(float(f"{self.value():.6g}"))


class _Slider(Editor):
    """A slider for a number with two limits, logarithmic where they lie a factor of 100 apart."""

    def __init__(self, low: float, high: float, usual: float) -> None:
        super().__init__()
        if low == 0 and 0 < usual < high / 50:
            low = usual / 1000  # small values matter: 2e-4 between 0 and 1
        self._low, self._high = low, high
        self._logarithmic = low > 0 and high >= 100 * low
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _TICKS)
        self._slider.valueChanged.connect(lambda _: self.changed.emit())
        calm(self._slider)
        self.row.addWidget(self._slider)

    def get(self) -> float:
        share = self._slider.value() / _TICKS
        if share in (0, 1):
            return self._high if share else self._low
        linear = self._low + (self._high - self._low) * share
        value = self._low * (self._high / self._low) ** share if self._logarithmic else linear
        return float(f"{value:.3g}")

    def set(self, value: float) -> None:
        if self._logarithmic:
            share = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(share * _TICKS))
        self._slider.blockSignals(blocked)


class Number(Editor):
    """Edits a float: a box, and a slider where it has two limits.

    Parameters
    ----------
    usual
        The default, which tells the scale of the slider.
    slim
        Several stand side by side: no slider, no buttons.
    """

    def __init__(self, low: float, high: float, usual: float, slim: bool) -> None:
        super().__init__()
        self._box = _FloatBox(low, high)
        self._box.setMinimumWidth(40 if slim else 70)
        if slim:
            self._box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        calm(self._box)
        self.row.addWidget(self._box, 1)
        if -math.inf < low < high < math.inf and not slim:
            slider = _Slider(low, high, usual)
            slider.changed.connect(lambda: self._box.setValue(slider.get()))
            self._box.valueChanged.connect(slider.set)
            self._box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            self.row.insertWidget(0, slider, 1)
        self._box.valueChanged.connect(lambda _: self.changed.emit())

    def get(self) -> float:
        return float(self._box.value())

    def set(self, value: float) -> None:
        self._box.setValue(value)
