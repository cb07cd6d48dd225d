"""What long work yields, and how it is driven to its end.

Long work is a generator: it yields events and returns its result. Not asking for the next event stops it, so whatever
an event announces has been saved before.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Event:
    """Base of all events. Fields hold JSON values only."""


@dataclass(frozen=True)
class Progress(Event):
    """So much of a known amount of work is done and saved."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class StepDone(Event):
    """One training step: its number counted from 1, the number of the last step, and the losses by name."""

    step: int
    total: int
    losses: dict[str, float]


@dataclass(frozen=True)
class EpochEnd(Event):
    """A monitor was taken: values without labels, by name (crack share on cracked frames, …)."""

    step: int
    monitors: dict[str, float]


@dataclass(frozen=True)
class Preview(Event):
    """A picture of the work so far was written."""

    path: str
    step: int


@dataclass(frozen=True)
class Saved(Event):
    """State is on disk; stopping now loses nothing that came before."""

    path: str
    step: int


@dataclass(frozen=True)
class Said(Event):
    """A decision or a fact the user should know."""

    text: str


@dataclass(frozen=True)
class Estimated(Said):
    """What the rest of the work takes: seconds, and bytes on the disk and in memory."""

    seconds: float
    disk: float
    memory: float

    @classmethod
    def told(cls, what: str, seconds: float, disk: float, memory: float, free: float, short: float = 0) -> Estimated:
        """In words that begin with `what`, beside what is free on the disk; times up to `short` seconds are a few."""
        about = "a few seconds" if seconds <= short else f"about {duration(seconds)}"
        text = f"{what} {about}, {amount(disk)} on the disk ({amount(free)} free), {amount(memory)} of memory."
        return cls(text, seconds, disk, memory)


def duration(seconds: float) -> str:
    """A time in the unit that fits."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def amount(size: float) -> str:
    """So many bytes in the unit that fits."""
    unit, factor = ("GB", 1e9) if size >= 1e8 else ("MB", 1e6) if size >= 1e5 else ("kB", 1e3)
    return f"{size / factor:.3g} {unit}"


@dataclass(frozen=True)
class Warned(Event):
    """Something is doubtful; the work goes on."""

    text: str


@dataclass(frozen=True)
class Finished(Event):
    """The work is complete; `result` is a path or a sentence."""

    result: str


@dataclass(frozen=True)
class Failed(Event):
    """The work ended with an error that the user can put right."""

    text: str


Work = Generator[Event, None, Result]

_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (Progress, StepDone, EpochEnd, Preview, Saved, Said, Estimated, Warned, Finished, Failed)
}


def to_json(event: Event) -> str:
    """One line of JSON, the class name under ``event``."""
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def from_json(line: str) -> Event:
    """Inverse of :func:`to_json`.

    Raises
    ------
    ValueError
        If the line is no event.
    """
    values: dict[str, Any] = json.loads(line)
    kind = _KINDS.get(values.pop("event", ""))
    if kind is None or set(values) != {field.name for field in fields(kind)}:
        raise ValueError(f"not an event: {line[:80]!r}")
    return kind(**values)


def finish(work: Work[Result]) -> Result:
    """Drive a generator to its end and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result
