"""One editor per type of field that settings may have: it shows a value and gives it back unchanged."""

from __future__ import annotations

import math
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from magicgui.widgets import create_widget
from qtpy.QtWidgets import QCheckBox, QLineEdit, QSizePolicy

from ..settings import Length
from ._editor import Editor, calm
from ._numbers import Number

_INT_LIMIT = 2**53


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


def editor(annotation: Any, metadata: list[Any], usual: Any = None, slim: bool = False) -> Editor:
    """The editor of a plain field: bool, int, float, str, Literal, Path, Length, a tuple of these, or one of them or none.

    Parameters
    ----------
    metadata
        The field's limits, as pydantic keeps them.
    usual
        The field's default.
    slim
        Several editors stand side by side.

    Raises
    ------
    TypeError
        For any other type.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return editor(arguments[0], [*metadata, *arguments[1:]], usual, slim)
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is type(None):
        return _Optional(editor(arguments[0], metadata, usual))
    if annotation == tuple[str, ...]:
        return _Words()
    if origin is tuple and arguments and Ellipsis not in arguments:
        return _Tuple([editor(argument, [], slim=True) for argument in arguments])
    if annotation is Length:
        return _Length()
    if annotation is float or annotation is int:
        return _number(annotation, metadata, usual, slim)
    if origin is Literal or (isinstance(annotation, type) and issubclass(annotation, bool | str | Path)):
        return _Magic(annotation)
    raise TypeError(f"no editor for a field of type {annotation}")


def _number(annotation: Any, metadata: list[Any], usual: Any, slim: bool) -> Editor:
    limits = {
        name: value
        for entry in metadata
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(entry, name, None)) is not None
    }
    low, high = limits.get("gt", limits.get("ge", -math.inf)), limits.get("lt", limits.get("le", math.inf))
    if annotation is float:
        return Number(low, high, usual if isinstance(usual, float) else 0.0, slim)
    bottom = -_INT_LIMIT if low == -math.inf else math.ceil(low) + ("gt" in limits)
    top = _INT_LIMIT if high == math.inf else math.floor(high) - ("lt" in limits)
    return _Magic(int, min=bottom, max=top, step=1)
