"""The commands train, phantom and cracks, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_xct_crack import commands, presets
from napari_xct_crack.cli import main
from napari_xct_crack.commands._arguments import arguments
from napari_xct_crack.commands._parse import parse
from napari_xct_crack.commands.cracks import contact_sheet
from napari_xct_crack.commands.train import Train
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.networks.halved import Halved

SMALL = ["--preset", "quick", "--patches.size", "64", "--batch", "2", "--steps-per-epoch", "2", "--slices", "3"]


def train(*tokens: str) -> Train:
    result = parse(Train, ["scan", "run", *tokens])
    assert result is not None
    assert isinstance(result.command, Train)
    return result.command


def test_a_preset_with_another_method_and_a_budget():
    command = train("--preset", "quick", "--method.kind", "cyclegan", "--minutes", "1")
    assert command.method == CycleGan()
    assert isinstance(command.network, Halved)
    assert (command.minutes, command.epochs, command.slices) == (1, None, presets.load("quick")["slices"])


def test_a_preset_with_one_value_of_its_kind_changed():
    command = train("--preset", "gpu", "--cracks.bridged", "0.02")
    assert command.cracks == SheetCracks(bridged=0.02)
    assert command.network.kind == "unet256"


def test_a_budget_takes_the_place_of_the_presets():
    assert presets.load("gpu")["epochs"]
    command = train("--preset", "gpu", "--minutes", "1")
    assert (command.minutes, command.epochs) == (1, None)
    command = train("--preset", "quick", "--epochs", "3")
    assert (command.minutes, command.epochs) == (None, 3)
    assert parse(Train, arguments(command)).command == command


def test_both_budgets_are_refused(capsys):
    assert main(["train", "scan", "run", "--minutes", "1", "--epochs", "1"]) == 2
    assert "minutes or epochs, not both" in capsys.readouterr().err


def test_the_default_preset_follows_the_device(monkeypatch):
    for there, preset in ((True, "gpu"), (False, "quick")):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        assert train().preset == preset
    assert train("--preset", "none").preset is None
    assert train("--preset", "none").minutes is None


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_settings_of_train_and_survives_the_round_trip(name: str):
    command = train("--preset", name)
    assert parse(Train, arguments(command)).command == command
    assert arguments(command) == ["scan", "run", "--preset", name]


@settings(max_examples=25, deadline=None)
@given(
    preset=st.sampled_from([*presets.names(), None]),
    cracks=st.builds(RandomCracks, decay=st.floats(0.001, 1), border=st.booleans()) | st.none(),
    budget=st.sampled_from([{}, {"minutes": 2.5}, {"epochs": 7}]),
    window=st.none() | st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
)
def test_any_training_survives_the_round_trip(preset, cracks, budget, window):
    start = train("--preset", preset or "none", *(f"--{name}={value}" for name, value in budget.items()))
    changed = {"window": window} | ({"cracks": cracks} if cracks else {})
    command = start.model_copy(update=changed)
    assert parse(Train, arguments(command)).command == command


def test_phantom_train_and_go_on(tmp_path: Path, capsys):
    scan, run = str(tmp_path / "scan.ome.zarr"), str(tmp_path / "run")
    assert main(["phantom", str(tmp_path), "--shape", "12", "128", "128", "--condition", "clean"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}\n"
    assert main(["train", scan, run, *SMALL, "--epochs", "1"]) == 0
    told = capsys.readouterr()
    assert told.out == f"{run}\n"
    assert told.err.splitlines()[0].startswith("Training by preset quick")
    assert main(["train", scan, run, *SMALL, "--epochs", "2", "--events", "jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["step"] for event in events if event["event"] == "StepDone"] == [3, 4]
    assert main(["train", scan, run, *SMALL, "--epochs", "2", "--seed", "1"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert main(["train", scan, run, *SMALL, "--epochs", "1", "--seed", "1", "--overwrite"]) == 0
    capsys.readouterr()
    assert main(["train", scan, str(tmp_path), *SMALL, "--overwrite"]) == 2
    assert "is not a training run" in capsys.readouterr().err
    assert (tmp_path / "scan.ome.zarr").exists()


@pytest.mark.parametrize("kind", ["random", "sheet"])
def test_cracks_as_picture_stack_and_arrays(tmp_path: Path, kind: str):
    words = ["--cracks.kind", kind, "--count", "3", "--size", "64", "48", "--seed", "5"]
    for name in ("c.png", "c.tif", "c.npz"):
        assert main(["cracks", str(tmp_path / name), *words, "--slices", "2"]) == 0
    stack = tifffile.imread(tmp_path / "c.tif")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as arrays:
        target, coverage = arrays["target"], arrays["coverage"]
        assert json.loads(str(arrays["settings"]))["kind"] == kind
    assert target.shape == coverage.shape == (3, 2, 64, 48)
    assert np.array_equal(stack, target.reshape(6, 64, 48) * np.uint8(255))
    sheet = np.asarray(Image.open(tmp_path / "c.png"))
    assert np.array_equal(sheet, contact_sheet([patch[1] for patch in target]))


def test_cracks_are_never_overwritten_unasked(tmp_path: Path, capsys):
    out = tmp_path / "c.png"
    out.write_bytes(b"mine")
    assert main(["cracks", str(out), "--count", "1"]) == 2
    assert out.read_bytes() == b"mine"
    assert main(["cracks", str(out), "--count", "1", "--overwrite"]) == 0
    assert main(["cracks", str(tmp_path / "c.jpg")]) == 2
    assert ".png, .tif, .tiff, .npz" in capsys.readouterr().err
    assert main(["cracks", str(tmp_path / "d.png"), "--cracks.kind", "random", "--cracks.t-max", "3um"]) == 2
    assert "--voxel-size-um" in capsys.readouterr().err


def test_a_contact_sheet_holds_every_mask_once():
    masks = [np.full((4, 6), number % 2 == 0) for number in range(5)]
    sheet = contact_sheet(masks)
    assert (sheet == 255).sum() == 3 * 24
    assert (sheet == 0).sum() == 2 * 24


def test_every_command_helps_itself(capsys):
    for name in commands.names():
        assert commands.summary(name).endswith(".")
        assert main([name, "--help"]) == 0
        assert f"xct-crack {name}" in capsys.readouterr().out
