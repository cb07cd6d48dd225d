"""Appearance without labels, and rendering."""

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.appearance import estimate
from napari_xct_crack.phantom import AIR, CONDITIONS, METAL, PhantomSettings, simulate
from napari_xct_crack.render import margin, missing, render
from napari_xct_crack.response import flat_field


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
    assert look.notes
    assert look.noise == pytest.approx(900, rel=0.1)
    assert look.contrast > 0


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
