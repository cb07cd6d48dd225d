"""How label layers are coloured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Colour = tuple[float, float, float, float]
RED, GREEN, BLUE = (1.0, 0.25, 0.1, 1.0), (0.1, 0.9, 0.5, 1.0), (0.3, 0.5, 1.0, 1.0)


def one_colour(colour: Colour = RED) -> dict[str, Any]:
    """How label 1 is shown: one strong colour over grey."""
    return coloured({1: colour})


def coloured(labels: Mapping[int, Colour]) -> dict[str, Any]:
    """How labels are shown: each in its colour over grey."""
    from napari.utils.colormaps import DirectLabelColormap

    nothing = (0.0, 0.0, 0.0, 0.0)
    colours: dict[int | None, Colour] = {None: nothing, 0: nothing}
    colours.update(labels.items())
    # Without depth, or the scan hides the cracks that lie in it when both are shown in 3-D.
    blending = "translucent_no_depth"
    return {"colormap": DirectLabelColormap(color_dict=colours), "opacity": 0.7, "blending": blending}
