"""Centre lines keep the length of what they are the middle of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.metrics import predicted_tips
from napari_xct_crack.thinning import centre_line

Y, X = np.mgrid[:120, :120] - 60


@pytest.mark.parametrize("width", range(1, 9))
def test_a_diagonal_bar_of_any_width_keeps_its_length(width: int) -> None:
    across, along = X - Y, (X + Y) / np.sqrt(2)
    bar = (across >= -(width // 2)) & (across < width - width // 2) & (np.abs(along) < 50)
    line = centre_line(bar)
    assert np.ptp(along[line]) > 100 - width - 3
    assert np.abs(across[line]).max() <= 1.5
    assert ndimage.label(line, np.ones((3, 3)))[1] == 1
    assert len(predicted_tips(bar)) == 2


@pytest.mark.parametrize("angle", [10, 22.5, 30, 60, 80])
def test_a_smooth_bar_has_two_ends(angle: float) -> None:
    turn = np.deg2rad(angle)
    bar = (np.abs(Y * np.cos(turn) - X * np.sin(turn)) <= 4) & (np.abs(Y * np.sin(turn) + X * np.cos(turn)) < 45)
    assert len(predicted_tips(bar)) == 2


def test_nothing_has_no_line() -> None:
    assert not centre_line(np.zeros((8, 8), bool)).any()
