"""Training that is killed at random moments and goes on ends with the weights of one that was left alone, bit for bit."""

import csv
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import finish
from napari_xct_crack.methods import Method
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.methods.semisynthetic import SemiSynthetic
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import PatchSettings
from napari_xct_crack.phantom import PhantomSettings, make
from napari_xct_crack.records import read_tensors
from napari_xct_crack.runs import TrainSettings

CHILD = """
import sys
from pathlib import Path

import torch

from napari_xct_crack import training
from napari_xct_crack.budget import Budget
from napari_xct_crack.events import Said, StepDone
from napari_xct_crack.io import read
from napari_xct_crack.prepare import prepare
from napari_xct_crack.runs import Run, TrainSettings

torch.set_num_threads(1)
training.SAVE_EVERY = 0.0
scan, run, settings = sys.argv[1:]
settings = TrainSettings.model_validate_json(Path(settings).read_text())
for event in training.train(Run.create(run, settings, prepare(read(scan))), Budget(epochs=3), "cpu"):
    if isinstance(event, StepDone):
        print("step", event.step, flush=True)
"""


@pytest.mark.parametrize(
    ("method", "kills"),
    [
        (SemiSynthetic(), 3),
        pytest.param(SemiSynthetic(), 25, marks=[pytest.mark.long, pytest.mark.timeout(1500)]),
        pytest.param(
            CycleGan(discriminator_width=4, history=4), 25, marks=[pytest.mark.long, pytest.mark.timeout(1500)]
        ),
    ],
    ids=["a few", "many", "many, cyclegan"],
)
def test_killed_training_ends_as_one_left_alone(tmp_path: Path, method: Method, kills: int) -> None:
    finish(make(PhantomSettings(condition="seed-like", shape=(8, 64, 64), prevalence=3), tmp_path / "phantom"))
    settings = TrainSettings(
        method=method,
        network=Compact(width=2),
        cracks=SheetCracks(count=(3, 6)),
        slices=3,
        batch=2,
        reviews=2,
        steps_per_epoch=15 * kills,
        patches=PatchSettings(size=32),
    )
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    (tmp_path / "child.py").write_text(CHILD)
    assert _trained(tmp_path, "alone", None)[-1] == 45 * kills
    rng = random.Random(kills)
    # the last kill may come when all steps are done: then nothing is left to do
    parts = [*(_trained(tmp_path, "killed", rng) for _ in range(kills)), _trained(tmp_path, "killed", None)]
    assert max(max(steps, default=0) for steps in parts) == 45 * kills
    assert any(steps[0] > 1 for steps in parts if steps), "some kill came after a checkpoint"
    alone, killed = (read_tensors(tmp_path / name / "checkpoint.safetensors")[0] for name in ("alone", "killed"))
    assert alone.keys() == killed.keys()
    assert all(torch.equal(alone[name], killed[name]) for name in alone)
    rows = [list(csv.DictReader((tmp_path / name / "metrics.csv").open())) for name in ("alone", "killed")]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 45 * kills


def _trained(folder: Path, run: str, rng: random.Random | None) -> list[int]:
    """Steps that a child process takes until its end or, with `rng`, until it is killed at a random moment."""
    words = [folder / "child.py", folder / "phantom" / "scan.ome.zarr", folder / run, folder / "settings.json"]
    with subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        steps = []
        for line in child.stdout:
            steps.append(int(line.split()[1]))
            if rng is not None and len(steps) == 1:
                time.sleep(rng.uniform(0.05, 2.0))
                child.kill()
    assert child.returncode in ((0, -9) if rng is not None else (0,))
    return steps
