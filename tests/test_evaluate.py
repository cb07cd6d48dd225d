from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack import evaluate as module
from napari_xct_crack.commands.evaluate import Evaluate
from napari_xct_crack.errors import InputError, XctCrackError
from napari_xct_crack.evaluate import Evaluation, evaluate, inside_part, scores
from napari_xct_crack.events import Finished, Progress, finish
from napari_xct_crack.io import ome_zarr, read
from napari_xct_crack.volume import Box, Volume

VOXEL = (0.7, 0.7, 0.7)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    labels = np.zeros((20, 60, 70), dtype=np.int32)
    labels[:, 20:22, 10:50], labels[4:16, 30:55, 60] = 1, 2
    return labels


@pytest.fixture(scope="module")
def found(truth: np.ndarray) -> np.ndarray:
    mask = truth == 1
    mask[:, 21, 45:65] = True
    mask[:, 40, 12:30] = True
    return mask


def labels(array: np.ndarray, **fields: object) -> Volume:
    return Volume.from_array(array, role="labels", voxel_size=VOXEL, **fields)


def mask(array: np.ndarray, **fields: object) -> Volume:
    return Volume.from_array(array, role="mask", voxel_size=VOXEL, name="mask", **fields)


def same(one: Evaluation, other: Evaluation) -> None:
    """The same numbers, but for where they were taken and for what adding in another order rounds."""
    records = []
    for result in (one, other):
        record = {**result.record(), "box": 0, "tips": {**result.record()["tips"], "from": 0}}
        records.append(json.loads(json.dumps(record), parse_float=lambda text: round(float(text), 9)))
    assert records[0] == records[1]


def test_slab_by_slab_equals_all_at_once(truth: np.ndarray, found: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    probability = np.where(found, 200, 30).astype(np.uint8)
    volume = Volume.from_array(probability, role="probability")
    results = []
    for slices in (3, 100):
        monkeypatch.setattr(module, "SLAB", slices)
        events = []
        work = evaluate(mask(found), labels(truth), probability=volume)
        while True:
            try:
                events.append(next(work))
            except StopIteration as stop:
                results.append(stop.value)
                break
        assert events[-1] == Progress(-(-20 // slices), -(-20 // slices), "slabs scored")
    same(*results)
    same(results[0], replace(scores(found, truth, levels=probability), voxel_size=VOXEL))
    assert 0 < results[0].centreline.f1 < 1


def test_a_crop_is_laid_over_its_place_in_the_scan(truth: np.ndarray, found: np.ndarray) -> None:
    whole = labels(truth)
    box = Box((2, 5, 8), (17, 50, 66))
    expected = finish(evaluate(mask(found).cropped(box), whole.cropped(box)))
    by_offset = mask(np.ascontiguousarray(found[box.slices]), offset=box.start)
    result = finish(evaluate(by_offset, whole))
    assert result.box == box
    same(result, expected)
    assert finish(evaluate(mask(found[box.slices]), whole)).centreline.f1 < result.centreline.f1


def test_what_lies_outside_the_part_does_not_count(truth: np.ndarray, found: np.ndarray) -> None:
    coarse = np.ones((5, 15, 18), dtype=np.uint8)
    coarse[:, 9:] = 0
    part = Volume.from_array(coarse, role="mask", voxel_size=(2.8, 2.8, 2.8))
    fine = np.kron(coarse, np.ones((4, 4, 4)))[:, :, :70] > 0
    box = Box((1, 3, 5), (20, 60, 70))
    np.testing.assert_array_equal(inside_part(part, box, VOXEL), fine[box.slices])
    moved = replace(part, offset=(10, 20, 30))
    np.testing.assert_array_equal(inside_part(moved, box.shifted((40, 80, 120)), VOXEL), fine[box.slices])
    inner = finish(evaluate(mask(found), labels(truth), part=part))
    assert inner.centreline.precision > finish(evaluate(mask(found), labels(truth))).centreline.precision
    assert inner.alarms.objects == 0
    assert inner.alarms.area == fine.sum()


def test_a_part_that_does_not_cover_the_mask_is_refused(truth: np.ndarray, found: np.ndarray) -> None:
    part = Volume.from_array(np.ones((5, 15, 18), dtype=np.uint8), role="mask")
    with pytest.raises(InputError, match="does not cover"):
        finish(evaluate(mask(found), labels(truth), part=part))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"offset": (100, 0, 0)}, "no common voxel"),
        ({"voxel_size": (1, 1, 1)}, "same voxels"),
        ({"role": "probability"}, "is a probability"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    truth: np.ndarray, found: np.ndarray, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(XctCrackError, match=message):
        finish(evaluate(replace(mask(found), **fields), labels(truth)))


def test_a_mask_as_truth_has_no_cracks_to_tell_apart(truth: np.ndarray, found: np.ndarray) -> None:
    by_mask = finish(evaluate(mask(found), mask(truth > 0)))
    by_label = finish(evaluate(mask(found), labels(truth)))
    assert by_mask.centreline.f1 == by_label.centreline.f1
    assert (by_mask.centreline.units < 0).all()
    assert (by_label.centreline.units > 0).any()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, truth: np.ndarray, found: np.ndarray) -> Path:
    """Mask and probability of a crop, truth of the whole and its tips."""
    folder = tmp_path_factory.mktemp("stored")
    crop = found[2:18, 5:, 3:]
    for name, array, role, offset in (
        ("mask", crop.astype(np.uint8), "mask", (2, 5, 3)),
        ("probability", np.where(crop, 220, 9).astype(np.uint8), "probability", (2, 5, 3)),
        ("truth", truth, "labels", (0, 0, 0)),
    ):
        ome_zarr.write(folder / f"{name}.ome.zarr", array, role=role, voxel_size=VOXEL, offset=offset)
    tips = [[z, 20.5, x, 1] for z in range(20) for x in (10, 49)]
    (folder / "truth.json").write_text(json.dumps({"tips": tips}), encoding="utf-8")
    return folder


def test_true_tips_come_from_the_file_beside_the_truth(stored: Path, truth: np.ndarray, found: np.ndarray) -> None:
    result = finish(evaluate(read(stored / "mask.ome.zarr"), read(stored / "truth.ome.zarr")))
    assert result.tips_from == "truth.json"
    total = result.tips.counts.sum(axis=0)
    assert (total[0], total[2], total[3]) == (16, 16, 32)
    without = finish(evaluate(mask(found), labels(truth)))
    assert "thinned truth" in without.tips_from
    assert without.tips.counts[:, 3].sum() > 32


def test_tips_count_from_the_corner_of_their_store(tmp_path: Path, truth: np.ndarray) -> None:
    (tmp_path / "truth.json").write_text(json.dumps({"tips": [[0, 20.5, 10, 1]]}), encoding="utf-8")
    volume = labels(truth, source=str(tmp_path / "truth.ome.zarr"), offset=(100, 200, 300))
    result = finish(evaluate(mask(truth > 0, offset=(100, 200, 300)), volume))
    assert result.tips.counts.sum(axis=0)[2:].tolist() == [1, 1]


@pytest.mark.parametrize("content", ["{}", "no json", '{"tips": [[1, 2]]}', '{"tips": "many"}'])
def test_a_damaged_list_of_tips_is_told(tmp_path: Path, truth: np.ndarray, content: str) -> None:
    (tmp_path / "truth.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="no list of tips"):
        finish(evaluate(mask(truth > 0), labels(truth, source=str(tmp_path / "truth.ome.zarr"))))


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory, truth: np.ndarray) -> Path:
    """All that a phantom's folder holds beside the truth: openings of 1 and 0.3 voxels, void, pores, part, grey values."""
    folder = tmp_path_factory.mktemp("phantom")
    void = np.where(truth == 1, 0.5, 0).astype(np.float32)
    pores = np.zeros_like(void)
    pores[:, 40, 12:20] = 0.6
    stores = {
        "truth": (truth, "labels"),
        "aperture": (np.select([truth == 1, truth == 2], [1.0, 0.3]).astype(np.float32), "image"),
        "void": (void, "image"),
        "pores": (pores, "image"),
        "part": (np.ones(truth.shape, np.uint8), "mask"),
        "scan": ((36000 - 27000 * (void + pores)).astype(np.uint16), "image"),
    }
    for name, (array, role) in stores.items():
        ome_zarr.write(folder / f"{name}.ome.zarr", array, role=role, voxel_size=VOXEL)
    tips = [[z, 20.5, x, 1] for z in range(20) for x in (10, 49)]
    (folder / "truth.json").write_text(json.dumps({"tips": tips, "air": 9000, "metal": 36000}), encoding="utf-8")
    return folder


def test_what_stands_beside_the_truth_is_used(phantom: Path, truth: np.ndarray) -> None:
    prediction = truth == 1
    prediction[:, 40, 12:20] = True
    result = finish(evaluate(mask(prediction), read(phantom / "truth.ome.zarr")))
    record = result.record()
    rows = {row["from"]: row["recall"] for row in record["apertures"] if row["voxels"]}
    assert rows == {0.3: 0, 1.0: 1}
    assert record["centreline"]["recall"] < 1 == record["dont_care"]["centreline"]["recall"]
    assert record["false_alarms"]["pores"]["objects"] == record["false_alarms"]["objects"] == 20
    assert record["void"]["label_bias"] == pytest.approx(0, abs=0.01)
    assert record["void"]["bias"] == pytest.approx(0.12, abs=0.01)  # 8 × 0.6 of pores on 80 × 0.5 of cracks
    assert record["tip_error"]["unmatched"] == 0
    for word in ("open ≥ 0.5", "void bias", "pores", "true aperture", "tip error"):
        assert word in result.table()
    thin = finish(evaluate(mask(prediction), read(phantom / "truth.ome.zarr"), dont_care=0.2)).record()
    assert thin["dont_care"]["centreline"] == record["centreline"]


def test_what_is_given_goes_before_what_stands_beside(phantom: Path, truth: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("z,y,x\n3,20.5,10\n3,20.5,49\n", encoding="utf-8")
    ome_zarr.write(tmp_path / "wide.ome.zarr", (truth > 0) * np.float32(2.5), role="image", voxel_size=VOXEL)
    ome_zarr.write(tmp_path / "found.ome.zarr", (truth == 1).astype(np.uint8), role="mask", voxel_size=VOXEL)
    command = {"mask": tmp_path / "found.ome.zarr", "truth": phantom / "truth.ome.zarr", "json": True}
    given = {"tips": tmp_path / "tips.csv", "aperture": tmp_path / "wide.ome.zarr", "dont_care": 0.0}
    record = json.loads(last(Evaluate.checked({**command, **given})))
    assert (record["tips"]["from"], record["tips"]["recall"]) == ("tips.csv", 1)
    assert [row["voxels"] > 0 for row in record["apertures"]] == [False] * 6 + [True]
    (tmp_path / "tips.csv").write_text("row,column\n3,20.5\n", encoding="utf-8")
    with pytest.raises(InputError, match="no table of tips"):
        last(Evaluate.checked({**command, **given}))


def test_without_a_known_void_none_is_told(truth: np.ndarray, found: np.ndarray) -> None:
    record = finish(evaluate(mask(found), labels(truth))).record()
    assert record["void"] is record["apertures"] is record["dont_care"] is record["false_alarms"]["pores"] is None


def last(command: Evaluate) -> str:
    *_, event = command.run()
    assert isinstance(event, Finished)
    return event.result


def test_the_command_prints_a_table_or_json(stored: Path) -> None:
    paths = {name: stored / f"{name}.ome.zarr" for name in ("mask", "truth", "probability")}
    table = last(Evaluate.checked(paths))
    for word in ("centre line", "voxels", "tips", "Dice", "IoU", "false alarms", "predicted/true volume", "truth.json"):
        assert word in table
    record = json.loads(last(Evaluate.checked({**paths, "json": True})))
    assert record["box"] == {"start": [2, 5, 3], "stop": [18, 60, 70]}
    assert record["centreline"]["f1"] == pytest.approx(float(table.splitlines()[1].split()[4]), abs=5e-4)
    assert 0 < record["average_precision"] < 1


def test_an_empty_truth_and_mask_make_valid_json() -> None:
    empty = np.zeros((2, 16, 16), dtype=np.uint8)
    some = empty.copy()
    some[:, 8] = 1
    for prediction, expected in ((empty, 1), (some, 0)):
        record = finish(evaluate(mask(prediction), labels(empty))).record()
        text = json.dumps(record, allow_nan=False)
        assert json.loads(text)["centreline"]["f1"] == expected
    assert record["voxels"]["volume_ratio"] is None
