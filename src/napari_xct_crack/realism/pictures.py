"""The curves of a comparison as one picture."""

from __future__ import annotations

import io

from . import Realism


def picture(found: Realism) -> bytes:
    """All plots of a comparison below each other, two in a row, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(found.plots) // 2)
    figure = Figure(figsize=(9, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 2, squeeze=False).ravel()
    for axis in axes[len(found.plots) :]:
        axis.axis("off")
    for axis, plot in zip(axes, found.plots, strict=False):
        axis.plot(plot.x, plot.scan, label="scan")
        axis.plot(plot.x, plot.rendered, label="rendered", linestyle="--")
        axis.set(title=plot.title, xlabel=plot.axis)
        axis.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
