"""What a trained net marks, cracks or specks, said without labels."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import Event, Said, Warned
from napari_xct_crack.last_look import last_look
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import Patches, PatchSettings
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.records import read_json
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Volume

SETTINGS = TrainSettings(
    network=Compact(width=2),
    slices=1,
    batch=2,
    steps_per_epoch=3,
    patches=PatchSettings(size=64),
    cracks=SheetCracks(count=(3, 6)),
)


class _Darker(nn.Module):
    """Marks what is darker than a grey value of the frames, after smoothing over `wide` pixels."""

    def __init__(self, than: float, wide: int = 1) -> None:
        super().__init__()
        self.than, self.wide = than, wide

    def forward(self, frames: Tensor) -> Tensor:
        smooth = nn.functional.avg_pool2d(frames, self.wide, 1, self.wide // 2)
        return 1000 * (self.than - smooth)


def _scan(condition: str) -> Volume:
    phantom = simulate(PhantomSettings(condition=condition, shape=(12, 128, 128), prevalence=3))
    return prepare(Volume.from_array(phantom.scan))


def _looked(scan: Volume, sigmas: float, wide: int = 1) -> tuple[dict[str, float], Event]:
    """Shares and verdict of a net that marks what is so many standard deviations of the noise darker than metal."""
    patches = Patches(scan, SETTINGS.patches, SETTINGS.cracks, 1, 16, seed=1)
    look, (low, high) = patches.appearance, sorted(patches.window)
    than = 2 * (look.metal - sigmas * look.noise - low) / (high - low) - 1
    looking = last_look(_Darker(than, wide), SETTINGS, patches, scan, torch.device("cpu"))
    events = []
    while True:
        try:
            events.append(next(looking))
        except StopIteration as end:
            return end.value, events[-1]


def test_marks_of_noise_are_specks() -> None:
    grey = np.random.default_rng(0).normal(2000, 100, (12, 128, 128))
    grey[:, 16:-16, 16:-16] += 3000
    shares, said = _looked(prepare(Volume.from_array(grey.astype(np.uint16))), 2.5)
    assert shares["marked"] > 0.003
    assert shares["marked_large"] < 0.3 * shares["marked"]
    assert isinstance(said, Warned)


def test_cracks_are_larger_than_specks() -> None:
    shares, said = _looked(_scan("seed-like"), 3.0, 3)
    assert 0.005 < shares["marked"] < 0.2
    assert shares["marked_large"] > 0.5 * shares["marked"]
    assert isinstance(said, Said)
    assert f"{shares['marked']:.2%} of the part is marked" in said.text


def test_a_net_that_marks_nothing_finds_no_cracks() -> None:
    shares, said = _looked(_scan("crack-free"), 50.0)
    assert set(shares.values()) == {0.0}
    assert isinstance(said, Warned)
    assert said.text.startswith("The segmenter finds no cracks in this scan")


def test_it_is_said_when_the_training_ends_and_stands_in_the_card(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", SETTINGS, _scan("seed-like"))
    events = list(train(run, Budget(epochs=1), "cpu"))
    said = [event.text for event in events if isinstance(event, Said | Warned)]
    assert any("in this scan" in text or "What the segmenter finds" in text for text in said)
    metrics = read_json(run.folder / "model" / "card.json")["metrics"]
    assert {"marked", "marked_large"} <= set(metrics)
