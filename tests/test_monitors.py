"""What the monitors say of trainings that go wrong: of recorded ones, and of a real tiny one each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import EpochEnd, Warned
from napari_xct_crack.methods import Batch, Method
from napari_xct_crack.methods import semisynthetic as semi
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.methods.semisynthetic import SemiSynthetic
from napari_xct_crack.monitors import gaps, words
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import PatchSettings
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Volume

NAMES = ("share_cracked", "share_crack_free", "share_masks", "found_of_rendered")


@pytest.fixture(scope="module")
def scan() -> Volume:
    phantom = simulate(PhantomSettings(condition="clean", shape=(8, 96, 96), prevalence=2))
    assert not phantom.labels.any()
    return prepare(Volume.from_array(phantom.scan))


def _warned(scan: Volume, folder: Path, method: Method, steps: int) -> tuple[str, dict[str, float]]:
    """What is warned of in a tiny training, as one text, and the last monitors."""
    settings = TrainSettings(
        method=method,
        network=Compact(width=2),
        cracks=SheetCracks(count=(3, 6)),
        slices=1,
        batch=2,
        reviews=0,
        steps_per_epoch=steps,
        patches=PatchSettings(size=32),
    )
    events = list(train(Run.create(folder / "run", settings, scan), Budget(epochs=1), "cpu"))
    monitors = [event.monitors for event in events if isinstance(event, EpochEnd)][-1]
    return " ".join(event.text for event in events if isinstance(event, Warned)), monitors


def _taught(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Batch], Batch]) -> None:
    """The learner is shown something else than the monitors."""
    step = semi.SemiSyntheticLearner.step

    def taught(
        learner: semi.SemiSyntheticLearner, batch: Batch, done: float, rng: np.random.Generator
    ) -> dict[str, float]:
        return step(learner, wrong(batch), done, rng)

    monkeypatch.setattr(semi.SemiSyntheticLearner, "step", taught)


def test_a_training_that_goes_well_is_left_in_peace_until_it_finds_no_crack(scan: Volume, tmp_path: Path) -> None:
    said, monitors = _warned(scan, tmp_path, SemiSynthetic(learning_rate=0.01), 120)
    assert monitors["found_of_rendered"] > 0.3
    assert said == "The segmenter finds no cracks in this scan: nothing larger than a speck is marked."


def test_an_inverted_training_is_told(scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _taught(monkeypatch, lambda batch: replace(batch, masks=1 - batch.masks))
    said, _ = _warned(scan, tmp_path, SemiSynthetic(learning_rate=0.01, crack_weight=0.05, dice=0), 120)
    assert "Inverted" in said
    assert "polarity" in said


def test_a_collapsed_training_is_told(scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _taught(monkeypatch, lambda batch: replace(batch, masks=torch.ones_like(batch.masks)))
    said, _ = _warned(scan, tmp_path, SemiSynthetic(learning_rate=0.01), 60)
    assert "Collapsed: the segmenter marks 100% of crack-free metal" in said


def test_empty_masks_are_told(scan: Volume, tmp_path: Path) -> None:
    said, _ = _warned(scan, tmp_path, SemiSynthetic(learning_rate=0.01, crack_weight=1e-3, dice=0), 40)
    assert "Empty masks" in said


def test_a_discriminator_that_wins_is_told(scan: Volume, tmp_path: Path) -> None:
    alone = CycleGan(
        image_adversary=0,
        mask_adversary=0,
        learning_rate=1e-3,
        discriminator_rate=4,
        discriminator_norm="instance",
        discriminator_width=8,
    )
    said, monitors = _warned(scan, tmp_path, alone, 180)
    assert monitors["mask_gap"] > 0.8
    assert "mask discriminator wins" in said
    assert "lower the rate of the discriminators" in said


@pytest.mark.parametrize(
    ("curve", "complaint"),
    [
        ([(0.3, 0.3, 0.01, 0.4), (0.04, 0.001, 0.01, 0.7), (0.03, 0.001, 0.01, 0.8)], None),
        ([(0.3, 0.3, 0.01, 0.4), (0.9, 0.95, 0.01, 0.2), (0.98, 0.99, 0.01, 0.01)], "Inverted"),
        ([(0.3, 0.3, 0.01, 0.4), (0.6, 0.5, 0.01, 0.8), (0.99, 0.99, 0.01, 1.0)], "Collapsed"),
        ([(0.3, 0.3, 0.01, 0.4), (0.0, 0.0, 0.01, 0.02), (0.0, 0.0, 0.01, 0.0)], "Empty masks"),
        ([(0.3, 0.3, 0.01, 0.4), (0.01, 0.025, 0.01, 0.5), (0.01, 0.03, 0.01, 0.6)], "invents cracks"),
        ([(0.3, 0.3, 0.0, 0.0), (0.02, 0.001, 0.0, 0.0), (0.02, 0.001, 0.0, 0.0)], None),
    ],
)
def test_recorded_curves(curve: list[tuple[float, ...]], complaint: str | None) -> None:
    said = [
        words(dict(zip(NAMES, point, strict=True)), done) for point, done in zip(curve, (0.1, 0.5, 1.0), strict=True)
    ]
    assert said[0] == [], "too early to tell"
    for later in said[1:]:
        assert len(later) == (complaint is not None)
        assert complaint is None or complaint in later[0]


def test_gaps_are_means_over_the_last_steps() -> None:
    rows = [{"step": step, "image_gap": float(step >= 10), "mask_gap": 0.5} for step in range(60)]
    assert gaps(rows) == {"image_gap": 1.0, "mask_gap": 0.5}
    assert gaps([{"step": 1, "dice": 0.3}]) == gaps([]) == {}
    fine = dict(zip(NAMES, (0.02, 0.001, 0.01, 0.8), strict=True))
    assert words(fine | {"image_gap": 0.7, "mask_gap": 0.7}, 0.5) == []
    both = words(fine | {"image_gap": 0.9, "mask_gap": 0.95}, 0.5)
    assert len(both) == 1
    assert "image and the mask discriminator" in both[0]
