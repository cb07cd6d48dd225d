from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.response import DARK, dark_response, flat_field


@pytest.fixture(scope="module")
def bar() -> tuple[np.ndarray, np.ndarray]:
    """White noise on a slope inside a part, air around it."""
    rng = np.random.default_rng(0)
    grey = rng.normal(30000, 1500, (13, 90, 110)) + np.linspace(0, 300, 110)
    part = np.zeros(grey.shape, dtype=bool)
    part[:, 15:80, 20:95] = True
    grey[~part] = 4000
    return grey.astype(np.uint16), part


def test_the_local_mean_is_the_normalised_convolution(bar: tuple[np.ndarray, np.ndarray]) -> None:
    grey, part = bar
    inside = np.where(part, grey, 0).astype(float)
    mean = ndimage.gaussian_filter(inside, 20, mode="constant") / ndimage.gaussian_filter(
        part.astype(float), 20, mode="constant"
    )
    error = (flat_field(grey, part) - (grey - mean))[part]
    assert np.abs(error).max() < 0.02 * 1500
    assert not flat_field(grey, part)[~part].any()


def test_a_single_slice_and_an_odd_shape_are_flattened() -> None:
    grey = np.linspace(0, 100, 53)[None, None] + np.zeros((1, 47, 1))
    flat = flat_field(grey)
    assert flat.shape == (1, 47, 53)
    assert abs(flat[0, :, 26]).max() < 1


def test_in_pure_noise_the_response_is_standard_normal(bar: tuple[np.ndarray, np.ndarray]) -> None:
    grey, part = bar
    response = dark_response(grey, part)
    assert np.median(response[part]) == pytest.approx(0, abs=0.01)
    assert np.median(np.abs(response[part])) * 1.48 == pytest.approx(1, abs=0.01)
    assert (response[part] < DARK).mean() < 0.02
    assert not response[~part].any()


def test_grey_scale_and_offset_do_not_matter(bar: tuple[np.ndarray, np.ndarray]) -> None:
    grey, part = bar
    np.testing.assert_allclose(dark_response(grey * 0.01 - 70, part), dark_response(grey, part), atol=0.02)


def test_a_dark_sheet_stands_out(bar: tuple[np.ndarray, np.ndarray]) -> None:
    grey, part = bar
    cracked = grey.copy()
    cracked[:, 50, 30:80] -= 6000
    assert (dark_response(cracked, part)[:, 50, 32:78] < DARK).mean() > 0.9


@pytest.mark.parametrize("part", [np.zeros((3, 20, 20), dtype=bool), np.ones((3, 20, 20), dtype=bool)])
def test_an_empty_part_and_a_constant_one_have_no_response(part: np.ndarray) -> None:
    assert not dark_response(np.full((3, 20, 20), 7, dtype=np.uint8), part).any()
