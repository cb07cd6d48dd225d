"""Marks beyond visible tips: what counts, where it points, and what is said of it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.propagation import FAR, NEAR, NO_CLAIM, ahead, beyond, headings, straight

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "propagation.py"


def _line(angle: float, start: float, stop: float) -> np.ndarray:
    """Probability one on a line from (50, 50), its angle counted from y towards x."""
    level = np.zeros((100, 100))
    for r in np.arange(start, stop, 0.25):
        level[round(50 + r * np.cos(angle)), round(50 + r * np.sin(angle))] = 1
    return level


@pytest.mark.parametrize("way", [0, 90, 200, 315])
@pytest.mark.parametrize("turn", [-60, -20, 0, 35, 75])
def test_marks_point_where_they_lie(way: float, turn: float) -> None:
    direction = np.array([[np.cos(np.radians(way)), np.sin(np.radians(way))]])
    level = _line(np.radians(way + turn), NEAR, FAR)
    angle, marks = headings(level, np.array([[50.0, 50.0]]), direction)
    assert np.degrees(angle[0]) == pytest.approx(turn, abs=3)
    assert marks[0] > 8
    turned = headings(0.3 * level, np.array([[50.0, 50.0]]), direction)
    assert turned[0][0] == pytest.approx(angle[0])
    assert turned[1][0] == pytest.approx(0.3 * marks[0])


def test_what_is_near_behind_or_far_does_not_count() -> None:
    places, directions = np.array([[50.0, 50.0]]), np.array([[1.0, 0.0]])
    for angle, start, stop in ((0.0, 0, NEAR - 0.8), (np.pi, 0, 30), (0.0, FAR + 1.5, 40)):
        found, marks = headings(_line(angle, start, stop), places, directions)
        assert (found[0], marks[0]) == (0, 0)
    assert not ahead((100, 100), places, directions)[:51].any()
    line = np.argwhere(straight((100, 100), places, directions))
    assert (line[:, 1] == 50).all()
    assert line[:, 0].min() == 50 + NEAR
    assert straight((60, 60), np.array([[57.0, 57.0]]), directions).sum() == 0, "cut by the edge"


def test_the_tips_are_those_of_the_last_and_all_snapshots_are_asked() -> None:
    crack = np.zeros((80, 80))
    crack[20:41, 39:42] = 0.9
    early = crack.copy()
    early[47:53, 44:46] = 0.4  # down and to the right of the lower end
    found = beyond([early, crack])
    order = np.argsort(found.tips.places[:, 0])
    np.testing.assert_allclose(found.tips.places[order, 0], [19.5, 40.5], atol=0.7)
    upper, lower = found.turns[:, order].T
    assert np.isnan(upper).all()
    assert np.isnan(lower[1])
    assert lower[0] == pytest.approx(np.degrees(np.arctan2(4.5, 9)), abs=6)
    assert found.mean.max() == pytest.approx(0.2)
    assert (found.mean[47:53, 44:46] > 0.19).all()
    assert found.mean[20:41].max() == 0
    first, second, last = found.sentences(["step 50", "step 60"])
    assert first.startswith("step 50: marks beyond 1 of 2 visible tips")
    assert second == "step 60: marks beyond 0 of 2 visible tips"
    assert last == NO_CLAIM
    assert found.line == "2 visible tips, marks beyond 1 of them"


def test_another_visible_crack_is_no_prediction() -> None:
    cracks = np.zeros((80, 80))
    cracks[20:41, 39:42] = 0.9
    cracks[48:51, 20:61] = 0.9
    found = beyond([cracks, cracks])
    lower = np.argmin(np.hypot(*(found.tips.places - (40.5, 40)).T))
    assert np.isnan(found.turns[:, lower]).all()
    assert found.mean.max() == 0
    faint = cracks.copy()
    faint[48:51] *= 0.5
    assert np.isfinite(beyond([cracks, faint]).turns[:, lower]).all()


def test_a_slice_without_cracks_has_no_tips() -> None:
    found = beyond([np.zeros((40, 40))])
    assert found.turns.shape == (1, 0)
    assert found.sentences(["model"])[0] == "model: marks beyond 0 of 0 visible tips"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("propagation_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_scenes_differ_by_their_cracks_only_and_know_the_future(benchmark) -> None:
    place = benchmark.scene("clean", 6000)
    scan, empty = (volume.read().astype(float) for volume in (place.scan, place.empty))
    near = np.zeros(scan.shape, bool)
    for z in range(scan.shape[0]):
        near[z] = benchmark.binary_dilation(place.now[z] > 0, iterations=8)
    still = ~near & ~np.roll(near, 3, 0) & ~np.roll(near, -3, 0)
    assert np.median(np.abs(scan - empty)[still]) == 0
    assert (empty - scan)[place.now > 0].mean() > 1000
    known = [one for z in benchmark.SLICES for one in benchmark.futures(place, z)]
    assert len(known) > 5
    for end, future, number in known:
        beyond = end + 8 * future
        z = next(z for z in benchmark.SLICES if (place.ends[:, :3] == (z, *end)).all(axis=1).any())
        around = tuple(slice(round(c) - 4, round(c) + 5) for c in beyond)
        assert (place.later[z][around] == number).any()
        assert not (place.now[z][around] == number).any()


def test_intervals_draw_whole_cracks(benchmark) -> None:
    rng = np.random.default_rng(0)
    cracks = np.repeat(np.arange(30.0), 10)
    shared = rng.normal(5, 4, 30).repeat(10)  # all tips of a crack alike: ten times fewer independent values
    text = benchmark.interval(cracks, shared)
    value, low, high = (float(part.strip("(,)")) for part in text.split())
    assert value == pytest.approx(shared.mean(), abs=0.06)
    assert high - low == pytest.approx(2 * 1.96 * shared.std() / np.sqrt(30), rel=0.2)


def test_the_table_tells_a_net_that_knows_from_one_that_invents(benchmark) -> None:
    rng = np.random.default_rng(1)
    cracks = np.repeat(np.arange(40.0), 6)
    turn = rng.normal(0, 30, 240)
    knows, invents, without = (np.abs(turn - told) for told in (turn + rng.normal(0, 5, 240), turn + 40, turn + 40))
    errors = np.column_stack(
        [np.abs(turn), np.abs(turn - rng.uniform(-90, 90, 240)), knows, invents, np.abs(turn), without]
    )
    rows = np.column_stack([cracks, errors, np.ones((240, 2))])
    lines = list(benchmark.table(rows, [50, 100]))
    assert float(lines[4].split("|")[3]) == pytest.approx(5 * np.sqrt(2 / np.pi), rel=0.2)
    beside, null = lines[4].split("|")[5:7]
    assert all(float(cell.split(",")[1].strip(" )")) < 0 for cell in (beside, null)), "upper ends below 0"
    assert float(lines[5].split("|")[6].split()[0]) == 0
