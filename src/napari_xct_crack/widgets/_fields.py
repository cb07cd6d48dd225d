"""One editor per type of field that settings may have: it shows a value and gives it back unchanged."""

from __future__ import annotations

import math
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from magicgui.widgets import create_widget
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QSizePolicy, QSlider, QWidget

from ..settings import Length

_INT_LIMIT = 2**53
_TICKS = 1000


class Editor(QWidget):
    """Base of all editors."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def get(self) -> Any:
        raise NotImplementedError

    def set(self, value: Any) -> None:
        raise NotImplementedError


class _CalmWheel(QObject):
    """Keeps the wheel from changing a value that only happens to lie under the pointer while the panel is scrolled."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False


def calm(widget: QWidget) -> None:
    """Let the wheel act on `widget` only once it has the focus."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_CalmWheel(widget))


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

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
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
        if self._logarithmic:
            value = self._low * (self._high / self._low) ** share
        else:
            value = self._low + (self._high - self._low) * share
        return float(f"{value:.3g}")

    def set(self, value: float) -> None:
        if self._logarithmic:
            share = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(share * _TICKS))
        self._slider.blockSignals(blocked)


class _Float(Editor):
    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self._box = _FloatBox(low, high)
        self._box.setMinimumWidth(70)
        calm(self._box)
        self.row.addWidget(self._box, 1)
        if -math.inf < low < high < math.inf:
            slider = _Slider(low, high)
            slider.changed.connect(lambda: self._box.setValue(slider.get()))
            self._box.valueChanged.connect(slider.set)
            self._box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            self.row.insertWidget(0, slider, 1)
        self._box.valueChanged.connect(lambda _: self.changed.emit())

    def get(self) -> float:
        return float(self._box.value())

    def set(self, value: float) -> None:
        self._box.setValue(value)


class _Magic(Editor):
    """An editor that magicgui makes from the type: bool, int, str, Path, Literal."""

    def __init__(self, annotation: Any, **options: Any) -> None:
        super().__init__()
        self._widget = create_widget(annotation=annotation, options=options)
        native = self._widget.native
        native.setMinimumWidth(40)
        native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        calm(native)
        self.row.addWidget(native, 1)
        self._widget.changed.connect(lambda _: self.changed.emit())

    def get(self) -> Any:
        return self._widget.value

    def set(self, value: Any) -> None:
        self._widget.value = value


class _Length(Editor):
    def __init__(self) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.setPlaceholderText("3 (voxels) or 1.5um")
        self._line.textChanged.connect(self._edited)
        self.row.addWidget(self._line, 1)

    def _edited(self, text: str) -> None:
        try:
            Length.parse(text)
        except ValueError:
            self._line.setStyleSheet("QLineEdit { border: 1px solid #d33; }")
        else:
            self._line.setStyleSheet("")
        self.changed.emit()

    def get(self) -> str:
        return str(self._line.text())

    def set(self, value: Any) -> None:
        length = Length.parse(value)
        self._line.setText(repr(length.value).removesuffix(".0") + ("um" if length.unit == "um" else ""))


class _Tuple(Editor):
    def __init__(self, members: list[Editor]) -> None:
        super().__init__()
        self._members = members
        for member in members:
            self.row.addWidget(member, 1)
            member.changed.connect(self.changed)

    def get(self) -> tuple[Any, ...]:
        return tuple(member.get() for member in self._members)

    def set(self, value: Any) -> None:
        for member, part in zip(self._members, value, strict=True):
            member.set(part)


class _Words(Editor):
    """Any number of words, separated by blanks."""

    def __init__(self) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.textChanged.connect(lambda _: self.changed.emit())
        self.row.addWidget(self._line, 1)

    def get(self) -> tuple[str, ...]:
        return tuple(self._line.text().split())

    def set(self, value: tuple[str, ...]) -> None:
        self._line.setText(" ".join(value))


class _Optional(Editor):
    """A box to tick before a value is given; unticked means none (chosen automatically)."""

    def __init__(self, inner: Editor) -> None:
        super().__init__()
        self._given = QCheckBox()
        self._given.setToolTip("Tick to set a value; otherwise it is chosen automatically.")
        self._inner = inner
        inner.setEnabled(False)
        self.row.addWidget(self._given)
        self.row.addWidget(inner, 1)
        self._given.toggled.connect(inner.setEnabled)
        self._given.toggled.connect(lambda _: self.changed.emit())
        inner.changed.connect(self.changed)

    def get(self) -> Any:
        return self._inner.get() if self._given.isChecked() else None

    def set(self, value: Any) -> None:
        if value is not None:
            self._inner.set(value)
        self._given.setChecked(value is not None)


def _limits(metadata: list[Any]) -> tuple[float, float, bool, bool]:
    low, high, open_low, open_high = -math.inf, math.inf, False, False
    for entry in metadata:
        if getattr(entry, "ge", None) is not None:
            low = entry.ge
        if getattr(entry, "gt", None) is not None:
            low, open_low = entry.gt, True
        if getattr(entry, "le", None) is not None:
            high = entry.le
        if getattr(entry, "lt", None) is not None:
            high, open_high = entry.lt, True
    return low, high, open_low, open_high


def editor(annotation: Any, metadata: list[Any]) -> Editor:
    """The editor of a plain field: bool, int, float, str, Literal, Path, Length, a tuple of these, or one of them or none.

    Raises
    ------
    TypeError
        For any other type.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return editor(arguments[0], [*metadata, *arguments[1:]])
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is type(None):
        return _Optional(editor(arguments[0], metadata))
    if origin is tuple and arguments and Ellipsis not in arguments:
        return _Tuple([editor(argument, []) for argument in arguments])
    if annotation == tuple[str, ...]:
        return _Words()
    if annotation is Length:
        return _Length()
    low, high, open_low, open_high = _limits(metadata)
    if annotation is float:
        return _Float(low, high)
    if annotation is int:
        bottom = -_INT_LIMIT if low == -math.inf else math.ceil(low) + open_low
        top = _INT_LIMIT if high == math.inf else math.floor(high) - open_high
        return _Magic(int, min=bottom, max=top, step=1)
    if origin is Literal or (isinstance(annotation, type) and issubclass(annotation, bool | str | Path)):
        return _Magic(annotation)
    raise TypeError(f"no editor for a field of type {annotation}")
