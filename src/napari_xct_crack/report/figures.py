"""Pictures of reports, as PNG in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import thinned, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Colour = tuple[float, float, float]
RIGHT, MISSED, FALSE = (0.0, 0.62, 0.45), (0.90, 0.62, 0.0), (0.80, 0.30, 0.75)
"""Colours that stay apart for colour-blind eyes: green, orange, purple."""


def overlay(
    grey: NDArray[Any], window: tuple[float, float], found: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """One slice with a mask laid over it, judged by the centre lines.

    Parameters
    ----------
    grey, found, truth
        Shape (y, x).
    window
        Grey values shown as black and white.

    Returns
    -------
    RGB of 0..1, shape (y, x, 3): found voxels green, those farther than two voxels from truth purple, the true centre
    line orange where nothing is found within two voxels.
    """
    near = within(truth[None], 2)[0]
    missed = thinned(truth[None])[0] & ~within(found[None], 2)[0]
    return painted(grey, window, ((found & near, RIGHT), (found & ~near, FALSE), (missed, MISSED)))


def painted(
    grey: NDArray[Any], window: tuple[float, float], layers: Iterable[tuple[NDArray[np.bool_], Colour]] = ()
) -> NDArray[np.float64]:
    """One slice, RGB of 0..1, shape (y, x, 3), with masks laid over it in their colours."""
    low, high = window
    shade = np.clip((grey.astype(np.float64) - low) / (high - low), 0, 1)
    picture = np.repeat(shade[..., None], 3, axis=-1)
    for where, colour in layers:
        picture[where] = 0.15 * picture[where] + 0.85 * np.array(colour)
    return picture


def grid(
    pictures: Mapping[str, NDArray[Any]], columns: int = 3, below: Sequence[str] = (), caption: str = "", dpi: int = 110
) -> bytes:
    """Pictures of one shape with their names above and a line each below; grey ones are 0..1.

    Parameters
    ----------
    pictures
        Arrays of shape (y, x) or (y, x, 3), so many `columns` beside each other.
    caption
        What stands below all of them.
    """
    rows = -(-len(pictures) // columns)
    height, width = next(iter(pictures.values())).shape[:2]
    figure = _figure(3.6 * columns, rows * (3.6 * height / width + 0.25 + 0.25 * bool(below)) + 0.3 * bool(caption))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    shrunk = "antialiased" if width > 3.6 * dpi else "nearest"  # thin lines must not fall between pixels
    for axis, (name, picture), line in zip(axes, pictures.items(), [*below] or [""] * len(pictures), strict=False):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation=shrunk)
        axis.set_title(name, fontsize=10)
        axis.text(0.5, -0.01, line, transform=axis.transAxes, ha="center", va="top", fontsize=9)
    figure.supxlabel(caption, fontsize=9)
    return _png(figure, dpi)


def precision_recall(points: Mapping[str, tuple[float, float]], strong: str) -> bytes:
    """One point (recall, precision) for each method, over lines of equal F1."""
    figure = _figure(8, 5)
    axis = figure.subplots()
    recall, precision = np.meshgrid(np.linspace(0.01, 1, 100), np.linspace(0.01, 1, 100))
    lines = axis.contour(
        recall, precision, 2 * recall * precision / (recall + precision), np.arange(0.1, 1, 0.1), colors="0.8"
    )
    axis.clabel(lines, fontsize=7, fmt="F1 %.1f")
    for number, (name, (x, y)) in enumerate(points.items()):
        size, shape = (140, "*") if name == strong else (45, "osD^vPX"[number % 7])
        axis.scatter(x, y, s=size, marker=shape, label=name, zorder=3)
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall of the centre line", ylabel="precision of the centre line")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1))
    return _png(figure)


def curves(steps: NDArray[np.float64], values: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Losses over training steps, smoothed over a fiftieth of them, on a logarithmic scale where all are positive."""
    figure = _figure(7, 3)
    axis = figure.subplots()
    width = max(1, len(steps) // 50)
    for name, series in values.items():
        smooth = np.convolve(series, np.full(width, 1 / width), mode="valid")
        axis.plot(steps[width - 1 :], smooth, label=name)
    if all((series > 0).all() for series in values.values()):
        axis.set_yscale("log")
    axis.set(xlabel="step", ylabel="loss")
    axis.legend(fontsize=8)
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    """A figure of its own, in inches, that no window system is asked for."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure, dpi: int = 110) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
