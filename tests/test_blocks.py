"""Filling a store box by box: receipts, resume, levels, locks."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from napari_xct_crack.blocks import Plan, at_once, boxes, identity, run
from napari_xct_crack.errors import BusyError, OutputError
from napari_xct_crack.events import Estimated, Event, Progress, Said, finish, from_json, to_json
from napari_xct_crack.io.ome_zarr import create, halved, is_absent, open_zarr, slab_layout, write
from napari_xct_crack.volume import Box, Volume

SHAPE = (20, 600, 70)
DATA = np.random.default_rng(3).integers(0, 2, SHAPE).astype(np.uint8) * 9
SOURCE = Volume.from_array(DATA)


def plan(out: Path, calls: list[Box] | None = None, **changes: Any) -> Plan:
    def compute(box: Box) -> np.ndarray[Any, Any]:
        if calls is not None:
            calls.append(box)
        return SOURCE.read(box)

    fields: dict[str, Any] = {
        "out": out, "shape": SHAPE, "dtype": "uint8", "role": "labels", "voxel_size": (1, 1, 1), "offset": (4, 0, 0),
        "start": at_once(compute), "made_from": (SOURCE,), "chunk": (8, 64, 32), "shard": (16, 128, 64),
    }  # fmt: skip
    return Plan(**{**fields, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def steps(work: Iterator[Event], until: Callable[[Event], bool]) -> None:
    for event in work:
        if until(event):
            return
    raise AssertionError("the work ended before it was to be stopped")


def test_a_store_is_filled_with_all_its_levels(tmp_path: Path) -> None:
    volume = finish(run(plan(tmp_path / "a.ome.zarr")))
    expected = DATA
    assert len(volume.levels) == 2
    for level in volume.levels:
        np.testing.assert_array_equal(level[:], expected)
        expected = halved(expected, "labels")
    assert volume.offset == (4, 0, 0)
    assert not volume.notes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ome.zarr"]
    assert not (tmp_path / "a.ome.zarr" / ".work").exists()


def test_levels_are_the_same_whether_written_by_tasks_or_at_the_end(tmp_path: Path) -> None:
    by_tasks = finish(run(plan(tmp_path / "a.ome.zarr", shard=(16, 128, 64))))
    at_end = finish(run(plan(tmp_path / "b.ome.zarr", chunk=(16, 128, 64), shard=(16, 128, 64))))
    np.testing.assert_array_equal(by_tasks.levels[1][:], at_end.levels[1][:])


def test_stop_and_resume_computes_each_box_once_and_gives_the_identical_store(tmp_path: Path) -> None:
    calls: list[Box] = []
    work = run(plan(tmp_path / "a.ome.zarr", calls))
    steps(work, lambda event: isinstance(event, Progress) and event.done == 4)
    work.close()
    assert len(calls) == 5  # one is computed while the last is written
    assert len(list((tmp_path / "a.ome.zarr" / ".work" / "receipts").iterdir())) == 5
    litter = tmp_path / "a.ome.zarr" / "0" / "c" / "0.0123abcd.partial"
    litter.write_bytes(b"half a shard")
    half_made = tmp_path / "a.ome.zarr" / ".work" / ".1.zarr.partial"
    half_made.mkdir()
    (half_made / "zarr.json.0123abcd.partial").write_bytes(b"half a store")
    assert any("not finished" in note for note in open_zarr(tmp_path / "a.ome.zarr").notes)
    finish(run(plan(tmp_path / "a.ome.zarr", calls)))
    assert len(calls) == len(set(calls)) == len(list(boxes(SHAPE, (16, 128, 64))))
    finish(run(plan(tmp_path / "b.ome.zarr")))
    a, b = contents(tmp_path / "a.ome.zarr"), contents(tmp_path / "b.ome.zarr")
    assert {name: data for name, data in a.items() if name != "zarr.json"} == {
        name: data for name, data in b.items() if name != "zarr.json"
    }
    assert a["zarr.json"].replace(b'"a"', b'"b"') == b["zarr.json"]


def test_files_that_go_while_the_disk_is_counted_do_not_stop_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> os.stat_result:
        if path.name == "zarr.json":
            raise FileNotFoundError(path)
        return path.lstat()

    looking = SimpleNamespace(walk=os.walk, lstat=gone)
    monkeypatch.setattr("napari_xct_crack.blocks._forecast.os", looking)
    finish(run(plan(tmp_path / "a.ome.zarr")))


def test_a_complete_store_is_said_to_be_and_others_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "a.ome.zarr"
    finish(run(plan(out)))
    calls: list[Box] = []
    events = list(run(plan(out, calls)))
    assert isinstance(events[0], Said)
    assert not calls
    with pytest.raises(OutputError, match="--overwrite"):
        finish(run(plan(out, settings={"threshold": 0.4})))
    finish(run(plan(out, calls, settings={"threshold": 0.4}, overwrite=True)))
    assert calls


def test_unfinished_work_of_another_plan_is_not_touched(tmp_path: Path) -> None:
    work = run(plan(tmp_path / "a.ome.zarr"))
    steps(work, lambda event: isinstance(event, Progress) and event.done == 1)
    work.close()
    before = contents(tmp_path / "a.ome.zarr")
    other = Volume.from_array(DATA + 1)
    for changed in (
        plan(tmp_path / "a.ome.zarr", settings={"x": 1}),
        plan(tmp_path / "a.ome.zarr", made_from=(other,)),
    ):
        with pytest.raises(OutputError, match="unfinished work of another input"):
            finish(run(changed))
    assert contents(tmp_path / "a.ome.zarr") == before
    write(tmp_path / "m.ome.zarr", DATA, role="mask")
    with pytest.raises(OutputError, match="--overwrite"):
        finish(run(plan(tmp_path / "m.ome.zarr")))
    (tmp_path / "t.zarr").mkdir()
    (tmp_path / "t.zarr" / "thesis.txt").write_text("")
    with pytest.raises(OutputError, match="left alone"):
        finish(run(plan(tmp_path / "t.zarr")))
    assert not list(tmp_path.glob(".*.lock"))


def test_a_second_owner_and_the_input_as_output_are_refused(tmp_path: Path) -> None:
    work = run(plan(tmp_path / "a.ome.zarr"))
    next(work)
    with pytest.raises(BusyError, match="another process"):
        finish(run(plan(tmp_path / "a.ome.zarr")))
    work.close()
    with FileLock(tmp_path / ".a.ome.zarr.lock", timeout=0):
        pass
    source = write(tmp_path / "s.ome.zarr", DATA, role="image")
    for out in (tmp_path / "s.ome.zarr", tmp_path / "s.ome.zarr" / "o.ome.zarr"):
        with pytest.raises(OutputError, match="is the input"):
            finish(run(plan(out, made_from=(source,), overwrite=True)))
    np.testing.assert_array_equal(source.read(), DATA)


def test_a_full_disk_stops_with_one_sentence_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, count = Path.open, 0

    def fill(self: Path, mode: str = "r", **kwargs: Any) -> Any:
        nonlocal count
        count += "c" in self.parts
        file = original(self, mode, **kwargs)
        if count > 6:
            file.write(b"half of it")
            file.close()
            raise OSError(errno.ENOSPC, "no space")
        return file

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", fill)
        with pytest.raises(OutputError, match="disk is full"):
            finish(run(plan(tmp_path / "a.ome.zarr")))
    assert count > 6
    assert not list(tmp_path.rglob("*.partial"))
    np.testing.assert_array_equal(finish(run(plan(tmp_path / "a.ome.zarr"))).read(), DATA)


def test_what_the_rest_takes_is_told_by_the_first_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("napari_xct_crack.blocks._forecast.time.monotonic", lambda: clock[0])

    def compute(box: Box) -> np.ndarray[Any, Any]:
        clock[0] += box.size / 1000
        return SOURCE.read(box)

    events = list(run(plan(tmp_path / "a.ome.zarr", start=at_once(compute))))
    (told,) = (event for event in events if isinstance(event, Estimated))
    assert told.seconds == pytest.approx((DATA.size - 16 * 128 * 70) / 1000)
    size = sum(len(data) for data in contents(tmp_path / "a.ome.zarr").values())
    assert size / 2 < told.disk < 2 * size
    assert told.memory > 1e6
    assert from_json(to_json(told)) == told


def test_a_disk_that_cannot_hold_the_rest_is_refused_early_and_the_work_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Box] = []
    usage = type("Usage", (), {"free": 1000})
    with monkeypatch.context() as patched:
        patched.setattr("napari_xct_crack.blocks._forecast.shutil.disk_usage", lambda _: usage)
        with pytest.raises(OutputError, match="free some space and start again"):
            finish(run(plan(tmp_path / "a.ome.zarr", calls)))
    assert len(calls) == 2
    np.testing.assert_array_equal(finish(run(plan(tmp_path / "a.ome.zarr", calls))).read(), DATA)
    assert len(calls) == len(set(calls))


def test_unwanted_boxes_are_not_computed(tmp_path: Path) -> None:
    calls: list[Box] = []
    volume = finish(run(plan(tmp_path / "a.ome.zarr", calls, wanted=lambda box: box.start[1] == 128)))
    assert {box.start[1] for box in calls} == {128}
    assert volume.read(Box((0, 0, 0), (20, 128, 70))).max() == 0


def test_absent_shards_are_known(tmp_path: Path) -> None:
    store = create(
        tmp_path / "s.ome.zarr", SHAPE, "uint8", role="image", voxel_size=None, chunk=(8, 64, 32), shard=(16, 128, 64)
    )
    store.arrays[0][16:20, 128:130, 0:3] = 1
    volume = store.volume()
    assert is_absent(volume, Box((0, 0, 0), (16, 600, 70)))
    assert not is_absent(volume, Box((0, 0, 0), (17, 600, 70)))
    cropped = volume.cropped(Box((16, 130, 0), (20, 600, 70)))
    assert not is_absent(cropped, Box((0, 0, 0), (1, 1, 1)))
    assert is_absent(cropped, Box((0, 200, 0), (1, 201, 1)))
    assert not is_absent(SOURCE, Box.of(SHAPE))


def test_a_change_that_the_samples_miss_is_another_plan(tmp_path: Path) -> None:
    sparse = np.zeros((40, 100, 100), np.uint8)
    other = sparse.copy()
    other[3, 90, 5] = 1
    a, b = Volume.from_array(sparse, role="mask"), Volume.from_array(other, role="mask")
    assert identity(a) == identity(b)
    assert plan(tmp_path, made_from=(a,)).fingerprint() != plan(tmp_path, made_from=(b,)).fingerprint()


def test_identity_follows_content_only() -> None:
    assert identity(SOURCE) == identity(Volume.from_array(DATA.copy(), name="other"))
    assert identity(SOURCE) == identity(SOURCE.cropped(Box((1, 0, 0), SHAPE)))
    assert identity(SOURCE) != identity(Volume.from_array(DATA * 2))
    wide = DATA.astype("<u2")
    assert identity(Volume.from_array(wide)) == identity(Volume.from_array(wide.astype(">u2")))


@pytest.mark.parametrize("shape", [(7868, 2624, 2624), (1, 1131, 1206), (80, 504, 504), (5, 9, 7)])
def test_slabs_fit_in_memory_and_are_whole_shards(shape: tuple[int, int, int]) -> None:
    chunk, shard = slab_layout(shape, 2, 512 * 2**20)
    assert all(big % small == 0 for big, small in zip(shard, chunk, strict=True))
    assert shard[0] * shape[1] * shape[2] * 2 <= 512 * 2**20 or shard[0] == 1
    assert np.prod(shard) * 2 <= 128 * 2**20
