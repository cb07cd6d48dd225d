"""Patches, the training loop and run folders."""

import csv
import itertools
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_xct_crack import training
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.devices import mixed_precision
from napari_xct_crack.errors import BusyError, InputError, OutputError, SettingsError, XctCrackError
from napari_xct_crack.events import EpochEnd, Preview, Said, Saved, StepDone, Warned, finish
from napari_xct_crack.frames import reflected, to_frames
from napari_xct_crack.methods import Batch, Method
from napari_xct_crack.methods import semisynthetic as semi
from napari_xct_crack.methods._losses import cross_entropy, dice_loss
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.methods.semisynthetic import SemiSynthetic
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.networks.halved import Halved
from napari_xct_crack.patches import Patches, PatchSettings
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.records import read_tensors, write_tensors
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.start import start_from
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Box, Volume

TINY = TrainSettings(
    network=Compact(width=2),
    slices=3,
    batch=2,
    steps_per_epoch=4,
    patches=PatchSettings(size=64),
    cracks=SheetCracks(count=(3, 6)),
)


@pytest.fixture(scope="module")
def scan() -> Volume:
    phantom = simulate(PhantomSettings(condition="seed-like", shape=(20, 128, 128), prevalence=4))
    return prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))


@pytest.fixture(scope="module")
def patches(scan: Volume) -> Patches:
    return Patches(scan, TINY.patches, TINY.cracks, 3, 16, seed=1)


def test_a_batch_is_a_function_of_seed_and_step(patches: Patches, scan: Volume) -> None:
    again = Patches(scan, TINY.patches, TINY.cracks, 3, 16, seed=1)
    one, same, other = patches.batch(3, 4), again.batch(3, 4), patches.batch(4, 4)
    for name in ("masks", "rendered", "cracked", "crack_free", "weight"):
        assert torch.equal(getattr(one, name), getattr(same, name))
        assert not torch.equal(getattr(one, name), getattr(other, name)) or name == "weight"
    assert one.rendered.shape == (4, 3, 64, 64)
    assert one.masks.shape == one.weight.shape == (4, 1, 64, 64)


def test_rendered_cracks_are_dark_and_count_everywhere(patches: Patches) -> None:
    batches = [patches.batch(step, 8) for step in range(6)]
    masks = torch.cat([b.masks for b in batches])
    middle = torch.cat([b.rendered[:, 1:2] for b in batches])
    weight = torch.cat([b.weight for b in batches])
    assert masks.sum() > 100
    assert (weight[masks > 0] == 1).all()
    assert middle[masks > 0].mean() < middle[(masks == 0) & (weight > 0)].mean() - 0.3


def test_doubtful_voxels_are_never_trusted_metal(patches: Patches) -> None:
    slab = patches.slabs[0]
    assert 0.001 < patches.doubtful_share < 0.3
    assert not slab.doubtful[~slab.part].any()

    def share(places: np.ndarray) -> float:
        return float(np.mean([slab.doubtful[z, y : y + 64, x : x + 64].mean() for _, z, y, x in places]))

    assert share(patches.cracked) > 1.3 * share(patches.free)
    batch = patches.batch(0, 16)
    middle, trusted = batch.cracked[:, 1:2], batch.cracked_trusted > 0
    assert 0.5 < float(trusted.float().mean()) < 1
    assert middle[trusted].mean() > middle[~trusted].mean()


def test_frames_are_the_scans_own_greys() -> None:
    grey = np.array([[[100, 200, 300]]], np.uint16)
    np.testing.assert_allclose(to_frames(grey, (100.0, 300.0))[0, 0], [-1, 0, 1])
    np.testing.assert_allclose(to_frames(grey, (300.0, 100.0))[0, 0], [1, 0, -1])


def test_slices_beyond_the_ends_are_reflected() -> None:
    assert reflected(np.arange(-3, 8), 5).tolist() == [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]
    assert reflected(np.arange(-2, 3), 1).tolist() == [0, 0, 0, 0, 0]


def test_a_scan_without_metal_is_refused(scan: Volume) -> None:
    empty = Volume.from_array(np.zeros((20, 128, 128), bool), role="mask")
    air = prepare(scan, part=empty, window=(0.0, 1.0))
    with pytest.raises(InputError, match="part mask"):
        Patches(air, TINY.patches, TINY.cracks, 3, 16, seed=0)


def test_losses_ignore_voxels_of_weight_zero() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 8, 8, requires_grad=True)
    target = (torch.rand(2, 1, 8, 8) < 0.3).float()
    weight = (torch.rand(2, 1, 8, 8) < 0.5).float()
    (cross_entropy(logits, target, weight) + dice_loss(logits, target, weight)).backward()
    assert logits.grad is not None
    assert (logits.grad[weight == 0] == 0).all()
    assert (logits.grad[weight == 1] != 0).all()
    perfect = torch.where(target > 0, 30.0, -30.0)
    assert float(dice_loss(perfect, target, torch.ones_like(weight))) == pytest.approx(0, abs=1e-5)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_tensors(folder / "checkpoint.safetensors")[0]


def test_a_resumed_run_equals_an_uninterrupted_one(scan: Volume, tmp_path: Path) -> None:
    whole = finish(train(Run.create(tmp_path / "whole", TINY, scan), Budget(epochs=3), "cpu"))
    work = train(Run.create(tmp_path / "parts", TINY, scan), Budget(epochs=3), "cpu")
    for event in work:
        if isinstance(event, StepDone) and event.step == 5:
            break
    work.close()
    steps = [
        e.step
        for e in train(Run.create(tmp_path / "parts", TINY, scan), Budget(epochs=3), "cpu")
        if isinstance(e, StepDone)
    ]
    assert steps == list(range(6, 13))
    one, two = _weights(whole.folder), _weights(tmp_path / "parts")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    rows = [list(csv.DictReader((tmp_path / n / "metrics.csv").open())) for n in ("whole", "parts")]
    assert rows[0] == rows[1]
    assert [int(row["step"]) for row in rows[0]] == list(range(1, 13))


def test_a_larger_budget_goes_on_and_a_used_one_says_so(scan: Volume, tmp_path: Path) -> None:
    finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))
    events = list(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))
    assert any(isinstance(e, Said) and "already" in e.text for e in events)
    more = list(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=2), "cpu"))
    assert [e.step for e in more if isinstance(e, StepDone)] == [5, 6, 7, 8]


def test_minutes_become_a_number_of_steps_that_is_kept(scan: Volume, tmp_path: Path) -> None:
    events = list(train(Run.create(tmp_path / "run", TINY, scan), Budget(minutes=0.05), "cpu"))
    steps = [e for e in events if isinstance(e, StepDone)]
    assert steps[0].total == 0
    assert steps[-1].step == steps[-1].total >= 12
    assert any(isinstance(e, Warned) and "steps fit into that time" in e.text for e in events)
    state = json.loads(read_tensors(tmp_path / "run" / "checkpoint.safetensors")[1]["state"])
    assert round(3 / state["seconds_per_step"]) == pytest.approx(steps[-1].total, abs=1) or steps[-1].total == 12


def test_a_start_beside_other_work_does_not_shorten_the_run(
    scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [*[1.0] * 20, *[0.1] * 2000]
    ticks = itertools.accumulate(itertools.chain.from_iterable((0.0, second) for second in steps))
    clock = SimpleNamespace(perf_counter=lambda: next(ticks), monotonic=time.monotonic)
    monkeypatch.setattr(training, "time", clock)
    work = train(Run.create(tmp_path / "run", TINY, scan), Budget(minutes=1), "cpu")
    taken = [e for e in work if isinstance(e, StepDone)]
    assert taken[12].total == pytest.approx(60, abs=1)
    assert taken[-1].step == taken[-1].total > 150
    assert sum(steps[: len(taken)]) == pytest.approx(60, rel=0.5)


def test_learning_lowers_the_loss_and_the_run_holds_everything(scan: Volume, tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"network": Compact(width=4), "batch": 4})
    run = Run.create(tmp_path / "run", settings, scan, {"low": 0.5})
    events = list(train(run, Budget(epochs=20), "cpu"))
    losses = [e.losses["dice"] for e in events if isinstance(e, StepDone)]
    assert np.mean(losses[-15:]) < np.mean(losses[:15]) - 0.1
    assert any(isinstance(e, EpochEnd) for e in events)
    previews = [e for e in events if isinstance(e, Preview)]
    assert previews
    assert all(Path(e.path).stat().st_size > 0 for e in previews)
    assert isinstance(events[-1], Saved)
    segmenter = run.segmenter()
    assert segmenter.slices == 3
    assert segmenter.card["window"] == list(scan.window or ())
    assert str(tmp_path) not in (run.folder / "model" / "card.json").read_text()
    with torch.inference_mode():
        assert segmenter.net(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)
    assert len(list((run.folder / "snapshots").iterdir())) <= 12


def test_a_start_from_learnt_weights_sees_cracks_at_once(scan: Volume, tmp_path: Path) -> None:
    losses = {}
    for start in ("random", "simulated"):
        settings = TINY.model_copy(update={"network": Halved(), "start": start, "slices": 5})
        events = list(train(Run.create(tmp_path / start, settings, scan), Budget(epochs=1)))
        losses[start] = next(event.losses["dice"] for event in events if isinstance(event, StepDone))
        said = any("learnt on simulated scans" in event.text for event in events if isinstance(event, Said))
        assert said == (start == "simulated")
    assert losses["simulated"] < losses["random"] - 0.3


def test_a_network_without_learnt_weights_says_so(scan: Volume, tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"start": "simulated"})
    events = list(train(Run.create(tmp_path / "run", settings, scan), Budget(epochs=1)))
    assert any("no learnt weights" in event.text for event in events if isinstance(event, Said))


def test_a_run_starts_from_an_earlier_one(scan: Volume, tmp_path: Path) -> None:
    before = Run.create(tmp_path / "before", TINY, scan)
    with pytest.raises(InputError, match="no trained model"):
        start_from(Run.create(tmp_path / "early", TINY, scan), before.folder)
    finish(train(before, Budget(epochs=5)))
    after = Run.create(tmp_path / "after", TINY.model_copy(update={"seed": 5}), scan)
    start_from(after, before.folder / "model")
    texts = []
    for event in train(after, Budget(epochs=1)):
        texts += [event.text] if isinstance(event, Said) else []
        if isinstance(event, StepDone):
            break
    assert any("weights of an earlier run" in text for text in texts)
    first, name = after.segmenter().net.state_dict(), "stem.0.weight"
    learnt = before.segmenter().net.state_dict()[name]
    assert float((first[name] - learnt).abs().max()) < 0.05 * float(learnt.abs().max())
    for changed in ({"network": Compact(width=4)}, {"slices": 5}):
        other = Run.create(tmp_path / f"other-{next(iter(changed))}", TINY.model_copy(update=changed), scan)
        with pytest.raises(InputError, match="same network"):
            start_from(other, before.folder)
    write_tensors(before.folder / "model" / "segmenter.safetensors", {"stem.0.weight": torch.zeros(1)})
    with pytest.raises(InputError, match="do not belong"):
        start_from(Run.create(tmp_path / "damaged", TINY, scan), before.folder)


def test_another_run_in_the_folder_is_refused(scan: Volume, tmp_path: Path) -> None:
    finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))
    with pytest.raises(OutputError, match="other settings"):
        Run.create(tmp_path / "run", TINY.model_copy(update={"seed": 3}), scan)
    with pytest.raises(OutputError, match="another scan"):
        Run.create(tmp_path / "run", TINY, prepare(scan, window=(1.0, 2.0)))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not a training run"):
        Run.create(tmp_path / "full", TINY, scan)
    with pytest.raises(InputError, match="not a training run"):
        Run(tmp_path / "full")


def test_a_run_whose_start_failed_gives_way_to_other_settings(tmp_path: Path) -> None:
    scan = Volume.from_array(np.random.default_rng(0).integers(0, 9, (5, 64, 64), np.uint8), name="no voxel size")
    scan = prepare(scan, window=(0.0, 8.0))
    micrometres = TINY.model_copy(update={"cracks": SheetCracks(radius_min="5um", radius_max="50um")})
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        finish(train(Run.create(tmp_path / "run", micrometres, scan), Budget(epochs=1), "cpu"))
    with pytest.raises(InputError, match="no trained model"):
        Run(tmp_path / "run").segmenter()
    with Run(tmp_path / "run").owned(), pytest.raises(BusyError, match="another process"):
        Run.create(tmp_path / "run", TINY, scan)
    assert Run.create(tmp_path / "run", TINY, scan).settings == TINY
    assert Run(tmp_path / "run").settings == TINY


def test_a_run_has_one_owner(scan: Volume, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", TINY, scan)
    with run.owned(), pytest.raises(BusyError, match="another process"):
        finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))


def test_a_damaged_model_is_one_sentence(scan: Volume, tmp_path: Path) -> None:
    run = finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))
    path = run.folder / "model" / "segmenter.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        run.segmenter()


def test_an_unknown_device_is_one_sentence(scan: Volume, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not available"):
        finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "warp9"))


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets the learner's step be replaced; collects batch sizes."""
    sizes: list[int] = []
    real = semi.SemiSyntheticLearner.step

    def small_device(
        self: semi.SemiSyntheticLearner, batch: Batch, done: float, rng: np.random.Generator
    ) -> dict[str, float]:
        sizes.append(len(batch.masks))
        if len(batch.masks) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, batch, done, rng)

    monkeypatch.setattr(semi.SemiSyntheticLearner, "step", small_device)
    return sizes


def test_out_of_memory_goes_on_with_fewer_patches(scan: Volume, tmp_path: Path, step: list[int]) -> None:
    events = list(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))
    assert step == [2, 1, 1, 1, 1]
    assert any("memory" in getattr(e, "text", "") for e in events)


@pytest.mark.parametrize(
    "method", [SemiSynthetic(), CycleGan(discriminator_width=4, history=2)], ids=lambda one: one.kind
)
def test_half_precision_learns_the_same_and_keeps_full_weights(
    scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    settings = TINY.model_copy(update={"method": method, "steps_per_epoch": 20})
    losses, folders = [], [tmp_path / "full", tmp_path / "half"]
    for folder in folders:
        events = list(train(Run.create(folder, settings, scan), Budget(epochs=1), "cpu"))
        losses.append([sum(e.losses.values()) for e in events if isinstance(e, StepDone)])
        monkeypatch.setattr(training, "mixed_precision", lambda device: torch.autocast(device.type, torch.bfloat16))
    full, half = np.array(losses)
    assert (full != half).any(), "bfloat16 was used"
    np.testing.assert_allclose(half[0], full[0], rtol=0.02)
    np.testing.assert_allclose(half.mean(), full.mean(), rtol=0.05)
    weights = [_weights(folder) for folder in folders]
    kept = {name for name in weights[0] if not name.startswith("pools/")}
    assert all(weights[0][name].dtype == weights[1][name].dtype for name in kept)


def test_full_precision_wherever_there_is_no_cuda() -> None:
    with mixed_precision(torch.device("cpu")):
        assert not torch.is_autocast_enabled("cpu")


def test_losses_that_are_no_numbers_end_the_run(scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semi.SemiSyntheticLearner, "step", lambda *_: {"loss": float("nan")})
    with pytest.raises(XctCrackError, match="no longer numbers at step 1"):
        finish(train(Run.create(tmp_path / "run", TINY, scan), Budget(epochs=1), "cpu"))


def test_the_number_of_slices_is_odd() -> None:
    with pytest.raises(SettingsError, match="odd"):
        TrainSettings.checked({"slices": 4})
    assert SemiSynthetic().kind == "semisynthetic"


def test_a_single_slice_is_learnt_from_alone(scan: Volume, tmp_path: Path) -> None:
    one = scan.cropped(Box((4, 0, 0), (5, 128, 128)))
    run = finish(train(Run.create(tmp_path / "run", TINY, one), Budget(epochs=1), "cpu"))
    assert run.segmenter().slices == 1
    finish(train(Run.create(tmp_path / "run", TINY, one), Budget(epochs=2), "cpu"))


def test_a_scan_that_is_doubtful_everywhere_is_refused(scan: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_xct_crack.slabs.doubt", lambda flat, part, point_spread: part)
    with pytest.raises(InputError, match="No crack-free patch was found: at least 100% of the metal"):
        Patches(scan, TINY.patches, TINY.cracks, 3, 16, seed=0)


def test_an_unmeasured_point_spread_may_be_far_softer(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.random.default_rng(0).normal(100, 5, (8, 64, 64)).astype(np.float32)
    scan = prepare(Volume.from_array(grey), window=(0, 150))
    drawn = Patches(scan, PatchSettings(size=32), SheetCracks(), 1, 8, 0)
    assert drawn.appearance.notes
    spreads: list[float] = []

    def seen(frame: np.ndarray, coverage: np.ndarray, contrast: float, spread: float) -> np.ndarray:
        spreads.append(spread)
        return frame

    monkeypatch.setattr("napari_xct_crack.patches.render", seen)
    drawn.batch(0, 60)
    assert min(spreads) < 1.5 * drawn.appearance.point_spread < 2.5 * drawn.appearance.point_spread < max(spreads)
