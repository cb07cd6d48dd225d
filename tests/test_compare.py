"""Runs side by side on one slice, and one run over its snapshots."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imread
from torch import nn

from napari_xct_crack.checkpoints import SNAPSHOTS, snapshots, write_snapshot
from napari_xct_crack.cli import main
from napari_xct_crack.compare import Comparison, compare
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import InputError
from napari_xct_crack.evaluate import evaluate
from napari_xct_crack.events import Said, finish
from napari_xct_crack.inference import SegmentSettings, segment
from napari_xct_crack.io import read
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import PatchSettings
from napari_xct_crack.phantom import PhantomSettings, make
from napari_xct_crack.prepare import prepare
from napari_xct_crack.runs import Run, TrainSettings, load_segmenter
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Box, Volume

TINY = TrainSettings(
    network=Compact(width=4),
    slices=3,
    batch=2,
    steps_per_epoch=60,
    reviews=0,
    patches=PatchSettings(size=48),
    cracks=SheetCracks(count=(3, 6)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom and two runs on it."""
    folder = tmp_path_factory.mktemp("compare")
    finish(make(PhantomSettings(condition="clean", shape=(24, 96, 80), prevalence=4), folder / "phantom"))
    for seed, steps in enumerate((60, 10)):
        settings = TINY.model_copy(update={"seed": seed, "steps_per_epoch": steps})
        run = Run.create(folder / f"run-{seed}", settings, _scan(folder))
        finish(train(run, Budget(epochs=1), "cpu"))
    return folder


def _scan(folder: Path) -> Volume:
    return prepare(read(folder / "phantom" / "scan.ome.zarr"))


def _compared(folder: Path, *runs: str, **how: object) -> Comparison:
    return finish(compare(_scan(folder), [folder / run for run in runs], **how))  # type: ignore[arg-type]


@pytest.mark.parametrize(("normal", "axis", "at"), [("z", 0, 11), ("y", 1, 45), ("x", 2, 40), ("all", 0, 11)])
def test_each_run_is_shown_as_it_segments(folder: Path, tmp_path: Path, normal: str, axis: int, at: int) -> None:
    settings = SegmentSettings(normal=normal, device="cpu")
    shown = _compared(folder, "run-0", "run-1", at=at, settings=settings)
    assert [one.name for one in shown.seen] == ["run-0", "run-1"]
    assert shown.where == f"slice {at} along {'zyx'[axis]}"
    np.testing.assert_array_equal(shown.grey, np.take(_scan(folder).read(), at, axis))
    for one in shown.seen:
        whole = finish(segment(Run(folder / one.name), _scan(folder), tmp_path / f"{one.name}.ome.zarr", settings))
        np.testing.assert_array_equal(one.mask, np.take(whole.read(), at, axis) > 127)
    assert shown.seen[0].mask.any()
    assert (shown.seen[0].mask != shown.seen[1].mask).any()


def test_scores_are_those_of_evaluate(folder: Path) -> None:
    truth = read(folder / "phantom" / "truth.ome.zarr")
    crop = Box((2, 8, 0), (20, 96, 80))
    work = compare(_scan(folder).cropped(crop), [folder / "run-0", folder / "run-1"], at=9, truth=truth)
    for one in finish(work).seen:
        mask = Volume.from_array(one.mask[None], role="mask", voxel_size=truth.voxel_size, offset=(9, 8, 0))
        known = finish(evaluate(mask, truth))
        assert one.scores is not None
        for name in ("centreline", "tips", "objects"):
            assert getattr(one.scores, name).f1 == getattr(known, name).f1
        assert one.scores.overlap.dice == known.overlap.dice > 0


def test_truth_is_scored_across_the_stack_too(folder: Path) -> None:
    truth = read(folder / "phantom" / "truth.ome.zarr")
    shown = _compared(folder, "run-0", at=40, settings=SegmentSettings(normal="y", device="cpu"), truth=truth)
    assert shown.truth is not None
    np.testing.assert_array_equal(shown.truth, truth.read()[:, 40])
    one = shown.seen[-1]
    assert one.scores is not None
    both = (one.mask & (shown.truth > 0)).sum()
    assert one.scores.overlap.dice == pytest.approx(2 * both / (one.mask.sum() + (shown.truth > 0).sum()))


def test_one_run_is_shown_over_its_snapshots(folder: Path) -> None:
    shown = _compared(folder, "run-0")
    assert [one.name for one in shown.seen] == ["step 50", "step 60"]
    assert shown.where == "slice 12 along z"
    first, last = (one.mask for one in shown.seen)
    assert (first != last).any()
    model = _compared(folder, "run-0", "run-1").seen[0]
    np.testing.assert_array_equal(last, model.mask)


def test_half_precision_keeps_what_a_snapshot_marks(folder: Path) -> None:
    run = Run(folder / "run-0")
    exact, kept = run.segmenter(), load_segmenter(run.folder, weights=snapshots(run.folder)[60])
    frames = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 3, 96, 80)).astype(np.float32))
    with torch.inference_mode():
        apart = (exact.net(frames).sigmoid() - kept.net(frames).sigmoid()).abs().max()
    assert 0 < float(apart) < 0.02


def test_a_model_that_was_shared_has_no_snapshots(folder: Path) -> None:
    work = compare(_scan(folder), [folder / "run-0" / "model"])
    said = [event.text for event in work if isinstance(event, Said)]
    assert len(said) == 1
    assert "no snapshots" in said[0]


def test_runs_of_one_name_are_told_apart(folder: Path) -> None:
    shown = _compared(folder, "run-0/model", "run-1/model", "run-1")
    assert [one.name for one in shown.seen] == ["run-0/model", "run-1/model", "run-1"]


def test_what_does_not_fit_is_one_sentence(folder: Path) -> None:
    scan = _scan(folder)
    truth = read(folder / "phantom" / "truth.ome.zarr")
    with pytest.raises(InputError, match="Slice 24 along z does not lie in the crop, which has 0 to 23"):
        finish(compare(scan, [folder / "run-0"], at=24))
    with pytest.raises(InputError, match="does not cover the slice"):
        finish(compare(scan, [folder / "run-0"], truth=truth.cropped(Box((0, 0, 0), (24, 50, 80)))))
    with pytest.raises(InputError, match="not a training run"):
        finish(compare(scan, [folder / "run-0", folder / "phantom"]))


def test_the_command_writes_the_picture_and_prints_the_table(folder: Path, tmp_path: Path, capsys) -> None:
    scan, out = str(folder / "phantom" / "scan.ome.zarr"), tmp_path / "new" / "figure.png"
    runs = [str(folder / "run-0"), str(folder / "run-1")]
    words = ["compare", scan, *runs, str(out), "--slice", "9", "--truth", str(folder / "phantom" / "truth.ome.zarr")]
    assert main(words) == 0
    table = capsys.readouterr().out
    assert "slice 9 along z, threshold 0.5" in table
    assert [line.split()[0] for line in table.splitlines()[2:4]] == ["run-0", "run-1"]
    picture = imread(out)
    assert picture.shape[1] > 1000
    assert _has_green(picture)
    assert main(words) == 2
    assert "figure.png exists" in capsys.readouterr().err
    assert main(["compare", scan, *runs, str(tmp_path / "figure.jpg")]) == 2
    assert "ends in .png" in capsys.readouterr().err
    assert main(["compare", scan, str(out)]) == 2
    assert "RUNS requires an argument" in capsys.readouterr().err


def _has_green(picture: np.ndarray) -> bool:
    """Whether anything is painted as found rightly."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    return bool(((green > red + 60) & (green > blue + 20)).any())


def test_at_most_twelve_snapshots_stay_spread_by_factors(tmp_path: Path) -> None:
    net = nn.Conv2d(1, 1, 1)
    steps = [50, 100, 200, 300, 301, 400, 700, 800, 1000, 1600, 3200, 6400, 12800, 25600, 25610]
    for step in steps:
        write_snapshot(tmp_path, net, step)
    kept = list(snapshots(tmp_path))
    assert len(kept) == SNAPSHOTS == 12
    assert kept[0] == 50
    assert kept[-1] == 25610
    assert {200, 3200, 12800} < set(kept)
    assert not {300, 301} <= set(kept)


def test_marks_beyond_tips_are_mapped_on_request(folder: Path, tmp_path: Path, capsys) -> None:
    shown = _compared(folder, "run-0", propagation=True)
    assert shown.beyond is not None
    assert len(shown.beyond.turns) == len(shown.seen) == 2
    assert _compared(folder, "run-0").beyond is None
    plain, mapped = tmp_path / "plain.png", tmp_path / "mapped.png"
    words = ["compare", str(folder / "phantom" / "scan.ome.zarr"), str(folder / "run-0")]
    assert main([*words, str(plain)]) == 0
    assert "visible tips" not in capsys.readouterr().out
    assert main([*words, str(mapped), "--propagation"]) == 0
    said = capsys.readouterr().out
    assert "step 50: marks beyond" in said
    assert "No direction of growth is claimed" in said
    assert imread(mapped).shape[1] > imread(plain).shape[1], "one picture more"
