"""Any number of generators with weights, as one mixture."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout

from ..cracks import CrackGenerator
from ..cracks.mixture import Mixture
from ..cracks.random import RandomCracks
from ._editor import Editor
from ._forms import Form, KindForm
from ._numbers import Number


class _Part(Editor):
    """A generator, its weight, and a button that removes it."""

    def __init__(self, generator: CrackGenerator, weight: float) -> None:
        super().__init__()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.row.addLayout(column)
        self.weight = Number(0.0, 1.0, 0.5, slim=False)
        self.weight.set(weight)
        self.remove = QPushButton("✕")
        self.remove.setFixedWidth(24)
        self.remove.setToolTip("Take this generator out of the mixture.")
        self.weight.row.insertWidget(0, QLabel("weight"))
        self.weight.row.addWidget(self.remove)
        self.cracks = KindForm(CrackGenerator, folded=True)
        self.cracks.set(generator)
        column.addWidget(self.cracks)
        column.addWidget(self.weight)
        for child in self.weight.findChildren(type(self.weight._box)):
            child.setToolTip("Weight of this generator among the cracked patches.")
        self.weight.setToolTip("Weight of this generator among the cracked patches.")
        for editor in (self.cracks, self.weight):
            editor.changed.connect(self.changed)


class MixtureForm(Editor):
    """Edits a mixture: a row for each generator, and the shares of empty and of warped patches."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.row.addLayout(self._column)
        self.parts: list[_Part] = []
        self.add = QPushButton("Add a generator")
        self.add.setToolTip("Mix in one more generator.")
        self.add.clicked.connect(lambda: self._append(RandomCracks(), 0.5))
        self._column.addWidget(self.add)
        self.options = Form(Mixture, skip=["first", "second", "share"])
        self.options.changed.connect(self.changed)
        self._column.addWidget(self.options)
        self.set(Mixture())

    def _append(self, generator: CrackGenerator, weight: float) -> None:
        part = _Part(generator, weight)
        part.remove.clicked.connect(partial(self._drop, part))
        part.changed.connect(self.changed)
        self._column.insertWidget(len(self.parts), part)
        self.parts.append(part)
        self._count()

    def _drop(self, part: _Part, *_: Any) -> None:
        self.parts.remove(part)
        self._column.removeWidget(part)
        part.hide()
        part.deleteLater()
        self._count()

    def _count(self) -> None:
        for part in self.parts:
            part.remove.setEnabled(len(self.parts) > 1)
        self.changed.emit()

    def get(self) -> dict[str, Any]:
        """The mixture's values.

        Raises
        ------
        SettingsError
            If a generator's values do not fit, or no weight is above 0.
        """
        parts = []
        for part in self.parts:
            values = part.cracks.get()
            parts.append((CrackGenerator.named(values["kind"]).checked(values), part.weight.get()))
        mixture = Mixture.of(parts)
        return {"first": mixture.first, "second": mixture.second, "share": mixture.share, **self.options.get()}

    def set(self, value: Any) -> None:
        mixture = value if isinstance(value, Mixture) else Mixture.checked({**value, "kind": "mixture"})
        blocked = self.blockSignals(True)
        while self.parts:
            self._drop(self.parts[-1])
        for generator, share in mixture.parts:
            self._append(generator, share)
        self.options.set({"empty": mixture.empty, "warp": mixture.warp})
        self.blockSignals(blocked)
        self.changed.emit()
