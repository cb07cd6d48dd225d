"""How fast the window answers while a training runs beside it, against the same session without one.

    sh tests/display.sh python benchmarks/responsiveness.py [--rounds 5] [--seconds 15] [--folder FOLDER]

A napari window with the workbench is driven by a script: slices scrolled, contrast moved, sections opened, the view zoomed. A thread
posts an event to the main thread every 5 ms; its latency is the time until the main thread answers. Sessions with a training in its
child process, followed by the section *Train*, take turns with sessions without one, so that what else the machine does meets
both alike. The table it prints stands in ``docs/training.md``.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import QEventLoop, QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_xct_crack.events import finish
from napari_xct_crack.phantom import PhantomSettings, make

POST, ACT = 0.005, 40
"""Seconds between two posted events, milliseconds between two actions."""
SECTIONS = ("Volume", "Prepare", "Cracks", "Train")


class Pulse(QObject):
    """Posts events to the main thread from another one, and notes how late they are answered."""

    beat = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self.beat.connect(
            lambda posted: self.late.append(time.perf_counter() - posted), Qt.ConnectionType.QueuedConnection
        )

    def during(self, session: Callable[[], None]) -> np.ndarray:
        """Latencies in milliseconds while something runs."""
        self.late, over = [], threading.Event()

        def post() -> None:
            while not over.wait(POST):
                self.beat.emit(time.perf_counter())

        poster = threading.Thread(target=post)
        poster.start()
        session()
        over.set()
        poster.join()
        QApplication.processEvents()
        return 1000 * np.array(self.late)


def wait(holds: Callable[[], object], minutes: float = 3.0) -> None:
    """Let the window live until something holds."""
    end = time.monotonic() + 60 * minutes
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to the next step in time")
        QApplication.processEvents()
        time.sleep(0.01)


class Window:
    """A napari window with the workbench and a prepared scan."""

    def __init__(self, scan: Path) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1366, 768)
        _, self.bench = self.viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
        volume = self.bench.section("Volume")
        volume.path.setText(str(scan))
        volume.open_button.click()
        wait(lambda: self.bench.bench.scan is not None)
        self.bench.section("Prepare")
        wait(lambda: self.bench.bench.prepared is not None)
        for title in SECTIONS:  # each is made when it is first opened, which loads torch
            self.bench.section(title)
        self.train = self.bench.section("Train")
        self.train.preset.setCurrentText("quick")
        self.train.budget.setValue(60)

    def actions(self) -> Iterator[None]:
        """What a person does, one thing at a time, the same in each session."""
        layer = self.bench.bench.layer
        depth = self.bench.bench.scan.shape[0]
        low, high = layer.contrast_limits
        for number in itertools.count():
            match number % 8:
                case 0 | 1 | 2 | 3:
                    self.viewer.dims.set_current_step(0, number * 5 // 8 % depth)
                case 4 | 5:
                    layer.contrast_limits = low, high - (number % 50) / 100 * (high - low)
                case 6:
                    self.viewer.scene.camera.zoom *= 1.1 if number % 16 == 6 else 1 / 1.1
                case 7 if number % 40 == 7:
                    self.bench.section(SECTIONS[number // 40 % len(SECTIONS)])
            yield

    def session(self, seconds: float) -> None:
        """Let the window's own event loop run while the script acts."""
        loop, acting, todo = QEventLoop(), QTimer(), self.actions()
        acting.timeout.connect(lambda: next(todo))
        acting.start(ACT)
        QTimer.singleShot(int(1000 * seconds), loop.quit)
        loop.exec()
        acting.stop()

    def started(self) -> None:
        """A training at work."""
        self.train.runs.setCurrentIndex(0)
        self.train.start_button.click()
        wait(lambda: self.train.plot.points("dice") > 3)

    def stopped(self) -> None:
        """It has saved and ended."""
        self.train.job.stop()
        wait(lambda: not self.train.job.running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-responsiveness")
    given = parser.parse_args()
    finish(make(PhantomSettings(shape=(48, 384, 384)), given.folder))
    window, pulse = Window(given.folder / "scan.ome.zarr"), Pulse()
    window.session(5)  # what is drawn for the first time takes longer
    print(
        "| round | training | events | median ms | p99 ms | longest ms | p99, share of that without |\n|" + "---|" * 7
    )
    shares, pooled = [], {False: [], True: []}
    for number in range(1, given.rounds + 1):
        found = {}
        for training in (False, True) if number % 2 else (True, False):
            if training:
                window.started()
            found[training] = pulse.during(lambda: window.session(given.seconds))
            if training:
                window.stopped()
        shares.append(np.quantile(found[True], 0.99) / np.quantile(found[False], 0.99))
        for training, late in sorted(found.items()):
            pooled[training].append(late)
            share = f"{shares[-1]:.2f}" if training else ""
            row = (len(late), f"{np.median(late):.1f}", f"{np.quantile(late, 0.99):.0f}", f"{late.max():.0f}", share)
            print(f"| {number} | {'yes' if training else 'no'} | " + " | ".join(map(str, row)) + " |", flush=True)
    without, beside = (np.quantile(np.concatenate(late), 0.99) for late in pooled.values())
    print(
        f"\nall rounds together: p99 {without:.0f} and {beside:.0f} ms, {beside / without:.2f}; median {np.median(shares):.2f}"
    )
    window.viewer.close()


if __name__ == "__main__":
    main()
