"""Events for people, on a terminal or in a log, and for programs, as JSON lines."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from ..events import EpochEnd, Event, Failed, Finished, Preview, Progress, Said, Saved, StepDone, Warned, to_json

_REFRESH = 0.1
"""Seconds between two redrawings of the progress line on a terminal …"""
_REFRESH_LOG = 10.0
"""… and between two progress lines in a log."""


class Audience(Protocol):
    """Who is told of events."""

    def tell(self, event: Event) -> None:
        """Show one event."""


class Nobody:
    """Of processes that work together only the leading one speaks."""

    def tell(self, event: Event) -> None:
        pass


@dataclass
class Program:
    """One JSON object a line on standard output; `gone` is set when nobody reads it any more."""

    gone: threading.Event

    def tell(self, event: Event) -> None:
        try:
            sys.stdout.write(to_json(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            mute()
            self.gone.set()


def mute() -> None:
    """Send all further output nowhere: its reader is gone, and writing to it would raise."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@dataclass
class Person:
    """Results on standard output, all else on standard error; progress rewrites its line on a terminal only."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    _drawn: int = 0
    """Characters of the progress line that stands on the terminal."""
    _last: float = float("-inf")
    _begun: dict[str, tuple[float, int]] = field(default_factory=dict)
    """When each kind of work was first heard of, and how much of it was done by then."""

    def tell(self, event: Event) -> None:
        match event:
            case Progress(done, total, what):
                self._progress(what, done, total, "")
            case StepDone(step, total, losses):
                self._progress("step", step, total, _values(losses))
            case EpochEnd(step, monitors):
                self._line(f"step {step}: {_values(monitors)}")
            case Preview(path, step) | Saved(path, step):
                self._line(f"step {step}: wrote {path}" if step else f"wrote {path}")
            case Said(text):
                self._line(text)
            case Warned(text):
                self._line(f"Warning: {text}")
            case Finished(result):
                self._clear()
                self.out.write(result + "\n")
                self.out.flush()
            case Failed(text):
                self._line(text)

    def _progress(self, what: str, done: int, total: int, more: str) -> None:
        """One line on how far the work is; a total of 0 is not known yet."""
        now = time.monotonic()
        begun, already = self._begun.setdefault(what, (now, done))
        terminal, last = self.err.isatty(), done == total
        if now - self._last < (_REFRESH if terminal else _REFRESH_LOG) and not last:
            return
        self._last = now
        left = (now - begun) * (total - done) / (done - already) if done > already else 0.0
        count = f"{what} {done}/{total}" if total else f"{what} {done}"
        line = ", ".join(part for part in (count, f"about {_duration(left)} left" if left >= 1 else "", more) if part)
        if terminal and not last:
            self._clear()
            self.err.write(line)
            self.err.flush()
            self._drawn = len(line)
        else:
            self._line(line)

    def _line(self, text: str) -> None:
        self._clear()
        self.err.write(text + "\n")
        self.err.flush()

    def _clear(self) -> None:
        if self._drawn:
            self.err.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0


def _values(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{rest} s"
