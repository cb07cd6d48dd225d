"""The live plot of losses, curves of two sorts of cracks, grey values beside the window, and charts of measurements."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import qtpy

os.environ.setdefault("PYQTGRAPH_QT_LIB", qtpy.API_NAME)

import pyqtgraph
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QGridLayout, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..inspection import Chart
    from ..realism import Plot

_PERIOD = 0.2
"""Seconds between two drawings."""
_POINTS = 2000
"""Most points of a curve; older ones are thinned out."""
_HEIGHT = 130
_BAR = "#ffb000"
_BEHIND = (38, 41, 48, 220)
"""Colour behind a legend: curves may run below it."""
_COLOURS = ("#ffb000", "#648fff", "#dc267f", "#78c679", "#fe6100", "#a58aff", "#00c5c5", "#bbbbbb")


class LossPlot(QWidget):
    """Losses over steps, one curve each, smoothed with the steps before."""

    def __init__(self) -> None:
        super().__init__()
        self._plot = pyqtgraph.PlotWidget(background=None)
        self._plot.setLabel("bottom", "step")
        self._plot.setLabel("left", "loss")
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
        self._plot.showGrid(x=True, y=True, alpha=0.2)
        self._plot.addLegend(offset=(-5, 5), labelTextSize="8pt", brush=_BEHIND)
        self._plot.setMenuEnabled(False)
        self.setToolTip("Losses while training; falling and then level is good.")
        self.setFixedHeight(170)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self._curves: dict[str, tuple[list[int], list[float]]] = {}
        self._lines: dict[str, pyqtgraph.PlotDataItem] = {}
        self._drawn = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)

    def clear(self) -> None:
        """Forget all curves."""
        self._plot.clear()
        self._curves.clear()
        self._lines.clear()

    def add(self, step: int, losses: dict[str, float]) -> None:
        """Add the losses of one step; drawn at most five times a second."""
        for name, value in losses.items():
            steps, values = self._curves.setdefault(name, ([], []))
            smooth = value if not values else 0.9 * values[-1] + 0.1 * value
            steps.append(step)
            values.append(smooth)
            if len(steps) > _POINTS:
                del steps[: _POINTS // 2 : 2], values[: _POINTS // 2 : 2]
        if not self._timer.isActive():
            self._timer.start(max(0, int(1000 * (_PERIOD - (time.monotonic() - self._drawn)))))

    def points(self, name: str) -> int:
        """Number of points that a curve has."""
        return len(self._curves[name][0]) if name in self._curves else 0

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        for number, (name, (steps, values)) in enumerate(self._curves.items()):
            if name not in self._lines:
                pen = pyqtgraph.mkPen(_COLOURS[number % len(_COLOURS)], width=2)
                self._lines[name] = self._plot.plot(name=name, pen=pen)
            self._lines[name].setData(steps, values)


class Curves(QWidget):
    """Curves of a scan and of what is rendered into it, a plot for each pair."""

    def __init__(self, plots: tuple[Plot, ...]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for number, plot in enumerate(plots):
            shown = _still(plot.title, 170)
            shown.setLabel("bottom", plot.axis)
            shown.setToolTip(f"{plot.title}: the scan, and the same metal with rendered cracks.")
            if number == 0:
                shown.addLegend(offset=(-5, 5), labelTextSize="8pt")
            for colour, name, values in (("#648fff", "scan", plot.scan), ("#ffb000", "rendered", plot.rendered)):
                shown.plot(plot.x, values, pen=pyqtgraph.mkPen(colour, width=2), name=name)
            column.addWidget(shown)


class GreyPlot(QWidget):
    """How often grey values occur, and the two that are shown as black and white."""

    def __init__(self) -> None:
        super().__init__()
        self._plot = pyqtgraph.PlotWidget(background=None)
        self._plot.hideAxis("left")
        self._plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(False, False)
        self._plot.hideButtons()
        self.setToolTip("Grey values inside the part; the lines are shown as black and white.")
        self.setFixedHeight(90)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self._counts = self._plot.plot(
            stepMode="center", x=[0, 1], y=[0], fillLevel=0, brush="#648fff80", pen="#648fff"
        )
        self._ends = [self._plot.addLine(x=0, pen=pyqtgraph.mkPen("#ffb000", width=2)) for _ in range(2)]

    def show_greys(self, edges: Sequence[float], counts: Sequence[int], window: tuple[float, float]) -> None:
        """Draw a histogram, one count less than there are edges, and the window."""
        self._counts.setData(edges, counts)
        for line, value in zip(self._ends, window, strict=True):
            line.setValue(value)

    @property
    def ends(self) -> tuple[float, ...]:
        """Where the lines stand."""
        return tuple(line.value() for line in self._ends)

    @property
    def counted(self) -> int:
        """Voxels that are drawn."""
        return int(sum(self._counts.getData()[1]))


class Charts(QWidget):
    """The rose of the poles in the slice, and distributions."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self.plots: list[Any] = []

    def fill(self, rose: tuple[Any, Any], charts: tuple[Chart, ...]) -> None:
        """Show charts in place of those before."""
        for plot in self.plots:
            self._grid.removeWidget(plot)
            plot.deleteLater()
        self.plots = [_rose(*rose), *map(_bars, charts)]
        for number, plot in enumerate(self.plots):
            self._grid.addWidget(plot, number // 2, number % 2)


def _still(title: str, height: int) -> Any:
    """A plot that the mouse does not move."""
    plot = pyqtgraph.PlotWidget(background=None)
    plot.setTitle(title, size="9pt")
    for side in ("left", "bottom"):
        plot.getAxis(side).enableAutoSIPrefix(False)
    plot.getAxis("left").setWidth(44)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(False, False)
    plot.setFixedHeight(height)
    plot.setMinimumWidth(100)
    return plot


def _rose(x: Any, y: Any) -> Any:
    plot = _still("poles in the slice", _HEIGHT)
    plot.setToolTip(
        "Area of cracks by the direction across them, as it lies in the slice: x to the right, y down. A crack that runs "
        "along x points up and down."
    )
    plot.setAspectLocked(True)
    plot.invertY(True)
    plot.hideAxis("left")
    plot.hideAxis("bottom")
    circle = pyqtgraph.QtWidgets.QGraphicsEllipseItem(-1, -1, 2, 2)
    circle.setPen(pyqtgraph.mkPen("#777777"))
    plot.addItem(circle)
    plot.plot(x, y, pen=pyqtgraph.mkPen(_BAR), fillLevel=None)
    plot.setRange(xRange=(-1, 1), yRange=(-1, 1), padding=0.05)
    return plot


def _bars(chart: Chart) -> Any:
    plot = _still(f"{chart.title}, {chart.unit}", _HEIGHT)
    plot.setToolTip(f"{chart.heights_are} by {chart.title}, in {chart.unit}.")
    plot.getPlotItem().setContentsMargins(0, 0, 10, 0)  # the last tick's number is wide
    plot.plot(chart.edges, chart.heights, stepMode="center", fillLevel=0, brush=_BAR, pen=None)
    plot.setLogMode(x=chart.ticks is not None, y=False)
    plot.getAxis("bottom").setTicks(chart.ticks and [list(chart.ticks)])
    return plot
