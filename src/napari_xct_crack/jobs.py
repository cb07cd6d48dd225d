"""A command in a child process: start it, follow its events, stop it, or let it go on alone.

The child prints its events as JSON lines and reads its standard input: ``stop`` asks it to save and end, end of file
means that this process is gone and asks the same, and ``alone`` tells it to go on without us.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psutil

from .commands import Command, _history, name_of
from .commands._arguments import arguments
from .commands._show import mute
from .events import Event, Failed, Said, Work, from_json

Stage = Literal["ask", "terminate", "kill"]
STAGES: tuple[Stage, ...] = ("ask", "terminate", "kill")
"""How a job is stopped, gentlest first."""

_STOP, _ALONE = b"stop", b"alone"
_NICE = 10
"""Low enough for the canvas of this process to stay smooth."""
_LOG_LINES = 500
"""So much of the child's standard error is kept."""


class Job:
    """A child process that obeys us.

    Parameters
    ----------
    words
        Program and arguments. Never goes through a shell.
    patient
        Whether it takes only what is idle of the machine, where the system can tell.
    """

    def __init__(self, words: Sequence[str], patient: bool = False) -> None:
        self.words, self._patient = list(words), patient
        self.stage: Stage | None = None
        """The last step taken to stop it."""
        self.alone = False
        """It was let go."""
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        own_group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
            **own_group,
        )
        threading.Thread(target=self._keep_log, daemon=True).start()
        self._lower_priority()

    @classmethod
    def start(cls, command: Command, project: Path | None = None) -> Job:
        """Run a command in a child process and write it into the project's history."""
        _history.record(command, project)
        how = ["--events", "jsonl", "--supervised"]
        words = [sys.executable, "-m", "napari_xct_crack", name_of(type(command)), *how, *arguments(command)]
        return cls(words, command.patient)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def next_stage(self) -> Stage | None:
        """What :meth:`stop` would do now; none where nothing gentler or harder is left."""
        done = 0 if self.stage is None else STAGES.index(self.stage) + 1
        return STAGES[done] if done < len(STAGES) and self.running else None

    def follow(self) -> Work[int]:
        """Yield the child's events until its pipe closes; the result is its exit code.

        A child that ends in any other way than done, stopped or a sentence of its own yields :class:`Failed` last.
        """
        failed = False
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):  # killed while it wrote
                break
            event = _event(line.decode("utf-8", "replace"))
            failed = failed or isinstance(event, Failed)
            yield event
        if self.alone:
            return 0
        code = self._process.wait()
        stopped = code == 130 or self.stage in ("terminate", "kill")
        if code != 0 and not stopped and not failed:
            yield Failed(self._last_words(code))
        return code

    def stop(self) -> Stage | None:
        """Take the next step to stop the child: ask, terminate, kill. Returns it, or none where the child has ended."""
        stage = self.next_stage
        if stage is None:
            return None
        self.stage = stage
        if stage == "ask":
            self._tell(_STOP)
        else:
            for process in self._family():
                with suppress(psutil.NoSuchProcess):
                    process.terminate() if stage == "terminate" else process.kill()
        return stage

    def end(self, patience: Sequence[float] = (60.0, 10.0, 10.0)) -> Iterator[Stage]:
        """Stop the child for sure: yield each step as it is taken and give it so many seconds to work."""
        for seconds in patience:
            stage = self.stop()
            if stage is None:
                return
            yield stage
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def let_go(self) -> None:
        """Let the child finish although this process ends."""
        self.alone = True
        self._tell(_ALONE)

    @property
    def log(self) -> str:
        """What the child wrote to standard error, the last lines of it."""
        return "".join(self._log)

    def _keep_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line.decode("utf-8", "replace"))

    def _tell(self, word: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended by itself
            self._process.stdin.write(word + b"\n")
            self._process.stdin.flush()

    def _lower_priority(self) -> None:
        below = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICE
        with suppress(psutil.NoSuchProcess):  # it has ended already; following it says why
            psutil.Process(self.pid).nice(below)
        if sys.platform == "linux":
            with suppress(OSError):
                # a desktop's kernel weighs whole sessions against each other, and this one is the child's own
                Path(f"/proc/{self.pid}/autogroup").write_text(str(_NICE))
            if self._patient:
                with suppress(OSError):  # in time: threads that it starts later are scheduled as it is
                    os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def _family(self) -> list[psutil.Process]:
        """The child and its children."""
        try:
            child = psutil.Process(self.pid)
            return [*child.children(recursive=True), child]
        except psutil.NoSuchProcess:
            return []

    def _last_words(self, code: int) -> str:
        lines = self.log.strip().splitlines()
        if code == 2 and lines:
            return lines[-1]
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"The work {how}: {lines[-1]}" if lines else f"The work {how} and did not say why."


def _event(line: str) -> Event:
    """One line of the child; what a library printed there is passed on as it is."""
    try:
        return from_json(line)
    except ValueError:
        return Said(line.rstrip())


def obey(stop: threading.Event) -> None:
    """In the child: set `stop` when the parent asks for it or is gone."""
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()


def _listen(stop: threading.Event) -> None:
    # Not sys.stdin: a thread that waits in its buffer makes the interpreter's end fail.
    pending = b""
    while chunk := _read_stdin():
        *lines, pending = (pending + chunk).split(b"\n")
        for line in map(bytes.strip, lines):
            if line == _STOP:
                stop.set()
            elif line == _ALONE:
                mute()
                return
    stop.set()


def _read_stdin() -> bytes:
    try:
        return os.read(0, 4096)
    except OSError:  # closed from the start: there is no parent to obey
        return b""
