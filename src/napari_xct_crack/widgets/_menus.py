"""Entries of napari's menus: each opens the workbench at one section."""

from __future__ import annotations

import napari

from .workbench import Workbench


def open_volume() -> None:
    """Open the workbench at *Volume*."""
    _open("Volume")


def open_segment() -> None:
    """Open the workbench at *Segment*."""
    _open("Segment")


def open_clean() -> None:
    """Open the workbench at *Clean up*."""
    _open("Clean up")


def open_inspect() -> None:
    """Open the workbench at *Inspect*."""
    _open("Inspect")


def _open(title: str) -> None:
    viewer = napari.current_viewer()
    if viewer is not None:
        _, workbench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
        assert isinstance(workbench, Workbench)
        workbench.section(title)
