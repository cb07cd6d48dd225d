"""Fractal trees as published, and the warp that all generators share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_xct_crack.cracks import Drawn
from napari_xct_crack.cracks._augment import bent, displaced, regular, warped
from napari_xct_crack.cracks.fractal import CANVAS, FractalCracks, bars
from napari_xct_crack.errors import SettingsError

EIGHT = np.ones((3, 3))
PUBLISHED = FractalCracks(canvas="512", thickness="17", warp=0, lean=0)


@pytest.mark.parametrize(("depth", "count"), [(3, 7), (4, 15)])
def test_a_tree_has_seven_or_fifteen_bars(depth: int, count: int) -> None:
    for seed in range(50):
        tree = bars(np.random.default_rng(seed), depth)
        assert len(tree) == count
        trunk = tree[0]
        assert 10 <= trunk.top <= 249
        assert 2 <= trunk.left <= 79
        assert 15 <= trunk.height <= 19
        assert 350 <= trunk.width <= 449
        assert all(bar.top >= 0 and bar.left >= 0 and min(bar.height, bar.width) >= 1 for bar in tree)


def test_children_are_perpendicular_and_in_range() -> None:
    for seed in range(200):
        trunk, up, *_ = bars(np.random.default_rng(seed), 2)
        assert up.height > up.width or up.height <= 19
        assert trunk.width // 4 <= up.height <= 3 * trunk.width // 4
        assert trunk.height // 4 <= up.width <= 3 * trunk.height // 4
        assert up.left == pytest.approx(trunk.left + trunk.width / 3)
        assert up.top == max(0, trunk.top - up.height)


def test_coverage_before_the_warp_is_the_published_one() -> None:
    shares = [PUBLISHED.draw((1, CANVAS, CANVAS), np.random.default_rng(seed)).coverage.mean() for seed in range(200)]
    assert 0.042 <= np.mean(shares) <= 0.046
    low, high = np.percentile(shares, [1, 99])
    assert 0.027 <= low <= high <= 0.068


def test_half_the_canvas_is_the_same_picture_halved() -> None:
    whole = PUBLISHED.draw((1, 512, 512), np.random.default_rng(3)).coverage[0]
    half = FractalCracks(warp=0, lean=0).draw((1, 256, 256), np.random.default_rng(3)).coverage[0]
    assert half.mean() == pytest.approx(whole.mean(), rel=0.02)
    assert np.abs(half - whole.reshape(256, 2, 256, 2).mean(axis=(1, 3))).mean() < 0.002


@pytest.mark.parametrize("shape", [(1, 64, 300), (3, 600, 257), (1, 8, 8)])
def test_any_patch_shape(shape: tuple[int, int, int]) -> None:
    drawn = FractalCracks().draw(shape, np.random.default_rng(1))
    assert drawn.coverage.shape == shape
    if shape[1] > 256:
        assert drawn.target[0, :256].any()
        assert drawn.target[0, 300:].any()


def test_a_stack_continues_from_slice_to_slice() -> None:
    drawn = FractalCracks(lean=0.5, warp=1).draw((7, 256, 256), np.random.default_rng(2))
    near = ndimage.binary_dilation(drawn.target[3], EIGHT, iterations=3)
    assert drawn.target[4].any()
    assert near[drawn.target[4]].mean() > 0.9
    assert (drawn.target[0] != drawn.target[6]).any()


def test_thin_trees_keep_coverage_below_a_voxel() -> None:
    drawn = FractalCracks(thickness="0.6", warp=0).draw((1, 256, 256), np.random.default_rng(4))
    assert drawn.target.any()
    assert 0.3 < drawn.coverage[drawn.target].max() < 0.8


def test_a_tiny_canvas_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="needs at least 16"):
        FractalCracks(canvas="3").draw((1, 64, 64), np.random.default_rng(0))


def _cross() -> Drawn:
    """Two thin lines that meet, one object."""
    target = np.zeros((1, 128, 160), np.bool_)
    target[0, 60, 20:140] = True
    index = np.arange(20, 100)
    target[0, index, index + 10] = True
    return Drawn(target * np.float32(0.4), target)


def test_points_at_rest_change_nothing() -> None:
    drawn = FractalCracks(warp=0).draw((2, 96, 128), np.random.default_rng(5))
    same = bent(drawn, regular((96, 128)), 0.0)
    np.testing.assert_allclose(same.coverage, drawn.coverage, atol=1e-5)
    np.testing.assert_array_equal(same.target, drawn.target)


def test_a_rotation_is_a_rotation() -> None:
    drawn = _cross()
    turned = bent(drawn, regular((128, 160)), np.radians(25.0))
    assert turned.coverage.sum() == pytest.approx(drawn.coverage.sum(), rel=0.02)
    ys, xs = np.nonzero(drawn.target[0])
    angle, middle = np.radians(25.0), np.array([63.5, 79.5])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = np.rint((np.stack([ys, xs], axis=1) - middle) @ turn.T + middle).astype(int)
    assert ndimage.binary_dilation(turned.target[0], EIGHT)[tuple(places.T)].all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(-0.52, 0.52))
def test_one_line_stays_one_line(seed: int, angle: float) -> None:
    rng = np.random.default_rng(seed)
    # too small to fold the map or to push the lines out
    points = regular((128, 160)) + rng.uniform(-5, 5, (4, 4, 2))
    bended = bent(_cross(), points, angle * 0.3)
    assert ndimage.label(bended.target[0], EIGHT)[1] == 1
    assert bended.target.sum() < 2 * _cross().target.sum()


def test_displacements_have_the_published_spread() -> None:
    rng = np.random.default_rng(6)
    moves = np.array([displaced((400, 200), rng) - regular((400, 200)) for _ in range(2000)])[:, 1:3, 1:3]
    spread = moves.std(axis=(0, 1, 2)) / (400, 200)
    # root mean square of U(0.09, 0.13) is 0.1106; inner points are hardly clipped
    np.testing.assert_allclose(spread, 0.1106, rtol=0.03)


def test_displaced_points_stay_on_the_canvas() -> None:
    rng = np.random.default_rng(7)
    points = np.array([displaced((64, 96), rng) for _ in range(200)])
    assert points.min() >= -0.5
    assert (points.max(axis=(0, 1, 2)) <= (63.5, 95.5)).all()


def test_all_slices_are_warped_alike() -> None:
    cross = _cross()
    stack = Drawn(np.repeat(cross.coverage, 3, 0), np.repeat(cross.target, 3, 0))
    result = warped(stack, np.random.default_rng(8))
    assert result.target[0].any()
    for z in (1, 2):
        np.testing.assert_array_equal(result.target[0], result.target[z])
        np.testing.assert_array_equal(result.coverage[0], result.coverage[z])
