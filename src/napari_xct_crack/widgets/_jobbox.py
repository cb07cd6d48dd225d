"""What a section shows of its long work: a bar, the time left, a log and one Stop button."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ..commands import Command
from ..events import Event, Failed, Finished, Progress, Said, Saved, StepDone, Warned, Work
from ..jobs import Job
from ._work import Task

_STOP = {
    "ask": ("Stop", "Ask the work to save what it has and to end."),
    "terminate": ("Terminate", "It was asked to stop and has not ended yet: end it now. What was saved before stays."),
    "kill": ("Kill", "It does not end: kill it. What was saved before stays."),
}


class JobBox(QWidget):
    """Starts and follows one piece of long work at a time; hidden until the first one."""

    told = Signal(list)
    """Events of the work, in order."""
    ended = Signal(object)
    """What the work returned; of a child process, its exit code."""
    resumed = Signal()
    """Unfinished work is to go on."""

    def __init__(self) -> None:
        super().__init__()
        self._resumable = False
        self.task: Task | None = None
        self.failure = ""
        self._bar = QProgressBar()
        self._bar.setToolTip("How much of the work is done.")
        self._left = QLabel()
        self._left.setToolTip("What is being done, and the time that is left at this speed.")
        self._left.setWordWrap(True)
        self._stop = QPushButton("Stop")
        self._stop.clicked.connect(self._stop_clicked)
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(500)
        self._log.setFixedHeight(84)
        self._log.setToolTip("What the work says.")
        line = QHBoxLayout()
        line.addWidget(self._bar, 1)
        line.addWidget(self._stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        column.addWidget(self._left)
        column.addWidget(self._log)
        self._show_stage()
        self.hide()

    def offer(self, text: str) -> None:
        """Offer to resume unfinished work, which `text` names; nothing to resume if it is empty."""
        self._resumable = bool(text)
        if text and not self.running:
            self._left.setText(text)
            self.show()
        self._show_stage()

    @property
    def running(self) -> bool:
        return self.task is not None and self.task.running

    def start(self, command: Command, project: Path) -> None:
        """Run a command in a child process."""
        self.follow(Job.start(command, project))

    def follow(self, work: Job | Work[Any]) -> None:
        """Follow a child process, or run a generator in a thread."""
        self.failure = ""
        self._started: tuple[float, int] | None = None
        self._saved = ""
        self._log.clear()
        self._left.setText("Starting …")
        self._bar.setRange(0, 0)
        self.task = Task(work)
        self.task.told.connect(self._told)
        self.task.ended.connect(self._ended)
        self._show_stage()
        self.show()

    def stop(self) -> None:
        """Take the next step to stop the work."""
        if self.task is not None:
            self.task.stop()
            self._show_stage()

    def let_go(self) -> None:
        """Let a child process finish although this one ends; other work is stopped."""
        if self.task is not None:
            self.task.let_go()

    def finish_now(self) -> None:
        """Stop the work and wait until it has saved and ended."""
        if self.task is not None:
            self.task.finish_now()

    def _stop_clicked(self) -> None:
        if not self.running:
            self.resumed.emit()
            return
        self.stop()
        self._left.setText("Stopping; it saves first …" if self.running else "")

    def _show_stage(self) -> None:
        stage = self.task.next_stage if self.task is not None else None
        text, tip = _STOP[stage] if stage else ("Stop", "Nothing is running.")
        if self._resumable and not self.running:
            text, tip = "Resume", "Go on where the work was stopped."
        self._stop.setText(text)
        self._stop.setToolTip(tip)
        self._stop.setEnabled(stage is not None or text == "Resume")

    def _told(self, events: list[Event]) -> None:
        newest: tuple[int, int, str] | None = None
        for event in events:
            if isinstance(event, Progress):
                newest = (event.done, event.total, event.what)
            elif isinstance(event, StepDone):
                newest = (event.step, event.total, f"step {event.step}")
            elif isinstance(event, Saved):
                self._saved = f"; saved at step {event.step}"
            elif isinstance(event, Said | Warned | Failed | Finished):
                self._log.appendPlainText(_words(event))
            if isinstance(event, Failed):
                self.failure = event.text
        if newest is not None:
            self._progress(*newest)
        self.told.emit(events)

    def _progress(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if self._started is None or done < self._started[1]:
            self._started = (now, done)
        since, first = self._started
        self._bar.setRange(0, min(total, 2**31 - 1))
        self._bar.setValue(min(done, total))
        left = ""
        if done > first and total >= done:
            left = f", {duration((now - since) / (done - first) * (total - done))} left"
        asked = self.task is not None and self.task.job is not None and self.task.job.stage is not None
        self._left.setText("Stopping; it saves first …" if asked else f"{what}{left}{self._saved}")

    def _ended(self, result: Any) -> None:
        self._bar.setRange(0, 1)
        self._bar.setValue(int(not self.failure and result != 130))
        self._left.setText(self.failure or ("Stopped; what was done is saved." if result == 130 else "Done."))
        self._show_stage()
        self.ended.emit(result)


def _words(event: Event) -> str:
    if isinstance(event, Warned):
        return f"Warning: {event.text}"
    if isinstance(event, Finished):
        return event.result
    return str(getattr(event, "text", event))


def duration(seconds: float) -> str:
    """About how long, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
