from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.clean import clean_array
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.demo import Contest, DemoSettings, demo
from napari_xct_crack.demo._standing import MEASURES, Entrant
from napari_xct_crack.errors import OutputError
from napari_xct_crack.evaluate import scores
from napari_xct_crack.events import Event, Progress, Saved, StepDone
from napari_xct_crack.io import read
from napari_xct_crack.patches import PatchSettings
from napari_xct_crack.phantom import PhantomSettings
from napari_xct_crack.runs import TrainSettings

SETTINGS = DemoSettings(phantom=PhantomSettings(shape=(10, 112, 112), prevalence=3), minutes=0.03, device="cpu")
TRAINING = TrainSettings(slices=1, batch=2, cracks=SheetCracks(), patches=PatchSettings(size=64))


def watched(out: Path, settings: DemoSettings = SETTINGS) -> tuple[Contest, list[Event]]:
    events = []
    work = demo(out, settings, TRAINING)
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            return stop.value, events


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Contest]:
    """A tiny demo that was stopped in the middle of the peers and then run again."""
    out = tmp_path_factory.mktemp("demo")
    for event in demo(out, SETTINGS, TRAINING):
        if isinstance(event, Progress) and event.what == "peers" and event.done == 3:
            break
    contest, events = watched(out)
    assert not any(isinstance(event, StepDone) for event in events)
    assert [Path(event.path).name for event in events if isinstance(event, Saved)][-2:] == [
        "metrics.json",
        "report.html",
    ]
    return out, contest


def test_all_its_products_are_there(done: tuple[Path, Contest]) -> None:
    out, contest = done
    record = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert set(record["peers"]) == set(record["margins"]) == {other.name for other in contest.others}
    assert record["settings"] == SETTINGS.model_dump(mode="json")
    assert record["ours"]["threshold"] == 0.5
    assert not record["ours"]["tuned_on_truth"]
    assert record["ours"]["tips"]["from"] == "truth.json"
    assert record["ours"]["average_precision"] is not None
    html = (out / "report.html").read_text(encoding="utf-8")
    assert html.count("data:image/png") == 5
    assert all(other.name.replace("<", "&lt;") in html for other in contest.others)
    mask = read(out / "mask.ome.zarr")
    probability = read(out / "probability.ome.zarr").read()
    np.testing.assert_array_equal(mask.read(), clean_array(probability))


def test_the_table_states_what_was_asked(done: tuple[Path, Contest]) -> None:
    _, contest = done
    table = contest.table()
    lines = {line[: len(other.name)]: line for other in contest.others for line in table.splitlines()}
    for other in contest.others:
        assert f"{other.scores('tips').f1:.3f}" in table
        assert other.name in lines
    assert all(name in table for name in MEASURES.values())
    assert {"3-D filter, r < -2.5", "Otsu", "Otsu (tuned)"} <= {other.name for other in contest.others}


def test_a_finished_demo_is_not_done_again(done: tuple[Path, Contest]) -> None:
    out, contest = done
    written = {path: path.stat().st_mtime_ns for path in (out / "peers").rglob("zarr.json")}
    again, events = watched(out)
    assert not any(isinstance(event, StepDone) for event in events)
    assert again.record() == contest.record()
    assert written == {path: path.stat().st_mtime_ns for path in (out / "peers").rglob("zarr.json")}


def test_another_demo_in_the_same_folder_is_refused(done: tuple[Path, Contest]) -> None:
    other = DemoSettings(phantom=PhantomSettings(shape=(10, 112, 112), seed=1), minutes=0.03)
    with pytest.raises(OutputError):
        watched(done[0], other)


def entrant(name: str, mask: np.ndarray, truth: np.ndarray) -> Entrant:
    return Entrant(name, scores(mask, truth), 0.5, tuned=False)


@pytest.fixture(scope="module")
def rivals() -> tuple[Entrant, Entrant]:
    """A perfect one, and one that misses every other crack."""
    truth = np.zeros((3, 100, 100), dtype=np.int32)
    for number in range(1, 9):
        truth[:, 10 * number, 10:60] = number
    return entrant("good", truth > 0, truth), entrant("poor", (truth > 0) & (truth % 2 == 0), truth)


def test_the_verdict_says_who_is_ahead(rivals: tuple[Entrant, Entrant]) -> None:
    good, poor = rivals
    won, lost, even = Contest(good, (poor,)), Contest(poor, (good,)), Contest(good, (good, poor))
    assert won.ahead_of_all
    assert "is ahead of all" in won.verdict()
    assert "all lie above 0" in won.verdict()
    assert won.margin(poor, "centreline").low > 0
    assert not lost.ahead_of_all
    assert not even.ahead_of_all
    for contest in (lost, even):
        assert all(f"not ahead in {name}" in contest.verdict() for name in MEASURES.values())


def test_a_lead_that_may_be_chance_is_called_so() -> None:
    truth = np.zeros((3, 100, 100), dtype=np.int32)
    for number in range(1, 9):
        truth[:, 10 * number, 10:60] = number
    one, other = truth > 0, truth > 0
    one[:, 10], other[:, 20:31] = False, False
    contest = Contest(entrant("one", one, truth), (entrant("other", other, truth),))
    assert contest.ahead_of_all
    assert "reach 0 for other" in contest.verdict()
