"""The command line over :mod:`napari_xct_crack.commands`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import __version__, commands
from .commands import PROGRAM
from .errors import OutputError, XctCrackError
from .events import Estimated, Event, Failed, Finished, Said, Warned, Work
from .processes import leads

if TYPE_CHECKING:
    from .commands._show import Audience

DONE, USER_ERROR, STOPPED = 0, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Command and arguments; those of this process where it is not given.

    Returns
    -------
    int
        0 done; 2 the user can put it right, and one sentence on standard error says how; 130 stopped, state saved.
    """
    # a thread that waits by spinning keeps the one it waits for off a busy core: 10 times fewer training steps; read as torch loads
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    tokens = list(sys.argv[1:] if argv is None else argv)
    try:
        if not tokens or tokens[0] in ("--help", "-h"):
            sys.stdout.write(_overview() + "\n")
            return DONE
        if tokens[0] == "--version":
            sys.stdout.write(__version__ + "\n")
            return DONE
        return _run(tokens[0], tokens[1:])
    except XctCrackError as error:
        sys.stderr.write(f"{error}\n")
        return USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("Stopped at once; what was saved before stays.\n")
        return STOPPED
    except BrokenPipeError:  # nobody reads our output any more
        from .commands._show import mute

        mute()
        return STOPPED


def _overview() -> str:
    about = {name: commands.summary(name) for name in commands.names()}
    width = max(map(len, about))
    lines = [f"  {name:{width}}  {summary}" for name, summary in about.items()]
    return "\n".join([f"Usage: {PROGRAM} COMMAND [ARGUMENTS]", "", *lines, "", f"{PROGRAM} COMMAND --help says more."])


def _run(name: str, tokens: Sequence[str]) -> int:
    if name not in commands.names():
        near = get_close_matches(name, commands.names(), 1) or commands.names()
        raise XctCrackError(f"There is no command {name!r}; did you mean {' or '.join(near)}?")
    from .commands import _history
    from .commands._parse import parse
    from .commands._show import Nobody, Person, Program

    given = parse(commands.load(name), tokens)
    if given is None:
        return DONE
    with _stop_asked(given.supervised) as stop:
        audience: Audience = Person() if leads() else Nobody()
        if given.events and leads():
            # The parent says on standard input whether we go on without it; with no parent, no reader means no work.
            audience = Program(gone=threading.Event() if given.supervised else stop)
        if not given.supervised and leads():
            _noted(audience, lambda: _history.record(given.command))

        told: list[float] = []

        def tell(event: Event) -> None:
            audience.tell(event)
            if isinstance(event, Estimated):
                told.append(time.monotonic())
                _noted(audience, lambda: _history.estimated(given.command, event))

        try:
            code = _drive(given.command.run(), tell, stop)
            if told and code == DONE:
                _noted(audience, lambda: _history.taken(given.command, time.monotonic() - told[0]))
        except XctCrackError as error:
            if given.events:
                audience.tell(Failed(str(error)))
            raise
    if code == STOPPED and not given.events:
        audience.tell(Said("Stopped; the state is saved."))
    return code


def _noted(audience: Audience, note: Callable[[], None]) -> None:
    """Write into the project's history; one that is only read from is no reason not to work."""
    try:
        note()
    except OutputError as error:
        audience.tell(Warned(str(error)))


def _drive(work: Work[Any], tell: Callable[[Event], None], stop: threading.Event) -> int:
    """Ask for events until there are no more or until we are to stop; what they announced has been saved."""
    event: Event | None = None
    while isinstance(event, Finished) or not stop.is_set():
        try:
            event = next(work)
        except StopIteration:
            return DONE
        tell(event)
    work.close()
    return STOPPED


@contextmanager
def _stop_asked(supervised: bool) -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM or the parent process sets; a second signal does not wait for the step's end."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        if leads():
            os.write(2, b"Stopping when this step is saved; once more stops at once.\n")

    if supervised:
        from .jobs import obey

        obey(stop)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
