"""What a step will take, told before it begins."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_xct_crack.commands.convert import Convert
from napari_xct_crack.errors import InputError, OutputError
from napari_xct_crack.events import Estimated, Event, Progress, Said, Work, amount, duration, finish
from napari_xct_crack.io.ome_zarr import create, write
from napari_xct_crack.outlook import foretold
from napari_xct_crack.volume import Box, Volume

SHAPE = (64, 128, 256)
TOTAL = 64 * 128 * 256


class _Clock:
    """A clock that only steps move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("napari_xct_crack.outlook.time.perf_counter", lambda: self.now)

    def step(self, fixed: float, per_voxel: float, first: float = 0.0) -> Any:
        boxes: list[Box] = []

        def work(box: Box, out: Path) -> Work[None]:
            self.now += fixed + per_voxel * box.size + first * (not boxes)
            boxes.append(box)
            out.mkdir()
            (out / "data").write_bytes(bytes(1000 + box.size // 64))
            yield Said("nobody should hear this twice")

        work.boxes = boxes  # type: ignore[attr-defined]
        return work


def _told(work: Work[None]) -> Estimated:
    (told,) = (event for event in work if not isinstance(event, Progress))
    assert isinstance(told, Estimated)
    return told


def test_time_and_disk_lie_on_the_line_through_two_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = _Clock(monkeypatch).step(fixed=7.0, per_voxel=1e-4, first=90.0)
    told = _told(foretold(step, Volume.from_array(np.ones(SHAPE, np.uint8)), tmp_path / "out.ome.zarr"))
    assert told.seconds == pytest.approx(7 + 1e-4 * TOTAL, rel=0.01)
    assert told.disk == pytest.approx(1000 + TOTAL / 64, rel=0.01)
    assert told.memory > 1e7
    assert "This takes about 4 min" in told.text
    assert all(Box.of(SHAPE).contains(box) for box in step.boxes)
    assert not list(tmp_path.iterdir())


def test_what_is_done_slice_by_slice_is_tried_on_whole_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = _Clock(monkeypatch).step(fixed=0.0, per_voxel=1e-4)
    finish(foretold(step, Volume.from_array(np.ones(SHAPE, np.uint8)), tmp_path / "out.ome.zarr", slices=True))
    assert {box.shape[1:] for box in step.boxes} == {SHAPE[1:]}


def test_a_short_step_is_tried_once_and_told_in_a_few_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = _Clock(monkeypatch).step(fixed=0.0, per_voxel=0.5 / TOTAL)
    told = _told(foretold(step, Volume.from_array(np.ones(SHAPE, np.uint8)), tmp_path / "out.ome.zarr"))
    assert len(step.boxes) == 1
    assert "a few seconds" in told.text


def test_voxels_that_were_never_written_take_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (256, 256, 256)
    store = create(
        tmp_path / "s.ome.zarr", shape, "uint8", role="image", voxel_size=None, chunk=(64,) * 3, shard=(128,) * 3
    )
    store.fill(Box((0, 0, 0), (128, 128, 256)), np.ones((128, 128, 256), np.uint8), 1)
    step = _Clock(monkeypatch).step(fixed=0.0, per_voxel=1e-4)
    told = _told(foretold(step, store.volume(), tmp_path / "out.ome.zarr"))
    assert told.seconds == pytest.approx(1e-4 * 256**3 / 4, rel=0.01)


def test_a_mask_that_is_emptier_than_its_middle_takes_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.zeros(SHAPE, np.uint8)
    array[16:48, 32:96, 64:192] = 1
    mask = write(tmp_path / "m.ome.zarr", array, role="mask")
    step = _Clock(monkeypatch).step(fixed=0.0, per_voxel=1e-4)
    told = _told(foretold(step, mask, tmp_path / "out.ome.zarr"))
    believed = 1 / 4  # of the middle's share of marks, which is eight times that of all
    assert told.seconds == pytest.approx(1e-4 * TOTAL * (1 + believed) / 2, rel=0.01)


def test_a_disk_that_cannot_hold_it_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_xct_crack.blocks._forecast.shutil.disk_usage", lambda _: SimpleNamespace(free=50_000))
    source = write(tmp_path / "s.ome.zarr", np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8), role="image")
    out = tmp_path / "out.ome.zarr"
    with pytest.raises(OutputError, match=r"will need about .* and its disk has 50 kB free"):
        finish(Convert(volume=str(source.source), out=out).run())
    assert not out.exists()


def test_what_is_wrong_with_a_step_is_left_to_the_step(tmp_path: Path) -> None:
    def wrong(box: Box, out: Path) -> Work[None]:
        raise InputError("no")
        yield

    events: list[Event] = list(foretold(wrong, Volume.from_array(np.ones(SHAPE, np.uint8)), tmp_path / "out"))
    assert not events


def test_amounts_and_times_are_told_in_the_unit_that_fits() -> None:
    assert [amount(size) for size in (12_300, 45_600_000, 78e9)] == ["12.3 kB", "45.6 MB", "78 GB"]
    assert [duration(seconds) for seconds in (4.4, 300, 5400)] == ["4 s", "5 min", "1 h 30 min"]


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "napari_xct_crack", *words], check=True, capture_output=True)


def test_told_and_taken_stand_in_the_history(tmp_path: Path) -> None:
    write(tmp_path / "s.ome.zarr", np.ones((40, 64, 64), np.uint8), role="image")
    project = tmp_path / "s.ome.zarr.xct-crack"
    project.mkdir()
    _run("convert", str(tmp_path / "s.ome.zarr"), str(project / "c.ome.zarr"))
    entries = [json.loads(line) for line in (project / "history.jsonl").read_text().splitlines()]
    assert [next(name for name in ("command", "estimate", "taken") if name in entry) for entry in entries] == [
        "command",
        "estimate",
        "taken",
    ]
    taken = entries[2]["taken"]
    assert taken["seconds"] < 60
    files = [path for path in (project / "c.ome.zarr").rglob("*") if path.is_file()]
    assert taken["disk"] == sum(path.stat().st_size for path in files)
    assert 5e7 < taken["memory"] < 2e9


@pytest.mark.long
@pytest.mark.parametrize("shape", [(), ("--shape", "96", "512", "512")], ids=["the demo's scan", "a larger one"])
def test_steps_take_what_was_told_within_a_factor_of_two(tmp_path: Path, shape: tuple[str, ...]) -> None:
    """Steps of less than five seconds are only said to take a few, and of 500 kB on the disk half are folders and names."""
    project = tmp_path / "p.xct-crack"
    project.mkdir()
    scan, probability, mask = str(tmp_path / "scan" / "scan.ome.zarr"), project / "p.ome.zarr", project / "m.ome.zarr"
    _run("phantom", str(tmp_path / "scan"), *shape)
    _run("convert", scan, str(project / "copy.ome.zarr"))
    _run("train", scan, str(project / "run"), "--epochs", "4")
    _run("segment", scan, str(project / "run"), str(probability))
    _run("clean", str(probability), str(mask), "--hysteresis", "0.3", "--bridging", "6")
    _run("measure", str(mask), str(project / "measured"), "--volume", scan, "--probability", str(probability))
    told: dict[str, dict[str, float]] = {}
    checked = Counter[str]()
    for line in (project / "history.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "estimate" in entry:
            told.setdefault(entry["step"], entry["estimate"])
        elif "taken" in entry:
            for name, least in (("seconds", 5), ("disk", 5e5), ("memory", 0)):
                before, after = told[entry["step"]][name], entry["taken"][name]
                if max(before, after) > least:
                    assert 0.5 < before / after < 2, (entry["step"], name, before, after)
                    checked[name] += 1
    assert checked["seconds"] >= 2
    assert checked["disk"] >= 2
    assert checked["memory"] == 5
