"""Patches that a person has looked at: kept in the run and obeyed by training."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.cli import main
from napari_xct_crack.corrections import FILE, Correction, read_corrections, write_corrections
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import InputError, SettingsError
from napari_xct_crack.examples import examples
from napari_xct_crack.patches import Patches, PatchSettings
from napari_xct_crack.phantom import PhantomSettings, make, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.volume import Box, Volume

SIZE = 32
CROP = Box((2, 8, 16), (18, 120, 128))


@pytest.fixture(scope="module")
def scan() -> Volume:
    phantom = simulate(PhantomSettings(condition="seed-like", shape=(20, 128, 128), prevalence=3))
    return prepare(Volume.from_array(phantom.scan), crop=CROP)


def _patches(scan: Volume, *corrections: Correction) -> Patches:
    return Patches(scan, PatchSettings(size=SIZE), SheetCracks(), 3, 16, 0, corrections)


def _at(patches: Patches, places: np.ndarray) -> set[tuple[int, ...]]:
    """Places in the voxels of the scan."""
    return {tuple(int(v) + c for v, c in zip(place[1:], patches.corner, strict=True)) for place in places}


def test_a_patch_said_to_be_cracked_is_no_background_any_more(scan: Volume) -> None:
    before = _patches(scan)
    z, y, x = sorted(_at(before, before.free))[len(before.free) // 2]
    known = Correction(at=(z, y, x), size=SIZE, cracked=True)
    after = _patches(scan, known)
    assert (z, y, x) in _at(after, after.cracked)
    near = {(z + dz, y + dy, x + dx) for dz in (-1, 0, 1) for dy in (-8, 0, 8) for dx in (-8, 0, 8)}
    assert not near & _at(after, after.free)
    slab = after.slabs[0]
    window = (slice(y - 8, y - 8 + SIZE), slice(x - 16, x - 16 + SIZE))
    for near_z in (z - 3, z - 2, z - 1):
        np.testing.assert_array_equal(slab.doubtful[(near_z, *window)], slab.part[(near_z, *window)])


def test_a_patch_said_to_be_crack_free_is_taught_as_metal(scan: Volume) -> None:
    before = _patches(scan)
    z, y, x = max(
        _at(before, before.cracked) - _at(before, before.free),
        key=lambda at: before.slabs[0].doubtful[at[0] - 2, at[1] - 8 : at[1] + 24, at[2] - 16 : at[2] + 16].sum(),
    )
    after = _patches(scan, Correction(at=(z, y, x), size=SIZE, cracked=False))
    assert (z, y, x) in _at(after, after.free)
    assert (z, y, x) not in _at(after, after.cracked)
    own = (z - 2, slice(y - 8, y + 24), slice(x - 16, x + 16))
    assert before.slabs[0].doubtful[own].any()
    assert not after.slabs[0].doubtful[own].any()


def test_a_review_does_not_undo_what_a_person_said(scan: Volume) -> None:
    before = _patches(scan)
    z, y, x = sorted(_at(before, before.free))[0]
    patches = _patches(scan, Correction(at=(z, y, x), size=SIZE, cracked=True))
    nothing = [np.zeros(slab.part.shape, bool) for slab in patches.slabs]
    patches.doubt_as(nothing)
    assert (z, y, x) not in _at(patches, patches.free)
    assert patches.slabs[0].doubtful.any()


def test_what_lies_elsewhere_changes_nothing(scan: Volume) -> None:
    plain, far = _patches(scan), _patches(scan, Correction(at=(500, 0, 0), size=SIZE, cracked=True))
    np.testing.assert_array_equal(plain.free, far.free)


def test_examples_are_what_training_draws_from(scan: Volume) -> None:
    patches = _patches(scan)
    for cracked, places in ((True, patches.cracked), (False, patches.free)):
        first, second = (examples(patches, cracked, page, 6) for page in (0, 1))
        assert len(first) == 6
        seen = [one.said.at for one in (*first, *second)]
        assert len(set(seen)) == len(seen)
        assert set(seen) <= _at(patches, places)
        assert [one.said.at for one in examples(patches, cracked, 0, 6)] == seen[:6]
        assert all(one.said.cracked == cracked and not one.by_hand for one in first)
    z, y, x = seen[0]
    lo, hi = patches.window
    grey = scan.levels[0][z, y : y + SIZE, x : x + SIZE].astype(float)
    np.testing.assert_allclose(first[0].picture, np.clip((grey - lo) / (hi - lo) * 255, 0, 255), atol=1)
    known = Correction(at=seen[0], size=SIZE, cracked=True)
    marked = examples(_patches(scan, known), True, 0, 6)
    assert marked[0].said == known
    assert marked[0].by_hand
    assert known.at not in [one.said.at for one in examples(_patches(scan, known), False, 0, 50)]


def test_corrections_survive_the_file_and_damage_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert read_corrections(path) == ()
    known = (Correction(at=(1, 2, 3), size=64, cracked=True), Correction(at=(4, 5, 6), size=32, cracked=False))
    write_corrections(path, known)
    assert read_corrections(path) == known
    path.write_text("[]")
    with pytest.raises(InputError, match="JSON object"):
        read_corrections(path)
    path.write_text('{"format": 2, "patches": []}')
    with pytest.raises(InputError, match="needs the format 1"):
        read_corrections(path)
    path.write_text('{"format": 1, "patches": [{"at": [1, 2], "size": 3, "cracked": true}]}')
    with pytest.raises(SettingsError, match="at"):
        read_corrections(path)


def test_train_copies_them_into_the_run_and_obeys_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from napari_xct_crack.events import finish

    finish(make(PhantomSettings(condition="clean", shape=(8, 64, 64)), tmp_path / "phantom"))
    everything = [{"at": [z, y, x], "size": 32, "cracked": True} for z in range(8) for y in (0, 32) for x in (0, 32)]
    given = tmp_path / "mine.json"
    given.write_text(json.dumps({"format": 1, "patches": everything}))
    words = ["train", str(tmp_path / "phantom" / "scan.ome.zarr"), str(tmp_path / "run"), "--corrections", str(given)]
    words += ["--epochs", "1", "--steps-per-epoch", "1", "--batch", "1", "--network.width", "2", "--patches.size", "32"]
    assert main(words) == 2
    assert "No crack-free patch was found" in capsys.readouterr().err
    assert read_corrections(tmp_path / "run" / FILE) == read_corrections(given)
