"""Changes in place: levels follow, nothing else is touched, and every change can be taken back, also after a crash."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_xct_crack.blocks import identity, journal
from napari_xct_crack.blocks._content import content
from napari_xct_crack.blocks.edit import edit
from napari_xct_crack.blocks.journal import changes, undo
from napari_xct_crack.clean import CleanSettings, clean
from napari_xct_crack.cli import main
from napari_xct_crack.errors import BusyError, InputError, OutputError
from napari_xct_crack.events import Event, Said, finish
from napari_xct_crack.io.ome_zarr import create, halved, open_zarr, write
from napari_xct_crack.volume import Triple, Volume

Array = np.ndarray[Any, Any]
SHAPE = (7, 530, 41)


def store(path: Path, data: Array) -> Path:
    """A mask of small shards with two levels."""
    made = create(path, SHAPE, np.uint8, role="mask", voxel_size=(1, 1, 1), chunk=(4, 16, 8), shard=(4, 64, 16))
    for level in made.arrays:
        level[...] = data
        data = halved(data, "mask")
    return path


def speckled(seed: int, share: float = 0.01) -> Array:
    return (np.random.default_rng(seed).random(SHAPE) < share).astype(np.uint8)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def crossing(start: Triple, shape: Triple) -> tuple[slice, ...]:
    return tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))


@given(
    start=st.tuples(st.integers(0, 5), st.integers(0, 500), st.integers(0, 35)),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 30), st.integers(1, 6)),
    value=st.sampled_from([0, 1]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_a_painted_store_is_the_one_written_at_once_and_undo_brings_every_byte_back(
    start: Triple, shape: Triple, value: int, seed: int
) -> None:
    data = speckled(seed)
    with TemporaryDirectory() as folder:
        path = store(Path(folder) / "m.ome.zarr", data)
        before = files(path)
        values = np.full(shape, value, np.uint8)
        volume = finish(edit(path, start, values))
        data[crossing(start, shape)] = value
        for level in volume.levels:
            np.testing.assert_array_equal(level[:], data)
            data = halved(data, "mask")
        after = files(path)
        if changes(path):
            assert undo(path) == "painting"
        else:
            assert after == before
        assert files(path) == before
        assert [entry.name for entry in Path(folder).iterdir()] == ["m.ome.zarr"]


def test_only_touched_shards_are_written(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", speckled(1))
    before = files(path)
    finish(edit(path, (0, 10, 3), np.ones((1, 5, 5), np.uint8)))
    after = files(path)
    assert {name for name in after if after[name] != before[name]} == {"zarr.json", "0/c/0/0/0", "1/c/0/0/0"}


def test_changes_are_taken_back_one_by_one_by_another_process(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", np.zeros(SHAPE, np.uint8))
    states = [files(path)]
    for row in (3, 200, 4):
        finish(edit(path, (0, row, 0), np.ones((2, 3, 3), np.uint8), f"stroke {row}"))
        states.append(files(path))
    assert changes(path) == ["stroke 3", "stroke 200", "stroke 4"]
    for state in reversed(states[:-1]):
        assert main(["undo", str(path)]) == 0
        assert files(path) == state
    assert main(["undo", str(path)]) == 2


def test_a_crash_while_painting_or_undoing_loses_nothing(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", speckled(2))
    before = files(path)
    work = edit(path, (0, 60, 10), np.ones((6, 10, 10), np.uint8))
    for event in work:
        if not isinstance(event, Said):
            break
    work.close()
    assert files(path) != before, "some blocks are written, others are not"
    replaced, count = Path.replace, 0

    def dying(self: Path, to: Path) -> Path:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return replaced(self, to)

    with patch.object(Path, "replace", dying), pytest.raises(KeyboardInterrupt):
        undo(path)
    undo(path)
    assert files(path) == before


def test_a_copy_that_was_cut_off_is_no_change(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", speckled(2))
    before = files(path)
    with patch.object(journal, "_copy", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        finish(edit(path, (0, 60, 10), np.ones((6, 10, 10), np.uint8)))
    assert (changes(path), files(path)) == ([], before)
    finish(edit(path, (0, 60, 10), np.ones((6, 10, 10), np.uint8)))
    assert changes(path) == ["painting"]


def test_the_journal_keeps_its_cap_and_says_so(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", speckled(3, 0.3))

    def stroke(row: int) -> list[Event]:
        return list(edit(path, (0, row, 0), np.ones((1, 2, 2), np.uint8) * (row % 2), f"stroke {row}"))

    stroke(1)
    one = journal._bytes(journal._entries(path)[0])
    with patch.object(journal, "CAP", int(2.5 * one)):
        for row in (67, 131, 195):
            stroke(row)
        assert changes(path) == ["stroke 131", "stroke 195"]
    with patch.object(journal, "CAP", one // 2):
        said = stroke(259)[0]
    assert isinstance(said, Said)
    assert "cannot be undone" in said.text
    assert changes(path) == [], "what came before leads to a state that is lost"


def test_cleaning_anew_into_the_same_mask_is_undone(tmp_path: Path) -> None:
    chance = write(tmp_path / "p.ome.zarr", speckled(4, 0.4) * 255, role="probability", voxel_size=(1, 1, 1))
    out = tmp_path / "m.ome.zarr"
    finish(clean(chance, CleanSettings(), out))
    first = files(out)
    events = list(clean(chance, CleanSettings(dilation="1", min_size=9), out, overwrite=True))
    assert any(isinstance(event, Said) and "cleaning of m.ome.zarr can be undone" in event.text for event in events)
    assert files(out) != first
    finish(edit(out, (0, 0, 0), np.zeros((3, 9, 9), np.uint8)))
    assert changes(out) == ["cleaning", "painting"]
    undo(out)
    undo(out)
    assert files(out) == first
    with pytest.raises(OutputError, match="nothing can be undone"):
        undo(out)


def test_what_is_measured_of_a_painted_mask_is_not_taken_for_the_old(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", np.ones(SHAPE, np.uint8))
    before = content(open_zarr(path))
    finish(edit(path, (3, 301, 5), np.zeros((1, 1, 1), np.uint8)))
    after = open_zarr(path)
    assert identity(after) == before[0], "no sample lies there"
    assert content(after) != before
    undo(path)
    assert content(open_zarr(path)) == before


def test_what_cannot_be_painted_is_said(tmp_path: Path) -> None:
    path = store(tmp_path / "m.ome.zarr", speckled(5))
    with pytest.raises(InputError, match="does not lie inside"):
        finish(edit(path, (6, 0, 0), np.ones((2, 3, 3), np.uint8)))
    with pytest.raises(OutputError, match="no store of this program"):
        finish(edit(tmp_path / "other.ome.zarr", (0, 0, 0), np.ones((2, 3, 3), np.uint8)))
    with journal.owned(path), pytest.raises(BusyError):
        finish(edit(path, (0, 0, 0), np.ones((2, 3, 3), np.uint8)))
    half = clean(Volume.from_array(speckled(6) * 255, role="probability"), None, tmp_path / "half.ome.zarr")
    next(half)
    half.close()
    with pytest.raises(OutputError, match="not finished"):
        finish(edit(tmp_path / "half.ome.zarr", (0, 0, 0), np.ones((2, 3, 3), np.uint8)))
