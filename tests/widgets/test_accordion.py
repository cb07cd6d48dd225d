"""Sections below each other: nothing in them is cut off."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_xct_crack.widgets._accordion import Accordion
from napari_xct_crack.widgets._section import caption

pytestmark = pytest.mark.gui


def test_it_is_as_wide_as_its_widest_section_beside_a_scroll_bar(qtbot):
    accordion, section = Accordion(), QWidget()
    qtbot.addWidget(accordion)
    column = QVBoxLayout(section)
    accordion.add("Section", "", lambda: section)
    accordion.open("Section")
    accordion.resize(10, 100)
    accordion.show()
    column.addWidget(wide := QLabel("words " * 40))
    bar = accordion.verticalScrollBar().sizeHint().width()
    qtbot.waitUntil(lambda: accordion.minimumSizeHint().width() >= wide.minimumSizeHint().width() + bar)
    assert accordion.minimumSizeHint().width() < 2 * wide.minimumSizeHint().width()


def test_a_long_word_does_not_widen_a_section(qtbot):
    section = QWidget()
    qtbot.addWidget(section)
    QVBoxLayout(section).addWidget(caption("name" * 100, ""))
    assert section.minimumSizeHint().width() < 100
