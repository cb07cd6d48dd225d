"""What may be crack, by grey values alone and by a look of the half-trained net."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn

from napari_xct_crack.appearance import estimate
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.doubt import doubt, followed
from napari_xct_crack.events import Said, StepDone, Warned, finish
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import Patches, PatchSettings
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import part_at, prepare
from napari_xct_crack.records import read_tensors
from napari_xct_crack.response import DARK, dark_response, flat_field
from napari_xct_crack.reviews import review
from napari_xct_crack.ridges import standardised
from napari_xct_crack.runs import Run, TrainSettings
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


@pytest.mark.parametrize(("condition", "gain"), [("noisy", 1.02), ("soft", 2.0)])
def test_doubt_covers_more_of_the_cracks_than_their_darkness_alone(condition: str, gain: float) -> None:
    phantom = simulate(PhantomSettings(condition=condition, seed=41, shape=(32, 160, 160), prevalence=2))
    part = part_at(prepare(Volume.from_array(phantom.scan)))
    flat = flat_field(phantom.scan, part)
    doubtful = doubt(flat, part, estimate(phantom.scan, part, flat).point_spread)
    dark = ndimage.binary_dilation(dark_response(flat, part, flattened=True) < DARK, np.ones((3, 3, 3)))
    inner = np.zeros_like(part)
    inner[:, 24:-24, 24:-24] = True
    truth = (phantom.labels > 0) & part & inner
    metal = part & inner & ~ndimage.binary_dilation(truth, iterations=3)
    assert doubtful[truth].mean() > gain * dark[truth].mean()
    assert doubtful[metal].mean() < 0.1
    assert not doubtful[~part].any()


def test_only_long_places_that_hold_a_sure_voxel_are_followed() -> None:
    faint = np.zeros((5, 40, 40), bool)
    faint[2, 5, 4:24] = True  # long and sure at one end
    faint[2, 15, 4:24] = True  # long, never sure
    faint[1:4, 30:33, 30:33] = True  # a pore
    sure = np.zeros_like(faint)
    sure[2, 5, 4] = sure[2, 31, 31] = True
    doubtful = followed(sure, faint, np.ones_like(faint))
    assert doubtful[2, 5, 4:24].all()
    assert doubtful[1:4, 4:7, 3:25].all()
    assert doubtful.sum() == 3 * 3 * 22


def test_standardised_noise_has_unit_spread_and_a_flat_field_none() -> None:
    noise = np.random.default_rng(0).normal(7, 3, (4, 50, 50)).astype(np.float32)
    everywhere = np.ones(noise.shape, bool)
    assert standardised(noise, everywhere).std() == pytest.approx(1, abs=0.05)
    assert not standardised(np.full_like(noise, 5), everywhere).any()
    assert not standardised(noise, ~everywhere).any()


class _Marks(nn.Module):
    """Takes a fixed share of each slice, from its top, for crack."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, frames: Tensor) -> Tensor:
        logits = torch.full((frames.shape[0], 1, *frames.shape[2:]), -9.0)
        logits[:, :, : int(self.share * frames.shape[2])] = 9.0
        return logits


def _scan(side: int = 96) -> Volume:
    phantom = simulate(PhantomSettings(condition="seed-like", shape=(20, side, side), prevalence=4))
    return prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))


def _patches(scan: Volume, settings: TrainSettings = TINY) -> Patches:
    return Patches(scan, settings.patches, settings.cracks, settings.slices, 16, seed=1)


def test_a_review_adds_what_the_net_finds_and_forgets_earlier_reviews() -> None:
    scan = _scan().cropped(Box((0, 3, 5), (20, 93, 91)))
    patches = _patches(scan)
    first = patches.slabs[0].doubtful.copy()
    assert finish(review(_Marks(0.4), TINY, patches, scan, torch.device("cpu")))
    slab = patches.slabs[0]
    # the net sees the scan's own rows: 38 of them, of which the crop has left out three
    assert slab.doubtful[:, :35][slab.part[:, :35]].all()
    assert np.array_equal(slab.doubtful[:, 37:], first[:, 37:])
    assert finish(review(_Marks(0.0), TINY, patches, scan, torch.device("cpu")))
    assert np.array_equal(patches.slabs[0].doubtful, first)


def test_a_net_that_marks_most_of_the_scan_is_not_believed() -> None:
    scan = _scan()
    patches = _patches(scan)
    first = patches.slabs[0].doubtful.copy()
    assert not finish(review(_Marks(0.9), TINY, patches, scan, torch.device("cpu")))
    assert np.array_equal(patches.slabs[0].doubtful, first)


def test_reviews_are_spread_over_the_budget_and_a_stop_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_xct_crack.training.review",
        lambda average, *given: review(_Marks(0.2 + 0.2 * bool(next(average.parameters()).sum() > 0)), *given),
    )
    scan = _scan()
    marks, events = [], []
    for event in train(Run.create(tmp_path / "whole", TINY, scan), Budget(epochs=3), "cpu"):
        events.append(event)
        if isinstance(event, Said | Warned) and "looked over" in event.text:
            marks.append(max(e.step for e in events if isinstance(e, StepDone)))
    assert marks == [4, 8]
    for stop in (4, 6, 12):
        work = train(Run.create(tmp_path / "parts", TINY, scan), Budget(epochs=3), "cpu")
        for event in work:
            if isinstance(event, StepDone) and event.step == stop:
                break
        work.close()
    one, two = (read_tensors(tmp_path / name / "checkpoint.safetensors")[0] for name in ("whole", "parts"))
    assert "doubtful/0" in one
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_without_reviews_the_doubt_is_not_saved(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", TINY.model_copy(update={"reviews": 0}), _scan())
    finish(train(run, Budget(epochs=1), "cpu"))
    assert not any(name.startswith("doubtful") for name in read_tensors(run.folder / "checkpoint.safetensors")[0])
