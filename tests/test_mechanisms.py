"""Crack generators by mechanism: every one draws, and where it stands among preset, settings file and flags."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_xct_crack import presets
from napari_xct_crack.commands._arguments import arguments
from napari_xct_crack.commands._parse import parse
from napari_xct_crack.commands.cracks import Cracks
from napari_xct_crack.commands.train import Train
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import SettingsError


def read(command: Any, *tokens: str) -> Any:
    result = parse(command, [*(["scan", "run"] if command is Train else ["out.png"]), *tokens])
    assert result is not None
    return result.command


def test_the_mechanisms_that_superalloys_crack_by() -> None:
    assert presets.mechanisms() == ["ductility-dip", "liquation", "solidification", "strain-age"]
    assert not set(presets.mechanisms()) & set(presets.names())
    with pytest.raises(SettingsError, match="no mechanism 'fatigue'; there are ductility-dip, liquation"):
        presets.mechanism("fatigue")


@pytest.mark.parametrize("name", presets.mechanisms())
def test_every_mechanism_draws_cracks_and_survives_the_round_trip(name: str) -> None:
    command = read(Cracks, "--mechanism", name)
    assert command.cracks == type(command.cracks).checked(presets.mechanism(name))
    assert command.cracks != type(command.cracks)()
    assert any(command.cracks.draw((3, 96, 96), np.random.default_rng(seed)).target.any() for seed in range(5))
    assert arguments(command) == ["out.png", "--mechanism", name]
    assert read(Cracks, *arguments(command)[1:]) == command


def test_solidification_cracks_are_blunt_and_bridged_and_the_others_intergranular() -> None:
    solidification = read(Cracks, "--mechanism", "solidification").cracks
    sheets = [solidification.sheet((5, 64, 64), np.random.default_rng(seed)) for seed in range(20)]
    assert all(sheet.blunting == 0.25 and sheet.bridging > 0 for sheet in sheets)
    for name in ("liquation", "ductility-dip", "strain-age"):
        assert isinstance(read(Cracks, "--mechanism", name).cracks, GrainCracks)


def test_later_wins_preset_mechanism_settings_file_flags(tmp_path: Path) -> None:
    assert read(Train, "--preset", "gpu").cracks.kind == "sheet"
    given = ["--preset", "gpu", "--mechanism", "liquation"]
    assert read(Train, *given).cracks == GrainCracks.checked(presets.mechanism("liquation"))
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"cracks": {"bias": 0.9, "elongation": 3.0}}))
    cracks = read(Train, *given, "--settings", str(file), "--cracks.bias", "0.1").cracks
    assert (cracks.bias, cracks.elongation, cracks.aperture_law) == (0.1, 3.0, "wedge")
    file.write_text(json.dumps({"mechanism": "liquation", "preset": "quick"}))
    assert read(Train, "--settings", str(file)).mechanism == "liquation"
    assert read(Train, "--settings", str(file), "--mechanism", "none").cracks == SheetCracks()
    assert read(Train, *given, "--cracks.kind", "sheet").cracks == SheetCracks()


def test_a_changed_mechanism_survives_the_round_trip() -> None:
    for tokens in (["--cracks.bias", "0.1"], ["--cracks.kind", "random", "--cracks.decay", "0.02"]):
        command = read(Train, "--preset", "quick", "--mechanism", "strain-age", *tokens)
        assert read(Train, *arguments(command)[2:]) == command


def test_an_unknown_mechanism_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="no mechanism 'fatigue'"):
        read(Cracks, "--mechanism", "fatigue")
