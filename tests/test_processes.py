"""Several processes that train one run together, as torchrun starts them; here on the CPU."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_xct_crack.budget import Budget
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.devices import device_named
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.methods import Method
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.methods.semisynthetic import SemiSynthetic
from napari_xct_crack.networks.unet256 import UNet256
from napari_xct_crack.phantom import PhantomSettings, make
from napari_xct_crack.prepare import prepare
from napari_xct_crack.records import read_tensors
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import train

TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
CHILD = """
import sys
from pathlib import Path

from napari_xct_crack import processes
from napari_xct_crack.budget import Budget
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.prepare import prepare
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import train

scan = prepare(read(sys.argv[1]))
with processes.together():
    for path in map(Path, sys.argv[2:]):
        with processes.leader_first():
            run = Run.create(path.with_suffix(""), TrainSettings.model_validate_json(path.read_text()), scan)
        finish(train(run, Budget(epochs=1), "cpu"))
"""
METHODS = (SemiSynthetic(), CycleGan(discriminator_width=4, history=0, gradient_penalty=0.1))


def _settings(method: Method, batch: int) -> TrainSettings:
    """Norms of single images, as those of a batch are each process's own."""
    network, cracks = UNet256(width=4), SheetCracks(count=(3, 6))
    return TrainSettings(
        method=method, network=network, cracks=cracks, slices=3, batch=batch, reviews=1, steps_per_epoch=4
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom, and for each method a run of two processes."""
    folder = tmp_path_factory.mktemp("together")
    finish(make(PhantomSettings(condition="clean", shape=(6, 256, 256), prevalence=4), folder / "phantom"))
    paths = [folder / f"{method.kind}.json" for method in METHODS]
    for path, method in zip(paths, METHODS, strict=True):
        path.write_text(_settings(method, 1).model_dump_json())
    (folder / "child.py").write_text(CHILD)
    words = [*TOGETHER, str(folder / "child.py"), str(folder / "phantom" / "scan.ome.zarr"), *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def _rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.kind)
def test_two_processes_learn_as_one_with_twice_the_batch(folder: Path, tmp_path: Path, method: Method) -> None:
    scan = prepare(read(folder / "phantom" / "scan.ome.zarr"))
    finish(train(Run.create(tmp_path / "alone", _settings(method, 2), scan), Budget(epochs=1), "cpu"))
    alone, both = _rows(tmp_path / "alone"), _rows(folder / method.kind)
    assert [row["step"] for row in both] == [1, 2, 3, 4]
    assert both[0] == pytest.approx(alone[0], rel=1e-5, abs=1e-6)
    # later ones follow from the gradients and, after the second, from what the review doubts
    for one, other in zip(both[1:], alone[1:], strict=True):
        assert one == pytest.approx(other, rel=0.02, abs=0.005)
    kept = [read_tensors(run / "checkpoint.safetensors")[0] for run in (tmp_path / "alone", folder / method.kind)]
    assert kept[0].keys() == kept[1].keys()
    # Adam keeps means of the gradients: they are those of all patches
    moments = [torch.cat([v.flatten() for name, v in one.items() if name.endswith("exp_avg")]) for one in kept]
    assert float((moments[0] - moments[1]).norm()) < 0.003 * float(moments[0].norm())
    means = [name for name in kept[0] if name.startswith("modules/segmenter") and name.endswith("running_var")]
    assert means
    for name in means:
        np.testing.assert_allclose(kept[1][name], kept[0][name], rtol=0.05)


def test_stopping_saves_and_only_the_leading_process_speaks(folder: Path, tmp_path: Path) -> None:
    run, said = tmp_path / "run", tmp_path / "said.txt"
    words = [*TOGETHER, "-m", "napari_xct_crack", "train", str(folder / "phantom" / "scan.ome.zarr"), str(run)]
    words += ["--device", "cpu", "--batch", "1", "--slices", "1", "--network.width", "2", "--patches.size", "64"]
    words += ["--steps-per-epoch", "10"]
    with said.open("w") as log, subprocess.Popen([*words, "--epochs", "1000"], stderr=log, cwd=tmp_path) as child:
        while "step 10:" not in said.read_text():
            assert child.poll() is None, said.read_text()
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        child.wait(60)
    told = ("Training on cpu", "Stopping when this step is saved", "Stopped; the state is saved.")
    assert [said.read_text().count(text) for text in told] == [1, 1, 1], said.read_text()
    steps = len(_rows(run))
    assert steps >= 10
    epochs = steps // 10 + 1
    done = subprocess.run([*words, "--epochs", str(epochs)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"from step {steps}." in done.stderr
    assert done.stdout.split() == [str(run)]
    assert [row["step"] for row in _rows(run)] == list(range(1, 10 * epochs + 1))


def test_each_process_has_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    asked: list[str] = []
    monkeypatch.setattr("torch.empty", lambda _, device: asked.append(str(device)))
    for name, value in (("TORCHELASTIC_RUN_ID", "a"), ("WORLD_SIZE", "4"), ("RANK", "7"), ("LOCAL_RANK", "3")):
        monkeypatch.setenv(name, value)
    assert str(device_named("auto")) == str(device_named("cuda")) == "cuda:3"
    assert str(device_named("cpu")) == "cpu"
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    assert str(device_named("auto")) == "cuda"
