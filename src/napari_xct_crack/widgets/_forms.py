"""A settings class as a form, and the form as settings."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from ..errors import SettingsError
from ..settings import Kind, Settings
from ._editor import Editor, calm
from ._fields import editor
from ._fold import Fold


class Form(Editor):
    """Edits the fields of one settings class.

    Parameters
    ----------
    declared
        The settings class.
    skip
        Fields that are not shown; :meth:`settings` then takes their values.
    """

    def __init__(self, declared: type[Settings], *, skip: Collection[str] = ()) -> None:
        super().__init__()
        self.declared = declared
        self._editors: dict[str, Editor] = {}
        self._labels: dict[str, QLabel] = {}
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        self.row.addLayout(column)
        plain, advanced = _rows(), _rows()
        column.addLayout(plain)
        for name, field in declared.model_fields.items():
            if name not in skip and name != "kind":
                self._add(field.alias or name, field, advanced if _is_advanced(field) else plain)
        if advanced.rowCount():
            holder = QWidget()
            holder.setLayout(advanced)
            column.addWidget(Fold("Advanced", "Settings that rarely need a change.", holder))

    def _add(self, name: str, field: FieldInfo, rows: QFormLayout) -> None:
        made = _editor_of(field)
        if not field.is_required():
            made.set(field.get_default(call_default_factory=True))
        label = QLabel(name.replace("_", " "))
        description = inspect.cleandoc(field.description or "")
        _explain(label, description)
        _explain(made, description)
        if isinstance(made, Form | KindForm):
            rows.addRow(label)
            rows.addRow(made)
        else:
            rows.addRow(label, made)
        made.changed.connect(self.changed)
        self._editors[name], self._labels[name] = made, label

    def __getitem__(self, name: str) -> Editor:
        """The editor of one field."""
        return self._editors[name]

    def get(self) -> dict[str, Any]:
        """What is shown, unchecked."""
        return {name: shown.get() for name, shown in self._editors.items()}

    def settings(self, **given: Any) -> Any:
        """What is shown, as checked settings; `given` are the fields that are not shown.

        Raises
        ------
        SettingsError
            Naming the first field that does not fit; its label turns red.
        """
        for label in self._labels.values():
            label.setStyleSheet("")
        try:
            return self.declared.checked({**self.get(), **given})
        except SettingsError as error:
            cause = error.__cause__
            first = cause.errors()[0]["loc"][:1] if isinstance(cause, ValidationError) else ()
            if first and first[0] in self._labels:
                self._labels[first[0]].setStyleSheet("color: #d33;")
            raise

    def set(self, value: Any) -> None:
        """Show settings (or some of their values by name)."""
        values = (
            {name: getattr(value, name) for name in type(value).model_fields} if isinstance(value, Settings) else value
        )
        blocked = self.blockSignals(True)
        for name, shown in self._editors.items():
            if name in values:
                shown.set(values[name])
        self.blockSignals(blocked)
        self.changed.emit()


class KindForm(Editor):
    """A choice among the kinds of a family, and the form of the chosen one; each remembers what was entered.

    Parameters
    ----------
    folded
        The form is folded away below the choice.
    """

    def __init__(self, family: type[Kind], *, folded: bool = False) -> None:
        super().__init__()
        self._kinds = family.kinds()
        self._forms: dict[str, Editor] = {}
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self.row.addLayout(self._column)
        self._choice = QComboBox()
        calm(self._choice)
        for number, (name, kind) in enumerate(sorted(self._kinds.items())):
            self._choice.addItem(name)
            self._choice.setItemData(number, inspect.getdoc(kind) or name, 3)
        self._column.addWidget(self._choice)
        self._shown = self._column
        if folded:
            holder = QWidget()
            self._shown = QVBoxLayout(holder)
            self._shown.setContentsMargins(12, 0, 0, 0)
            self._column.addWidget(Fold("Settings", "Settings of this kind.", holder))
        self._choice.currentTextChanged.connect(self._chosen)
        self._chosen(self._choice.currentText())

    def _chosen(self, name: str) -> None:
        if name and name not in self._forms:
            self._forms[name] = _form_of(self._kinds[name])
            self._forms[name].changed.connect(self.changed)
            self._shown.addWidget(self._forms[name])
        for other, form in self._forms.items():
            form.setVisible(other == name)
        if name:
            summary = (inspect.getdoc(self._kinds[name]) or name).partition("\n")[0]
            self._choice.setToolTip(summary)
            self.changed.emit()

    def get(self) -> dict[str, Any]:
        name = self._choice.currentText()
        return {"kind": name, **self._forms[name].get()}

    def set(self, value: Any) -> None:
        kind = value["kind"] if isinstance(value, dict) else value.kind
        self._choice.setCurrentText(kind)
        self._forms[kind].set(value)


def _form_of(kind: type[Kind]) -> Editor:
    from ..cracks.mixture import Mixture
    from ._mixture import MixtureForm  # which is made of forms

    return MixtureForm() if kind is Mixture else Form(kind)


def _editor_of(field: FieldInfo) -> Editor:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Kind) and not _is_one_kind(annotation):
        return KindForm(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return Form(annotation)
    return editor(annotation, field.metadata, field.default)


def _is_one_kind(declared: type[Kind]) -> bool:
    field = declared.model_fields.get("kind")
    return field is not None and isinstance(field.default, str)


def _is_advanced(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("advanced"))


def _explain(widget: QWidget, text: str) -> None:
    """Set the tooltip of a widget and of all in it that have none."""
    for each in (widget, *widget.findChildren(QWidget)):
        if not each.toolTip():
            each.setToolTip(text)


def _rows() -> QFormLayout:
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(3)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    return rows
