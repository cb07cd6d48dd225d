"""Appearance without labels, and rendering."""

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.appearance import estimate, measure_noise, trusted
from napari_xct_crack.phantom import AIR, CONDITIONS, METAL, PhantomSettings, simulate
from napari_xct_crack.render import margin, missing, render
from napari_xct_crack.response import dark_response, flat_field


@pytest.mark.parametrize("condition", ["clean", "seed-like", "noisy", "soft"])
def test_point_spread_and_levels_are_recovered(condition: str) -> None:
    phantom = simulate(PhantomSettings(condition=condition, shape=(32, 256, 256)))
    look = estimate(phantom.scan, phantom.part, flat_field(phantom.scan, phantom.part))
    assert look.point_spread == pytest.approx(CONDITIONS[condition].point_spread, rel=0.15)
    assert look.contrast == pytest.approx(METAL - AIR, rel=0.05)
    assert not look.notes


def test_without_an_edge_it_says_what_it_assumes() -> None:
    rng = np.random.default_rng(0)
    grey = rng.normal(30000, 900, (12, 64, 64)).astype(np.float32)
    part = np.ones(grey.shape, bool)
    look = estimate(grey, part, flat_field(grey, part))
    assert "point spreads of 1.1 to 3.3 voxels" in look.notes[0]
    assert (look.softest, look.shown_by) == (3, "nothing")
    assert look.noise == pytest.approx(900, rel=0.1)
    assert look.contrast > 0


@pytest.mark.parametrize(("condition", "spread"), [("seed-like", 1.1), ("noisy", 1.1), ("soft", 2.2)])
def test_without_an_edge_narrow_cracks_show_the_point_spread(condition: str, spread: float) -> None:
    phantom = simulate(PhantomSettings(condition=condition, shape=(40, 256, 256), prevalence=8, seed=6))
    inside = np.s_[:, 60:200, 60:200]
    assert phantom.part[inside].all()
    look = estimate(phantom.scan[inside], phantom.part[inside], flat_field(phantom.scan[inside]))
    assert look.point_spread == pytest.approx(spread, rel=0.2)
    assert 1 < look.softest < 3
    assert look.shown_by == "lines"
    assert "narrowest dark lines" in look.notes[0]


def test_missing_attenuation_is_the_blurred_coverage() -> None:
    rng = np.random.default_rng(1)
    spread = 1.1
    coverage = (rng.random((3 + 2 * margin(spread), 40, 40)) < 0.02).astype(np.float32)
    expected = ndimage.gaussian_filter(coverage, spread, truncate=6, mode="constant")
    reach = margin(spread)
    result = missing(coverage, spread)
    assert result.shape == (3, 40, 40)
    np.testing.assert_allclose(result[:, 8:-8, 8:-8], expected[reach:-reach, 8:-8, 8:-8], atol=0.006)


def test_rendering_keeps_the_noise_and_the_depth_of_thin_cracks() -> None:
    rng = np.random.default_rng(2)
    frames = rng.normal(0, 0.1, (1, 64, 64)).astype(np.float32)
    coverage = np.zeros((1 + 2 * margin(1.0), 64, 64), np.float32)
    coverage[:, :, 32] = 0.25
    rendered = render(frames, coverage, contrast=1.6, point_spread=1.0)
    lost = (frames - rendered)[0, 20:40].sum(axis=1)
    np.testing.assert_allclose(lost, 1.6 * 0.25, rtol=0.02)
    np.testing.assert_array_equal(rendered[0, :, :20], frames[0, :, :20])


def kernel(width: float, blur: float = 0.0) -> np.ndarray:
    """Autocovariance along one axis of noise of unit variance and that width, seen through a blur."""
    point = np.zeros((64, 64, 64))
    point[32, 32, 32] = 1
    spot = ndimage.gaussian_filter(point, width)
    power = np.abs(np.fft.fftn(spot / np.sqrt((spot**2).sum()))) ** 2
    if blur:
        power *= np.abs(np.fft.fftn(ndimage.gaussian_filter(point, blur))) ** 2
    return np.fft.ifftn(power).real[0, 0, :17]


@pytest.mark.parametrize("condition", ["clean", "seed-like", "noisy", "soft"])
def test_noise_and_its_correlation_are_recovered(condition: str) -> None:
    phantom = simulate(PhantomSettings(condition=condition, shape=(32, 192, 192), seed=2))
    known = CONDITIONS[condition]
    flat = flat_field(phantom.scan, phantom.part)
    inside = ndimage.binary_erosion(phantom.part, np.ones((1, 3, 3)), iterations=8)
    where = trusted(dark_response(flat, phantom.part, flattened=True), inside)
    found = measure_noise(flat / (METAL - AIR), where)
    true = known.noise**2 * kernel(known.noise_width)
    true += known.grains**2 * kernel(known.grain_size, known.point_spread)
    assert found.sigma == pytest.approx(np.sqrt(true[0]), rel=0.15)
    below = int(np.flatnonzero(true < true[0] / np.e)[0])
    # the logarithm of a Gaussian is linear in the square of the lag
    squares, logs = np.array([below - 1, below]) ** 2, -np.log(true[below - 1 : below + 1])
    length = np.sqrt(np.interp(1 - np.log(true[0]), logs, squares))
    assert found.lengths == pytest.approx([length] * 3, rel=0.15)


def test_the_spectrum_of_white_noise_is_flat_and_drawn_noise_has_its_own() -> None:
    rng = np.random.default_rng(4)
    everywhere = np.ones((24, 64, 64), bool)
    white = measure_noise(0.2 * rng.standard_normal(everywhere.shape), everywhere)
    np.testing.assert_allclose(white.power_at(np.array([0.1, 0.3, 0.5])), 0.04, rtol=0.15)
    smooth = ndimage.gaussian_filter(rng.standard_normal((32, 96, 96)), 1.2, mode="wrap")
    found = measure_noise(smooth, np.ones(smooth.shape, bool))
    again = measure_noise(found.draw(smooth.shape, rng), np.ones(smooth.shape, bool))
    assert again.sigma == pytest.approx(found.sigma, rel=0.02)
    assert again.lengths == pytest.approx(found.lengths, rel=0.1)
    assert found.lengths == pytest.approx((2.4,) * 3, rel=0.1)
