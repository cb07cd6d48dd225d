"""The ideal linear observer: against the closed form, on correlated noise, and as a map."""

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.detection import (
    ROSE,
    gaussian_transfer,
    limits,
    noise_spectrum,
    visibility,
    white_visibility,
)
from napari_xct_crack.errors import InputError

SHAPE = (12, 256, 256)
ALL = np.ones(SHAPE, bool)


@pytest.fixture(scope="module")
def white() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 300, SHAPE).astype(np.float32)


@pytest.mark.parametrize("length", [20, 60])
@pytest.mark.parametrize("point_spread", [0.8, 1.1, 2.2])
def test_white_noise_gives_the_closed_form(white: np.ndarray, length: int, point_spread: float) -> None:
    found = visibility(noise_spectrum(white, ALL, length), gaussian_transfer(point_spread), 27000)
    assert found == pytest.approx(white_visibility(27000, 300, point_spread, length), rel=0.03)


def test_pores_left_out_of_the_metal_do_not_matter(white: np.ndarray) -> None:
    pores = np.random.default_rng(1).random(SHAPE) < 0.02
    spoilt, metal = np.where(pores, -9000, white), ~ndimage.binary_dilation(pores, iterations=1)
    metal &= np.random.default_rng(2).random(SHAPE) < 0.98
    plain, holed = noise_spectrum(white, ALL, 20), noise_spectrum(spoilt, metal, 20)
    assert holed.power.mean() == pytest.approx(plain.power.mean(), rel=0.05)


def test_the_observer_is_what_a_matched_filter_measures(white: np.ndarray) -> None:
    """In noise correlated over three voxels the prewhitening template, applied to noise, has the SNR that is stated."""
    noise = ndimage.gaussian_filter(white, (0, 1.2, 1.2))
    length, frequency = 20, np.fft.rfftfreq(64)
    spectrum, transfer = noise_spectrum(noise, ALL, length), gaussian_transfer(2.0)
    whitened = transfer(frequency) / np.interp(frequency, spectrum.frequency, spectrum.power)
    signal, template = (np.fft.fftshift(np.fft.irfft(values, 64)) for values in (transfer(frequency), whitened))
    means = noise[:, :240].reshape(12, 12, length, 4, 64).mean(axis=2)
    measured = signal @ template / (means @ template).std()
    assert visibility(spectrum, transfer, 1.0) == pytest.approx(measured, rel=0.07)
    assert white_visibility(1.0, float(noise.std()), 2.0, length) > 1.5 * measured


def test_limits_are_stated_for_two_lengths(white: np.ndarray) -> None:
    found = limits(white, ALL, 27000, 1.1)
    assert list(found) == [20, 60]
    for length, aperture in found.items():
        assert aperture == pytest.approx(ROSE / white_visibility(27000, 300, 1.1, length), rel=0.03)


def test_slices_together_show_thinner_cracks_as_far_as_their_noise_differs(white: np.ndarray) -> None:
    one = limits(white, ALL, 27000, 1.1)
    assert one[20] * white_visibility(27000, 300, 1.1, 20) == pytest.approx(ROSE, rel=0.03)
    alike = limits(np.broadcast_to(white[:1], SHAPE), ALL, 27000, 1.1)
    for length in (20, 60):
        assert limits(white, ALL, 27000, 1.1, slices=5)[length] == pytest.approx(one[length] / 5**0.5, rel=0.05)
        same = limits(np.broadcast_to(white[:1], SHAPE), ALL, 27000, 1.1, slices=5)
        assert same[length] == pytest.approx(alike[length], rel=1e-6)


def test_fewer_slices_than_are_looked_at_together_give_no_limit(white: np.ndarray) -> None:
    assert limits(white[:4], ALL[:4], 27000, 1.1, slices=5) == {}
    assert list(limits(white[:4], ALL[:4], 27000, 1.1)) == [20, 60]


def test_too_little_metal_is_said(white: np.ndarray) -> None:
    metal = np.zeros(SHAPE, bool)
    metal[:, :40, :40] = True
    with pytest.raises(InputError, match="holds only"):
        noise_spectrum(white, metal, 60)
