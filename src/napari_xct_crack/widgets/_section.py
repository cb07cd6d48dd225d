"""The base of every section of the workbench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..commands import Command
from ..commands._arguments import command_line
from ..errors import XctCrackError
from ._bench import Bench
from ._jobbox import JobBox


class Section(QWidget):
    """Controls of one step; says in one line what it does or needs.

    A section is built when it is first opened: what it needs may take seconds to import.
    """

    title = ""
    purpose = ""
    """What the section does, in one line."""
    step: type[Command]
    """What it runs."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(6, 2, 6, 6)
        self.column.setSpacing(4)
        self._says = caption(self.purpose, "What this section does, needs, or could not do.")
        self.column.addWidget(self._says)
        self.running: Command | None = None
        """The step that runs, or ran last."""
        self.job = JobBox()
        self.job.ended.connect(self._job_ended)
        self.job.resumed.connect(lambda: self.trying(self._resume))
        bench.changed.connect(self.refresh)
        bench.changed.connect(self.offer_unfinished)
        bench.saving.connect(self.remember)

    def refresh(self) -> None:
        """Enable what can be done now, and say what is missing."""

    def command(self) -> Command:
        """The step as it stands in the controls.

        Raises
        ------
        XctCrackError
            If something is missing or wrong.
        """
        raise NotImplementedError

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Show one line; wrong is red."""
        self._says.setText(text or self.purpose)
        self._says.setStyleSheet("color: #e55;" if wrong else "")

    def trying(self, action: Callable[[], object]) -> None:
        """Do something; what the user can put right is said in the section."""
        try:
            action()
        except XctCrackError as error:
            self.say(str(error), wrong=True)

    def button(self, text: str, tip: str, action: Callable[[], object]) -> QPushButton:
        """A button whose action may fail with one sentence."""
        made = QPushButton(text)
        made.setToolTip(tip)
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        made.clicked.connect(lambda: self.trying(action))
        return made

    def line(self, *widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
        """Put widgets side by side below what is there; `stretch` is the one that grows."""
        row = side_by_side(*widgets, stretch=stretch)
        self.column.addLayout(row)
        return row

    def start(self) -> None:
        """Run the step in a child process."""
        self._run(self.command())

    def _run(self, command: Command) -> None:
        project = self.bench.project.made()
        self.bench.saving.emit()
        self.running = command
        if isinstance(command, self.step) and "out" in type(command).model_fields:
            self.bench.project.remember(self._unfinished, command.model_dump(mode="json", by_alias=True))
        self.job.start(command, project)
        self.say("")
        self.refresh()

    @property
    def _unfinished(self) -> str:
        return f"unfinished {self.title}"

    def _resume(self) -> None:
        if self.running is not None:
            self._run(self.running)

    def offer_unfinished(self) -> None:
        """Offer to go on with a step of this project that was stopped, perhaps by closing napari."""
        if self.job.running or self.bench.folder is None:
            return
        kept = self.bench.project.recall().get(self._unfinished)
        if not kept or not self.is_unfinished(Path(kept["out"])):
            self.job.offer("")
            return
        out = Path(kept["out"])
        try:
            self.running = self.step.checked(kept)
        except XctCrackError as error:
            self.say(f"{out.name} is unfinished and cannot be resumed: {error}", wrong=True)
        else:
            self.job.offer(f"{out.name} is unfinished.")

    def is_unfinished(self, out: Path) -> bool:
        """Whether the step left a result that it can go on with."""
        return (out / ".work").exists()

    def copy(self) -> None:
        """Put the step's command line on the clipboard."""
        QApplication.clipboard().setText(command_line(self.command()))
        self.say("The command line is on the clipboard.")

    def copy_button(self) -> QPushButton:
        return self.button("Copy command", "Copy the command line that does the same in a terminal.", self.copy)

    def remember(self) -> None:
        """Keep what the controls show in the project."""

    def reveal(self, widget: QWidget) -> None:
        """Scroll until a widget of the section is seen."""
        outer = self.parentWidget()
        while outer is not None and not isinstance(outer, QScrollArea):
            outer = outer.parentWidget()
        if outer is not None:
            outer.ensureWidgetVisible(widget)

    def close_work(self) -> None:
        """Let go of threads and layers; the window closes."""

    def _job_ended(self, result: object) -> None:
        if self.job.failure:
            self.say(self.job.failure, wrong=True)
        self.refresh()
        self.offer_unfinished()


def side_by_side(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """A row of widgets; `stretch` is the one that grows, all do if none is named."""
    row = QHBoxLayout()
    row.setSpacing(4)
    for number, widget in enumerate(widgets):
        row.addWidget(widget, int(stretch is None or number == stretch))
    return row


def caption(text: str, tip: str) -> QLabel:
    """A word-wrapped label with a tooltip; a long word, such as a path, does not widen the panel."""
    label = QLabel(text)
    label.setWordWrap(True)
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
    label.setToolTip(tip)
    return label
