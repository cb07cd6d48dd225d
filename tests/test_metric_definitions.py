"""Every number against another library that has it, or against its formula written out; and what emptiness gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.draw import line

from napari_xct_crack import metrics

monai = pytest.importorskip("monai.metrics")
torch = pytest.importorskip("torch")
sklearn = pytest.importorskip("sklearn.metrics")

blobs = arrays(bool, (1, 12, 14), elements=st.integers(0, 3).map(lambda number: number == 0))
EMPTY, FULL = np.zeros((2, 40, 40), dtype=bool), np.zeros((2, 40, 40), dtype=bool)
FULL[:, 20, 8:32] = True


def stroke(*ends: tuple[int, int, int, int], shape: tuple[int, int] = (64, 64)) -> NDArray[np.bool_]:
    """One slice with straight lines y0, x0, y1, x1."""
    plane = np.zeros((1, *shape), dtype=bool)
    for y0, x0, y1, x1 in ends:
        rows, columns = line(y0, x0, y1, x1)
        plane[0, rows, columns] = True
    return plane


def batched(mask: NDArray[np.bool_]) -> torch.Tensor:
    return torch.from_numpy(mask[None].astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(blobs, blobs, st.sampled_from([0.0, 1.0, 1.5, 3.0]))
def test_surfaces_and_overlap_agree_with_monai(
    mask: NDArray[np.bool_], truth: NDArray[np.bool_], tolerance: float
) -> None:
    mask[:, 5, 5], truth[:, 6, 4] = True, True  # emptiness is another test: MONAI gives no number there
    ours, pair = metrics.surfaces(mask, truth), (batched(mask), batched(truth))
    theirs = monai.compute_surface_dice(*pair, class_thresholds=[tolerance], include_background=True)
    assert ours.dice(tolerance) == pytest.approx(float(theirs), abs=1e-6)
    for share in (0.5, 0.95, 1.0):
        distance = monai.compute_hausdorff_distance(*pair, include_background=True, percentile=100 * share)
        assert ours.hausdorff(share) == pytest.approx(float(distance), abs=1e-4)
    overlap = metrics.overlap(mask, truth)
    assert overlap.dice == pytest.approx(float(monai.compute_dice(*pair)))
    assert overlap.iou == pytest.approx(float(monai.compute_iou(*pair)))


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, (1, 6, 7)), arrays(bool, (1, 6, 7)))
def test_average_precision_agrees_with_scikit_learn(probability: NDArray[np.uint8], truth: NDArray[np.bool_]) -> None:
    truth[0, 0, 0] = True
    ours = metrics.average_precision(metrics.level_counts(probability, truth))
    assert ours == pytest.approx(sklearn.average_precision_score(truth.ravel(), probability.ravel()))


@settings(max_examples=25, deadline=None)
@given(blobs, blobs)
def test_cl_dice_is_its_formula(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
    mask[:, 5, 5], truth[:, 6, 4] = True, True
    own, true = metrics.thinned(mask)[0], metrics.thinned(truth)[0]
    precision, sensitivity = (own & truth[0]).sum() / own.sum(), (true & mask[0]).sum() / true.sum()
    expected = 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0
    assert metrics.cl_dice(mask, truth).f1 == pytest.approx(expected)


def test_objects_agree_with_monai_where_every_object_is_wholly_found_or_missed() -> None:
    truth = stroke((10, 8, 10, 50), (25, 8, 25, 50), (40, 8, 40, 50), (55, 8, 55, 50))
    found = stroke((10, 8, 10, 50), (25, 8, 25, 40), (32, 8, 32, 50))
    numbers = []
    for mask in (found, truth):
        starts = np.cumsum(mask.any(axis=2), axis=1)[..., None] * mask  # one number for each line
        numbers.append(torch.from_numpy(starts[0].astype(np.int64)))
    theirs = monai.compute_panoptic_quality(*numbers, metric_name="rq")
    assert metrics.object_scores(found, truth).f1 == pytest.approx(float(theirs), abs=1e-5)
    assert metrics.object_scores(found, truth).counts.sum(axis=0).tolist() == [2, 3, 2, 4]


@pytest.mark.parametrize(("mask", "truth"), [(EMPTY, EMPTY), (EMPTY, FULL), (FULL, EMPTY), (FULL, FULL)])
def test_emptiness_has_stated_values(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
    alike, both = mask.any() == truth.any(), mask.any() and truth.any()
    diagonal = float(np.hypot(40, 40))
    for scores in (metrics.cl_dice, metrics.object_scores, metrics.centreline_scores, metrics.voxel_scores):
        assert scores(mask, truth).f1 == float(alike)
    surfaces = metrics.surfaces(mask, truth)
    assert (surfaces.dice(), surfaces.hausdorff()) == (float(alike), 0 if alike else pytest.approx(diagonal))
    widths = metrics.widths(mask, truth)
    assert (widths.error, widths.absolute_error) == ((0, 0) if both else (None, None))
    tips = np.array([[z, 20.0, x] for z in range(2) for x in (8, 31)])[: 4 * truth.any()].reshape(-1, 3)
    assert metrics.tip_scores(mask, tips, truth).f1 == float(alike)
    errors = metrics.tip_errors(mask, tips, truth)
    assert (errors.median, errors.p90) == ((0, 0) if both else (None, None))
    assert errors.unmatched == float(truth.any() and not mask.any())
    row = metrics.recall_by_aperture(mask, truth, np.ones(mask.shape), (0, 2)).rows[0]
    assert row.recall == (mask.any() if truth.any() else 1)
    assert row.chance == (1 if not truth.any() else pytest.approx(0, abs=0.1) if mask.any() else 0)
    alarms = metrics.false_alarms(mask, truth)
    assert alarms.objects == (2 if mask.any() and not truth.any() else 0)
    grey = np.where(FULL, 0.0, 100.0)
    void = metrics.void_sum(grey, mask, truth, truth.astype(float), 100.0)
    expected = 0.0 if alike else -1.0 if truth.any() else np.inf
    assert void.bias == pytest.approx(expected, abs=1e-3)


def test_missing_grey_value_gives_the_void_however_thick_the_label() -> None:
    void = np.zeros((3, 90, 90))
    void[:, 44, 10:80], void[:, 45, 10:80] = 0.7, 0.4
    exact = void.sum()
    rng = np.random.default_rng(0)
    grey = 30000 - 20000 * gaussian_filter(void, (0, 1, 1)) + rng.normal(0, 400, void.shape)
    estimates = []
    for thickness in (0, 1, 2):
        label = np.zeros(void.shape, dtype=bool)
        label[:, 44 - thickness : 46 + thickness, 10:80] = True
        estimates.append(metrics.missing_void(grey, label, 20000, np.ones_like(label), grow=3))
    assert estimates == pytest.approx([exact] * 3, rel=0.03)
    label[:, :, 40:] = False
    half = metrics.void_sum(grey, label, void > 0, void, 20000, grow=3)
    assert half.bias == pytest.approx(-4 / 7, abs=0.05)
    assert half.label_bias == pytest.approx(0, abs=0.03)


def test_pores_and_shading_do_not_move_the_void() -> None:
    rng = np.random.default_rng(1)
    void = np.zeros((2, 120, 120))
    void[:, 60, 20:100] = 0.8
    pores = gaussian_filter((rng.random(void.shape) < 0.004).astype(float), (0, 1, 1)) * 6
    pores[:, 50:70] = 0
    shading = np.linspace(0, 3000, 120)[None, :, None]
    grey = 30000 + shading - 20000 * (gaussian_filter(void, (0, 1, 1)) + pores) + rng.normal(0, 600, void.shape)
    label = void > 0
    part = np.ones_like(label)
    assert metrics.missing_void(grey, label, 20000, part, grow=3) == pytest.approx(void.sum(), rel=0.06)
    assert metrics.missing_void(grey, label, 20000, part & False, grow=3) == 0


@pytest.mark.parametrize("end", [20, 26, 30, 34, 40])
def test_the_tip_error_is_signed_along_the_crack(end: int) -> None:
    truth = stroke((32, 4, 32, 30)).astype(np.int32) * 5
    tips = np.array([[0, 32.0, 30.0, 5]])
    errors = metrics.tip_errors(stroke((32, 8, 32, end)), tips, truth)
    assert errors.errors.tolist() == pytest.approx([30 - end])
    assert errors.unmatched == 0
    aside = stroke((37, 8, 37, end))
    assert metrics.tip_errors(aside, tips, truth).unmatched == 1


def test_tip_errors_take_the_direction_of_their_own_crack_and_the_nearest_partner() -> None:
    truth = stroke((32, 4, 32, 30)).astype(np.int32) + 2 * stroke((34, 32, 58, 32))
    found = stroke((32, 4, 32, 27), (36, 32, 58, 32))
    tips = np.array([[0, 32.0, 30, 1], [0, 34, 32, 2], [0, 58, 32, 2]])
    errors = metrics.tip_errors(found, tips, truth)
    assert sorted(errors.errors.tolist()) == pytest.approx([0, 2, 3], abs=1e-9)
    assert (errors.median, errors.p90) == pytest.approx((2, 2.8))
    assert metrics.tip_errors(found, tips[:, :3], truth > 0).tips == 3


def test_the_width_error_is_area_over_length() -> None:
    truth = np.zeros((1, 40, 60), dtype=bool)
    truth[0, 20, 5:55] = True
    for width, expected in ((1, 0), (3, 2), (5, 4)):
        thick = np.zeros_like(truth)
        thick[0, 20 - width // 2 : 21 + width // 2, 5:55] = True
        found = metrics.widths(thick, truth)
        assert found.error == pytest.approx(expected, abs=0.3)
        assert found.absolute_error == pytest.approx(found.error)
        assert metrics.widths(truth, thick).error == pytest.approx(-expected, abs=0.3)
    diagonal = stroke((5, 5, 55, 55))
    assert metrics.widths(diagonal, diagonal).sums[0, :2].tolist() == pytest.approx([51, 50 * 2**0.5 + 1])


def test_a_crack_in_pieces_is_not_found_as_an_object() -> None:
    truth = stroke((20, 5, 20, 58))
    forgiven = stroke((20, 5, 20, 30), (20, 34, 20, 58))
    broken = stroke((20, 5, 20, 24), (20, 36, 20, 58))
    assert metrics.object_scores(forgiven, truth).f1 == 1
    assert metrics.object_scores(broken, truth).f1 == 0
    assert metrics.object_scores(stroke((20, 5, 20, 40)), truth).f1 == 1
    assert metrics.object_scores(stroke((20, 5, 20, 11)), stroke((20, 5, 20, 11))).counts.sum() == 0


def test_false_alarms_at_pores_are_told_apart() -> None:
    found = stroke((10, 10, 10, 20), (40, 10, 40, 20))
    pores = stroke((42, 12, 42, 14))
    alarms = metrics.false_alarms(found, np.zeros_like(found), pores=pores)
    assert (alarms.objects, alarms.pores.objects, alarms.rest.objects) == (2, 1, 1)
    assert alarms.pores.per_slice == alarms.rest.per_slice == alarms.per_slice / 2
    assert (alarms + alarms).at_pores == 2


def test_all_counts_of_slabs_add_up() -> None:
    rng = np.random.default_rng(3)
    truth = np.zeros((4, 64, 64), dtype=np.int32)
    truth[:, 20, 8:50], truth[:, 40, 8:50] = 1, 2
    mask = np.roll(truth > 0, 1, axis=1) & (rng.random(truth.shape) < 0.9)
    aperture = truth.astype(float)
    tips = np.array([[z, 20.0, 49, 1] for z in range(4)])
    grey = 100 - 100 * gaussian_filter((truth > 0).astype(float), (0, 1, 1)) + rng.normal(0, 3, truth.shape)

    def counts(part: slice, start: int) -> list[object]:
        given = mask[part], truth[part]
        near = tips[(tips[:, 0] >= part.start) & (tips[:, 0] < part.stop)] - (part.start, 0, 0, 0)
        return [
            metrics.surfaces(*given),
            metrics.widths(*given, start=(start, 0, 0)),
            metrics.object_scores(*given, start=(start, 0, 0)),
            metrics.tip_errors(given[0], near, given[1]),
            metrics.recall_by_aperture(*given, aperture[part]),
            metrics.void_sum(grey[part], *given, (given[1] > 0).astype(float), 100.0),
        ]

    whole, first, rest = counts(slice(0, 4), 0), counts(slice(0, 1), 0), counts(slice(1, 4), 1)
    for total, one, other in zip(whole, first, rest, strict=True):
        summed = one + other
        for name, value in vars(total).items():
            np.testing.assert_allclose(np.asarray(getattr(summed, name), dtype=float), np.asarray(value, dtype=float))
