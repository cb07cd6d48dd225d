"""The only threads of the package's GUI: long work that is followed, and previews of which the newest wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QThreadPool, QTimer, Signal

from ..errors import XctCrackError
from ..events import Event, Failed, Work
from ..jobs import Job, Stage

_PERIOD = 0.1
"""Seconds between two signals, at least."""
_PATIENCE = 10_000
"""Milliseconds that calls are given to end when the window closes."""


class _End:
    """Last entry of a queue of events: what the work returned, or the bug that ended it."""

    def __init__(self, result: Any = None, error: Exception | None = None) -> None:
        self.result, self.error = result, error


def _pump(work: Work[Any], queue: SimpleQueue[Event | _End], halt: threading.Event) -> None:
    try:
        while not halt.is_set():
            queue.put(next(work))
        work.close()
        queue.put(_End())
    except StopIteration as end:
        queue.put(_End(end.value))
    except XctCrackError as error:
        queue.put(Failed(str(error)))
        queue.put(_End())
    except Exception as error:  # noqa: BLE001 - handed over to the main thread, which raises it
        queue.put(_End(error=error))


def _batches(work: Work[Any], halt: threading.Event) -> Iterator[list[Event | _End]]:
    """Events in groups, one group each tenth of a second at most, none held back."""
    queue: SimpleQueue[Event | _End] = SimpleQueue()
    threading.Thread(target=_pump, args=(work, queue, halt), daemon=True).start()
    ended = False
    while not ended:
        batch = [queue.get()]
        time.sleep(_PERIOD)
        try:
            while True:
                batch.append(queue.get_nowait())
        except Empty:
            pass
        ended = isinstance(batch[-1], _End)
        yield batch


class Task(QObject):
    """Long work that is followed from the main thread: a child process, or a generator in a thread of this one."""

    told = Signal(list)
    """Events, in order."""
    ended = Signal(object)
    """What the work returned; of a child process, its exit code."""

    def __init__(self, work: Job | Work[Any]) -> None:
        super().__init__()
        self.job = work if isinstance(work, Job) else None
        self.running = True
        self._halt = threading.Event()
        followed = work.follow() if isinstance(work, Job) else work
        self._worker = create_worker(_batches, followed, self._halt, _ignore_errors=True)
        self._worker.yielded.connect(self._receive)
        self._worker.start()

    def _receive(self, batch: list[Event | _End]) -> None:
        events = [entry for entry in batch if isinstance(entry, Event)]
        if events:
            self.told.emit(events)
        end = batch[-1]
        if isinstance(end, _End):
            self.running = False
            self.ended.emit(end.result)
            if end.error is not None:
                raise end.error

    @property
    def next_stage(self) -> Stage | None:
        """What :meth:`stop` would do now."""
        if self.job is not None:
            return self.job.next_stage
        return None if self._halt.is_set() or not self.running else "ask"

    def stop(self) -> None:
        """Take the next step to stop the work."""
        if self.job is not None:
            self.job.stop()
        else:
            self._halt.set()

    def let_go(self) -> None:
        """Let a child process finish although this one ends; a thread of this one has to stop."""
        if self.job is not None:
            self.job.let_go()
        else:
            self._halt.set()

    def finish_now(self) -> None:
        """Stop the work and wait until it has ended."""
        if self.job is not None:
            for _ in self.job.end():
                pass
        else:
            self._halt.set()


class Newest(QObject):
    """Runs one function call at a time in a thread; of the calls that wait, only the newest is run."""

    ready = Signal(object)
    """A result."""
    failed = Signal(str)
    """What the user can put right."""
    busy = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Callable[[], Any] | None = None
        self._worker: Any = None
        self._closed = False

    def request(self, call: Callable[[], Any]) -> None:
        """Run `call` as soon as the running one has ended; it replaces one that waits."""
        self._waiting = call
        if self._worker is None:
            self._next()

    def offer(self, call: Callable[[], Any]) -> None:
        """Run `call` next unless another one waits."""
        if self._waiting is None:
            self.request(call)

    def close(self) -> None:
        """Drop what waits, and what still runs once it ends."""
        self._closed, self._waiting = True, None

    def _next(self) -> None:
        if self._closed:
            return
        call, self._waiting = self._waiting, None
        if call is None:
            self.busy.emit(False)
            return
        self.busy.emit(True)
        self._worker = create_worker(call, _ignore_errors=True)
        self._worker.returned.connect(self._returned)
        self._worker.errored.connect(self._errored)
        self._worker.finished.connect(self._finished)
        self._worker.start()

    def _returned(self, result: Any) -> None:
        if not self._closed:
            self.ready.emit(result)

    def _errored(self, error: Exception) -> None:
        if isinstance(error, XctCrackError):
            if not self._closed:
                self.failed.emit(str(error))
            return
        raise error

    def _finished(self) -> None:
        self._worker = None
        if not self._closed:
            QTimer.singleShot(0, self._next)


def wait_for_threads() -> None:
    """Give calls that run a moment to end: a thread that outlives the window takes the program down with it."""
    QThreadPool.globalInstance().waitForDone(_PATIENCE)
