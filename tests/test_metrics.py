from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.spatial.distance import cdist
from skimage.draw import line

from napari_xct_crack import metrics
from napari_xct_crack.metrics import Scores

small_masks = arrays(bool, (2, 9, 11), elements=st.booleans())
positions = arrays(float, st.tuples(st.integers(0, 4), st.just(2)), elements=st.floats(0, 12))


def stroke(*ends: tuple[int, int, int, int], shape: tuple[int, int] = (64, 64)) -> NDArray[np.bool_]:
    """A slice with straight lines y0, x0, y1, x1."""
    plane = np.zeros(shape, dtype=bool)
    for y0, x0, y1, x1 in ends:
        plane[line(y0, x0, y1, x1)] = True
    return plane


@pytest.fixture(scope="module")
def cracks() -> NDArray[np.int32]:
    """Four slices of 128², six cracks with ids, 3 voxels wide."""
    rng = np.random.default_rng(4)
    labels = np.zeros((4, 128, 128), dtype=np.int32)
    for number in range(1, 7):
        y, x, angle = rng.uniform(30, 98), rng.uniform(30, 98), rng.uniform(0, np.pi)
        dy, dx = 25 * np.sin(angle), 25 * np.cos(angle)
        ends = (round(y - dy), round(x - dx), round(y + dy), round(x + dx))
        thick = binary_dilation(stroke(ends, shape=(128, 128)), iterations=1)
        labels[:, thick & (labels[0] == 0)] = number
    return labels


@pytest.fixture(scope="module")
def prediction(cracks: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Found in part: two cracks missed, one shortened, a false line added."""
    found = (cracks > 0) & (cracks != 2) & (cracks != 5)
    found[:, :, :50] &= cracks[:, :, :50] != 3
    found[:, 8:10, 20:70] = True
    return found


def brute(predicted: NDArray[np.bool_], true: NDArray[np.bool_], tolerance: float) -> tuple[int, int, int, int]:
    """Counts by all pairs of points, slice by slice."""
    counts = np.zeros(4, dtype=int)
    for mine, theirs in zip(predicted, true, strict=True):
        p, t = np.argwhere(mine), np.argwhere(theirs)
        near = cdist(p, t) <= tolerance if len(p) and len(t) else np.zeros((len(p), len(t)), dtype=bool)
        counts += (near.any(axis=1).sum(), len(p), near.any(axis=0).sum(), len(t))
    return tuple(counts)


@settings(max_examples=60, deadline=None)
@given(small_masks, small_masks, st.sampled_from([0, 1, 1.5, 2, 3]))
def test_voxel_scores_agree_with_all_pairs_of_points(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], tolerance: float
) -> None:
    counts = metrics.voxel_scores(predicted, true, tolerance).counts.sum(axis=0)
    assert tuple(counts) == brute(predicted, true, tolerance)


@settings(max_examples=40, deadline=None)
@given(small_masks, small_masks)
def test_centreline_scores_agree_with_all_pairs_of_thinned_points(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_]
) -> None:
    counts = metrics.centreline_scores(predicted, true).counts.sum(axis=0)
    assert tuple(counts) == brute(metrics.thinned(predicted), metrics.thinned(true), 2)


@settings(max_examples=40, deadline=None)
@given(small_masks, small_masks)
def test_swapping_the_masks_swaps_precision_and_recall(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> None:
    there, back = metrics.centreline_scores(one, other), metrics.centreline_scores(other, one)
    assert (there.precision, there.recall, there.f1) == (back.recall, back.precision, back.f1)


@pytest.mark.parametrize(("predicted", "true", "expected"), [(0, 0, (1, 1, 1)), (0, 1, (1, 0, 0)), (1, 0, (0, 1, 0))])
def test_empty_masks_have_stated_values(predicted: int, true: int, expected: tuple[float, float, float]) -> None:
    full = stroke((10, 10, 40, 30))[None]
    given, truth = full & bool(predicted), full & bool(true)
    for score in (metrics.centreline_scores(given, truth), metrics.voxel_scores(given, truth)):
        assert (score.precision, score.recall, score.f1) == expected
    ratio = {(0, 0): 1, (0, 1): 0, (1, 0): np.inf}[predicted, true]
    assert metrics.voxel_scores(given, truth).volume_ratio == ratio
    alike = float(predicted == true)
    assert metrics.overlap(given, truth).dice == metrics.overlap(given, truth).iou == alike


def test_a_truth_scores_itself_perfectly(cracks: NDArray[np.int32]) -> None:
    for score in (metrics.centreline_scores(cracks > 0, cracks), metrics.voxel_scores(cracks > 0, cracks)):
        assert score.f1 == 1
    assert metrics.false_alarms(cracks > 0, cracks).objects == 0


@pytest.mark.parametrize("times", [1, 2, 3, 5])
def test_thickening_does_not_raise_centreline_f1(
    cracks: NDArray[np.int32], prediction: NDArray[np.bool_], times: int
) -> None:
    thick = np.stack([binary_dilation(plane, iterations=times) for plane in prediction])
    assert metrics.centreline_scores(thick, cracks).f1 <= metrics.centreline_scores(prediction, cracks).f1 + 0.005
    ratios = [metrics.voxel_scores(mask, cracks).volume_ratio for mask in (prediction, thick)]
    assert ratios[1] > 1.2 * ratios[0]


@pytest.mark.parametrize("times", [1, 2])
def test_thinning_does_not_raise_centreline_f1(
    cracks: NDArray[np.int32], prediction: NDArray[np.bool_], times: int
) -> None:
    thin = metrics.thinned(prediction)
    if times == 2:
        thin &= np.random.default_rng(0).random(thin.shape) < 0.5
    assert metrics.centreline_scores(thin, cracks).f1 <= metrics.centreline_scores(prediction, cracks).f1 + 0.005


@pytest.mark.parametrize("density", [0.0005, 0.005, 0.02])
def test_random_dots_raise_neither_tip_nor_centreline_f1(
    cracks: NDArray[np.int32], prediction: NDArray[np.bool_], density: float
) -> None:
    tips = np.array([[z, *tip] for z, plane in enumerate(cracks > 0) for tip in metrics.predicted_tips(plane)])
    dotted = prediction | (np.random.default_rng(1).random(prediction.shape) < density)
    before, after = (metrics.tip_scores(mask, tips, cracks) for mask in (prediction, dotted))
    assert 0 < after.f1 <= before.f1 + 0.02
    lines = [metrics.centreline_scores(mask, cracks).f1 for mask in (prediction, dotted)]
    assert lines[1] <= lines[0]


def test_dots_alone_have_no_tips() -> None:
    rng = np.random.default_rng(0)
    assert len(metrics.predicted_tips(rng.random((256, 256)) < 0.02)) == 0


def test_slabs_add_up_to_the_volume(cracks: NDArray[np.int32], prediction: NDArray[np.bool_]) -> None:
    def scores(part: slice) -> list[Scores]:
        start = (part.start, 0, 0)
        mask, truth = prediction[part], cracks[part]
        tips = np.array([[z, 40.0, 40.0] for z in range(len(mask))])
        functions = (metrics.centreline_scores, metrics.voxel_scores)
        return [f(mask, truth, start=start) for f in functions] + [
            metrics.tip_scores(mask, tips, truth, start=start),
            metrics.centreline_scores(mask, truth > 0, start=start),
        ]

    whole, low, high = (scores(part) for part in (slice(0, 4), slice(0, 1), slice(1, 4)))
    for total, a, b in zip(whole, low, high, strict=True):
        np.testing.assert_array_equal((a + b).units, total.units)
        np.testing.assert_array_equal((a + b).counts, total.counts)


def test_units_are_cracks_and_cells_of_background(cracks: NDArray[np.int32], prediction: NDArray[np.bool_]) -> None:
    far = prediction.copy()
    far[:, 120:122, 2:20] = True
    scores = metrics.centreline_scores(far, cracks)
    assert set(scores.units[scores.units > 0]) == {1, 2, 3, 4, 5, 6}
    background = scores.counts[scores.units < 0]
    assert background[:, 1].sum() > 0
    assert background[:, [0, 2, 3]].sum() == 0


def test_without_ids_units_are_blocks_of_slices() -> None:
    mask = np.repeat(stroke((10, 10, 40, 30))[None], 20, axis=0)
    assert list(metrics.centreline_scores(mask, mask, start=(12, 0, 0)).units) == [-4, -3, -2]


def test_ignored_voxels_count_neither_way() -> None:
    truth = np.stack([stroke((10, 5, 10, 50), (30, 5, 30, 50))])
    found = np.stack([stroke((10, 5, 10, 50), (50, 5, 50, 50))])
    ignore = np.zeros_like(truth)
    ignore[:, 25:] = True
    for scores in (metrics.centreline_scores, metrics.voxel_scores):
        assert scores(found, truth).f1 == pytest.approx(0.5, abs=0.02)
        assert scores(found, truth, ignore=ignore).f1 == 1
    beside = np.stack([stroke((24, 5, 24, 50))])
    ignore[:] = False
    ignore[:, 25:] = True
    truth = np.stack([stroke((26, 5, 26, 50))])
    assert metrics.centreline_scores(beside, truth, ignore=ignore).counts.sum() == 0


def test_tips_of_a_stroke_are_its_ends() -> None:
    tips = metrics.predicted_tips(stroke((10, 10, 40, 50)))
    assert sorted(map(tuple, tips)) == [(10, 10), (40, 50)]


def test_side_branches_are_cut_at_eight_voxels() -> None:
    short, long = stroke((30, 5, 30, 60), (29, 30, 25, 30)), stroke((30, 5, 30, 60), (29, 30, 15, 30))
    assert sorted(map(tuple, metrics.predicted_tips(short))) == [(30, 5), (30, 60)]
    assert len(metrics.predicted_tips(long)) == 3


def test_at_a_forked_end_the_longer_prong_goes_on() -> None:
    forked = stroke((30, 5, 30, 40), (30, 40, 25, 45), (30, 40, 33, 43))
    assert sorted(map(tuple, metrics.predicted_tips(forked))) == [(25, 45), (30, 5)]


@pytest.mark.parametrize("length", [1, 4, 7])
def test_lines_shorter_than_eight_voxels_have_no_tips(length: int) -> None:
    assert len(metrics.predicted_tips(stroke((10, 10, 10, 9 + length)))) == 0
    assert len(metrics.predicted_tips(stroke((10, 10, 10, 17)))) == 2


def test_a_ring_and_an_empty_slice_have_no_tips() -> None:
    ring = stroke((10, 10, 10, 40), (10, 40, 40, 40), (40, 40, 40, 10), (40, 10, 10, 10))
    assert len(metrics.predicted_tips(ring)) == len(metrics.predicted_tips(np.zeros((8, 8), dtype=bool))) == 0


@settings(max_examples=80, deadline=None)
@given(positions, positions)
def test_matching_finds_the_most_pairs(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> None:
    pairs = metrics.match_tips(predicted, true, 4)
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)
    apart = cdist(predicted, true) if len(predicted) and len(true) else np.zeros((len(predicted), len(true)))
    assert all(apart[a, b] <= 4 for a, b in pairs)
    few, many = (apart, true) if len(predicted) <= len(true) else (apart.T, predicted)
    orders = permutations(range(len(many)), len(few))
    assert len(pairs) == max(sum(few[i, j] <= 4 for i, j in enumerate(order)) for order in orders)


def test_one_dot_cloud_cannot_match_one_tip_twice() -> None:
    pairs = metrics.match_tips(np.array([[10, 10], [10, 11], [11, 10]]), np.array([[10.0, 10.0]]))
    assert pairs.tolist() == [[0, 0]]


def test_tip_scores_leave_out_the_border_and_what_is_ignored() -> None:
    mask = np.stack([stroke((30, 0, 30, 40))])
    ends = np.array([[0, 30.0, 40.0]])
    assert metrics.tip_scores(mask, ends, mask).f1 == 1
    inner = np.stack([stroke((30, 10, 30, 40))])
    assert metrics.tip_scores(inner, ends, inner).precision == 0.5
    ignore = np.zeros_like(inner)
    ignore[:, :, :12] = True
    assert metrics.tip_scores(inner, ends, inner, ignore=ignore).f1 == 1


def test_the_partner_of_a_counted_tip_counts_wherever_it_lies() -> None:
    mask = np.stack([stroke((30, 2, 30, 40))])
    ends = np.array([[0, 30, 4], [0, 30, 40]])
    assert metrics.tip_scores(mask, ends, mask).counts.sum(axis=0).tolist() == [2, 2, 2, 2]
    beyond = np.array([[0, 30, 1], [0, 30, 40]])
    late = np.stack([stroke((30, 4, 30, 40))])
    assert metrics.tip_scores(late, beyond, late).counts.sum(axis=0).tolist() == [1, 1, 1, 1]


def test_a_tip_five_voxels_off_is_missed() -> None:
    mask = np.stack([stroke((30, 10, 30, 40))])
    near, far = (np.array([[0, 30, 10], [0, 30, 40 + off]]) for off in (4, 5))
    assert metrics.tip_scores(mask, near, mask).f1 == 1
    assert metrics.tip_scores(mask, far, mask).f1 == 0.5


def slow_average_precision(probability: NDArray[np.uint8], truth: NDArray[np.bool_]) -> float:
    total, before = 0.0, 0.0
    for level in sorted(set(probability.ravel().tolist()), reverse=True):
        chosen = probability >= level
        recall = (chosen & truth).sum() / truth.sum()
        total += (recall - before) * (chosen & truth).sum() / chosen.sum()
        before = recall
    return float(total)


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, (1, 5, 6)), arrays(bool, (1, 5, 6)))
def test_average_precision_agrees_with_its_definition(probability: NDArray[np.uint8], truth: NDArray[np.bool_]) -> None:
    counts = metrics.level_counts(probability, truth)
    assert counts.sum() == truth.size
    expected = slow_average_precision(probability, truth) if truth.any() else 0
    assert metrics.average_precision(counts) == pytest.approx(expected)
    np.testing.assert_array_equal(metrics.level_counts(probability / 255, truth), counts)


def test_overlap_by_hand() -> None:
    a, b = np.zeros((1, 4, 4), dtype=bool), np.zeros((1, 4, 4), dtype=bool)
    a[0, 0, :3], b[0, 0, 1:] = True, True
    score = metrics.overlap(a, b)
    assert (score.dice, score.iou) == (pytest.approx(4 / 6), pytest.approx(2 / 4))
    assert metrics.overlap(a, b, ignore=a & ~b) == metrics.Overlap(2, 2, 3)


def test_false_alarms_are_objects_of_eight_voxels_away_from_truth() -> None:
    truth = np.stack([stroke((10, 10, 10, 50))])
    found = np.stack([stroke((12, 10, 12, 50), (30, 10, 30, 17), (40, 10, 40, 16), (50, 10, 57, 17))])
    alarms = metrics.false_alarms(found, truth)
    assert alarms.objects == 2
    assert alarms.per_slice == pytest.approx(2 / 64**2 * 512**2)
    assert alarms.per_mm2((1, 2, 2)) == pytest.approx(2 / (64**2 * 4e-6))
    assert alarms.per_mm2(None) is None
    ignore = np.zeros_like(truth)
    ignore[:, 45:] = True
    assert metrics.false_alarms(found, truth, ignore=ignore) == metrics.FalseAlarms(1, 45 * 64)


def test_recall_by_aperture_has_a_chance_level() -> None:
    wide, narrow = stroke((20, 20, 20, 100), shape=(128, 128)), stroke((60, 20, 60, 100), shape=(128, 128))
    truth = np.stack([wide | narrow])
    aperture = np.where(wide, 2.0, 0.5)[None]
    rows = metrics.recall_by_aperture(np.stack([wide]), truth, aperture, (0, 1, 3, 5)).rows
    assert [row.recall for row in rows] == [0, 1, 1]
    assert [row.voxels for row in rows] == [81, 81, 0]
    assert all(row.chance < 0.3 for row in rows[:2])
    noise = np.random.default_rng(0).random(truth.shape) < 0.2
    everywhere = metrics.recall_by_aperture(noise, truth, aperture, (0, 3)).rows[0]
    assert everywhere.recall == pytest.approx(everywhere.chance, abs=0.1)
    assert abs(everywhere.above_chance) < 0.3


def test_the_margin_of_a_prediction_over_itself_is_nothing(
    cracks: NDArray[np.int32], prediction: NDArray[np.bool_]
) -> None:
    scores = metrics.centreline_scores(prediction, cracks)
    result = metrics.margin(scores, scores)
    assert (result.value, result.low, result.high) == (0, 0, 0)


def test_the_margin_is_paired_and_covers_its_value(cracks: NDArray[np.int32], prediction: NDArray[np.bool_]) -> None:
    truth, worse = metrics.centreline_scores(cracks > 0, cracks), metrics.centreline_scores(prediction, cracks)
    result = metrics.margin(truth, worse)
    assert 0 < result.low < result.value < result.high
    assert result.value == truth.f1 - worse.f1
    turned = metrics.margin(worse, truth)
    assert (turned.low, turned.high) == pytest.approx((-result.high, -result.low))


def test_the_interval_agrees_with_a_bootstrap_written_out(
    cracks: NDArray[np.int32], prediction: NDArray[np.bool_]
) -> None:
    a, b = metrics.centreline_scores(cracks > 0, cracks), metrics.centreline_scores(prediction, cracks)
    result = metrics.margin(a, b, draws=3000)
    units = np.union1d(a.units, b.units)
    rng, differences = np.random.default_rng(9), []
    for _ in range(3000):
        drawn = np.concatenate([rng.choice(units[side], size=side.sum()) for side in (units > 0, units < 0)])
        values = []
        for scores in (a, b):
            right, predicted, found, true = sum(scores.counts[scores.units == unit].sum(axis=0) for unit in drawn)
            p, r = (right / predicted if predicted else 1), (found / true if true else 1)
            values.append(2 * p * r / (p + r) if p + r else 0)
        differences.append(values[0] - values[1])
    assert (result.low, result.high) == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])), abs=0.03)


def test_one_unit_says_nothing() -> None:
    mask = np.stack([stroke((10, 10, 40, 30))])
    one = metrics.centreline_scores(mask, mask)
    assert (metrics.margin(one, one).low, metrics.margin(one, one).high) == (-1, 1)
