"""Mixtures of generators, also on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.cli import main
from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks.fractal import FractalCracks
from napari_xct_crack.cracks.mixture import Mixture
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import InputError, SettingsError
from napari_xct_crack.settings import Length, in_unit

SHAPE = (1, 64, 64)
THIN = RandomCracks(count=(2, 2), border=False)
WIDE = FractalCracks(canvas="64", thickness="16", warp=0)


def _drawn(mixture: Mixture, count: int = 400) -> list[np.ndarray]:
    return [mixture.draw(SHAPE, np.random.default_rng(seed)).coverage for seed in range(count)]


def test_shares_are_those_asked_for() -> None:
    patches = _drawn(Mixture(first=THIN, second=WIDE, share=0.25, empty=0.3))
    empty = np.mean([not patch.any() for patch in patches])
    wide = np.mean([patch.mean() > 0.15 for patch in patches]) / (1 - empty)
    assert empty == pytest.approx(0.3, abs=0.07)
    assert wide == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize(("share", "which"), [(0.0, THIN), (1.0, WIDE)])
def test_one_generator_alone_is_that_generator(share: float, which: RandomCracks | FractalCracks) -> None:
    mixture = Mixture(first=THIN, second=WIDE, share=share, empty=0)
    rng = np.random.default_rng(3)
    rng.random(2)
    np.testing.assert_array_equal(
        mixture.draw(SHAPE, np.random.default_rng(3)).coverage, which.draw(SHAPE, rng).coverage
    )


def test_all_empty() -> None:
    assert not any(patch.any() for patch in _drawn(Mixture(empty=1), 20))


def test_the_warp_works_on_any_generator() -> None:
    still, bent = Mixture(first=THIN, share=0, empty=0), Mixture(first=THIN, share=0, empty=0, warp=1)
    one, other = (mixture.draw(SHAPE, np.random.default_rng(1)) for mixture in (still, bent))
    assert other.target.any()
    assert (one.target != other.target).any()


def test_lengths_of_the_parts_reach_them() -> None:
    mixture = Mixture(first=SheetCracks(aperture_max=Length(2, "um")), share=0, empty=0)
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        _drawn(mixture, 20)


def test_a_mixture_of_mixtures_survives_json() -> None:
    mixture = Mixture(first=Mixture(first=WIDE, share=0.1), second=THIN)
    assert Mixture.model_validate_json(mixture.model_dump_json()) == mixture


@pytest.mark.parametrize("last", [False, True])
def test_the_command_line_takes_nested_kinds_in_any_order(tmp_path: Path, last: bool) -> None:
    out = tmp_path / "cracks.npz"
    outer = ["--cracks.kind", "mixture"]
    inner = ["--cracks.second.kind", "fractal", "--cracks.second.depth", "3", "3", "--cracks.first.kind", "random"]
    words = inner + outer if last else outer + inner
    assert main(["cracks", str(out), *words, "--cracks.empty", "0.5", "--count", "6", "--size", "64", "64"]) == 0
    with np.load(out, allow_pickle=False) as file:
        told = json.loads(str(file["settings"]))
    assert told["kind"] == "mixture"
    assert told["empty"] == 0.5
    assert told["first"]["kind"] == "random"
    assert told["second"]["kind"] == "fractal"
    assert told["second"]["depth"] == [3, 3]


def test_many_generators_get_their_weights() -> None:
    third = SheetCracks(count=(1, 1))
    mixture = Mixture.of([(THIN, 3), (WIDE, 1), (third, 4)], empty=0.2)
    assert [generator for generator, _ in mixture.parts] == [THIN, WIDE, third]
    assert [share for _, share in mixture.parts] == pytest.approx([3 / 8, 1 / 8, 4 / 8])
    assert Mixture.of(mixture.parts, empty=0.2).parts == mixture.parts
    assert Mixture.of([(THIN, 2)]).parts == [(THIN, 1.0)]
    assert Mixture.of([(THIN, 1), (WIDE, 0)]).parts == [(THIN, 1.0), (WIDE, 0.0)]
    with pytest.raises(SettingsError, match="above 0"):
        Mixture.of([(THIN, 0)])


def test_a_generator_is_saved_and_loaded(tmp_path: Path) -> None:
    path, mixture = tmp_path / "cracks.json", Mixture.of([(THIN, 1), (WIDE, 2)])
    mixture.save(path)
    assert CrackGenerator.load(path) == mixture
    path.write_text(mixture.model_dump_json())
    assert CrackGenerator.load(path) == mixture
    path.write_text('{"batch": 4}')
    with pytest.raises(InputError, match="holds no settings"):
        CrackGenerator.load(path)


def test_lengths_change_their_unit_everywhere() -> None:
    mixture = Mixture(first=SheetCracks(aperture_max=Length(4)), second=RandomCracks(t_max=Length(3, "um")))
    microns = in_unit(mixture, "um", (2.0, 0.5, 0.5))
    assert microns.first.aperture_max == Length(2, "um")
    assert microns.second.t_max == Length(3, "um")
    assert in_unit(microns, "voxel", (2.0, 0.5, 0.5)).second.t_max == Length(6)
