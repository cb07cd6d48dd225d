"""Realism and calibration: sheets found by plates, their statistics, sentences and the settings that follow."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.appearance import measure_noise
from napari_xct_crack.cli import main
from napari_xct_crack.commands._parse import parse
from napari_xct_crack.commands.train import Train
from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks._area import area_of, weighted_median
from napari_xct_crack.cracks._carved import carved
from napari_xct_crack.cracks._surface import Sheet
from napari_xct_crack.cracks.fractal import FractalCracks
from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import SettingsError
from napari_xct_crack.events import finish
from napari_xct_crack.io import ome_zarr
from napari_xct_crack.prepare import prepare
from napari_xct_crack.realism import Calibration, Realism, calibrate, realism
from napari_xct_crack.realism._block import blocks
from napari_xct_crack.realism._drawn import drawing
from napari_xct_crack.realism._plates import Plates, find
from napari_xct_crack.realism._words import sentence
from napari_xct_crack.realism.pictures import picture
from napari_xct_crack.render import margin, missing
from napari_xct_crack.settings import Length
from napari_xct_crack.volume import Volume

SHAPE = (28, 112, 112)
METAL, AIR = 36000.0, 9000.0


def one_sheet(aperture: float, radius: float = 30.0) -> Sheet:
    return Sheet(
        centre=(14, 56, 56), normal=(0.2, 1, 0.3), radius=radius, aperture=aperture, blunting=0.0, roughness=0.0,
        hurst=0.7, tile=0, shift=(0, 0), front=(),
    )  # fmt: skip


def scan_of(*sheets: Sheet, noise: float = 0.1, voxel_size: tuple[float, float, float] | None = None) -> Volume:
    """Metal everywhere but for a band of air, with those sheets in it."""
    rng = np.random.default_rng(5)
    pad = margin(1.1)
    shape = (SHAPE[0] + 2 * pad, *SHAPE[1:])
    shifted = [Sheet(**{**vars(s), "centre": (s.centre[0] + pad, *s.centre[1:])}) for s in sheets]
    void = carved(shifted, shape).coverage
    void[:, :, :12] = 1
    share = missing(void, 1.1) + noise * rng.standard_normal(SHAPE)
    part = np.ones(SHAPE, np.uint8)
    part[:, :, :12] = 0
    grey = np.clip(METAL - (METAL - AIR) * share, 1, 65535).astype(np.uint16)
    return prepare(Volume.from_array(grey, voxel_size=voxel_size), part=Volume.from_array(part, role="mask"))


@pytest.fixture(scope="module")
def calibrated() -> Calibration:
    return finish(calibrate(scan_of(one_sheet(1.0)), SheetCracks(tilt=10), seed=1))


def test_the_area_of_a_sheet_is_that_of_its_disc_and_its_void_is_what_is_carved() -> None:
    sheet = one_sheet(0.8, radius=12.0)
    found = area_of([sheet], SHAPE)
    assert found.area.sum() == pytest.approx(np.pi * 12**2, rel=0.02)
    void = carved([sheet], SHAPE).coverage.sum()
    assert (found.area * found.aperture).sum() == pytest.approx(void, rel=0.03)
    assert area_of([sheet], SHAPE, pieces=6).area.sum() == pytest.approx(np.pi * 12**2, rel=0.05)
    assert weighted_median(found.aperture, found.area) == pytest.approx(0.8)


def test_bridges_close_as_much_area_as_void() -> None:
    whole = one_sheet(0.8, radius=25.0)
    bridged = Sheet(**{**vars(whole), "bridging": 0.4})
    area = [area_of([sheet], SHAPE).area.sum() for sheet in (whole, bridged)]
    void = [carved([sheet], SHAPE).coverage.sum() for sheet in (whole, bridged)]
    assert area[1] < 0.95 * area[0]
    assert area[1] / area[0] == pytest.approx(void[1] / void[0], abs=0.04)


@pytest.mark.parametrize("aperture", [0.5, 1.0, 2.0])
def test_plates_measure_area_and_opening_of_an_even_sheet(aperture: float) -> None:
    rng = np.random.default_rng(2)
    pad = margin(1.1)
    larger = (SHAPE[0] + 2 * pad, *SHAPE[1:])
    sheet = Sheet(**{**vars(one_sheet(aperture)), "centre": (14 + pad, 56, 56)})
    noise = 0.03 * rng.standard_normal(SHAPE, dtype=np.float32)
    inside = np.ones(SHAPE, bool)
    plates = Plates(measure_noise(noise, inside), 1.1)
    found = find(noise + missing(carved([sheet], larger).coverage, 1.1), inside, plates)
    truth = area_of([one_sheet(aperture)], SHAPE).area.sum()
    assert found.count == 1
    assert found.area.sum() == pytest.approx(truth, rel=0.2)
    assert weighted_median(plates.opening(found.response), found.area) == pytest.approx(aperture, rel=0.2)
    upright = np.abs(found.normal.T @ np.array([0.2, 1, 0.3]) / np.linalg.norm([0.2, 1, 0.3]))
    assert np.median(upright) > 0.95


def test_plates_find_nothing_in_noise() -> None:
    noise = 0.1 * np.random.default_rng(3).standard_normal(SHAPE, dtype=np.float32)
    inside = np.ones(SHAPE, bool)
    assert find(noise, inside, Plates(measure_noise(noise, inside), 1.1)).count == 0


def test_a_faint_sheet_that_noise_breaks_into_pieces_is_no_row_of_pores() -> None:
    sheet = one_sheet(0.5, radius=40.0)
    truth = area_of([sheet], SHAPE).area.sum()
    found = blocks(scan_of(sheet, noise=0.4))[0].ridges()
    assert found.area.sum() == pytest.approx(truth, rel=0.25)


def test_a_pore_in_noise_is_no_sheet() -> None:
    scan = scan_of(noise=0.3)
    grey = scan.read().astype(float)
    distance = np.linalg.norm(np.indices(SHAPE) - np.array([14, 60, 60])[:, None, None, None], axis=0)
    grey -= (METAL - AIR) * ndimage.gaussian_filter((distance < 5).astype(float), 1.1)
    pored = Volume.from_array(np.clip(grey, 1, 65535).astype(np.uint16))
    assert scan.part is not None
    assert blocks(prepare(pored, part=scan.part))[0].ridges().count == 0


def test_calibration_finds_the_opening_and_the_area_of_one_crack(calibrated: Calibration) -> None:
    generator = calibrated.generator
    assert isinstance(generator, SheetCracks)
    truth = area_of([one_sheet(1.0)], SHAPE).area.sum() / (SHAPE[0] * SHAPE[1] * (SHAPE[2] - 12))
    assert calibrated.density == pytest.approx(truth, rel=0.5)
    assert calibrated.aperture == pytest.approx(1.0, rel=0.5)
    drawn = drawing(generator, calibrated.stack, None)
    low, high = generator.aperture_min.value, generator.aperture_max.value
    density = drawn.density(low, high, calibrated.limit) * sum(generator.count) / 2
    # the number of cracks is whole
    assert density == pytest.approx(calibrated.density, abs=0.51 * drawn.density(low, high, calibrated.limit))
    assert drawn.median(low, high, calibrated.limit) == pytest.approx(calibrated.aperture, rel=0.1)
    assert "aperture_max" in calibrated.sentences[1]
    assert (generator.canvas, calibrated.stack[1:]) == (Length(256), (256, 256))


def test_without_cracks_it_says_that_nothing_was_determined() -> None:
    found = finish(calibrate(scan_of(), SheetCracks()))
    assert found.density is None
    assert "not determined" in found.sentences[0]
    assert isinstance(found.generator, SheetCracks)
    assert found.generator.aperture_max.value == pytest.approx(found.limit, rel=0.01)
    assert found.generator.count == SheetCracks().count


def test_random_cracks_are_set_too_and_others_are_refused() -> None:
    found = finish(calibrate(scan_of(one_sheet(1.0)), RandomCracks()))
    assert isinstance(found.generator, RandomCracks)
    assert found.generator != RandomCracks()
    with pytest.raises(SettingsError, match="fractal"):
        finish(calibrate(scan_of(), FractalCracks()))


def test_the_record_is_settings_of_train(calibrated: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "cracks.json"
    path.write_text(json.dumps(calibrated.record()))
    given = parse(Train, ["scan", "run", "--preset", "quick", "--settings", str(path)])
    assert given is not None
    assert isinstance(given.command, Train)
    assert given.command.cracks == calibrated.generator


def test_realism_tells_that_rendered_cracks_are_too_many() -> None:
    found = finish(realism(scan_of(one_sheet(1.0), voxel_size=(2, 2, 2)), SheetCracks(count=(40, 40)), seed=3))
    assert isinstance(found, Realism)
    rows = {row.name: row for row in found.rows}
    coverage = rows["coverage"]
    assert coverage.unit == "1/µm"
    assert coverage.off
    assert any("denser" in sentence and "lower count" in sentence for sentence in found.sentences)
    assert rows["noise"].scan == pytest.approx(10, rel=0.15)
    assert not rows["noise"].off
    assert "| coverage, 1/µm |" in found.table()
    assert picture(found).startswith(b"\x89PNG")
    assert all(len(plot.x) == len(plot.scan) == len(plot.rendered) for plot in found.plots)


@pytest.mark.parametrize(
    ("name", "ratio", "generator", "said"),
    [
        ("width", 2.1, SheetCracks(), "2.1× wider than the scan's: lower aperture_max to 1.5um"),
        ("opening", 0.5, RandomCracks(t_max=Length(2.0)), "2.0× less open than the scan's: raise t_max to 2.8um"),
        ("length", 2.0, RandomCracks(decay=0.05), "2.0× longer than the scan's: raise decay to 0.1"),
        ("lean", 2.0, FractalCracks(), "try another"),
        ("noise", 2.0, SheetCracks(), "noise is 2.0× above"),
    ],
)
def test_sentences_name_the_setting(name: str, ratio: float, generator: CrackGenerator, said: str) -> None:
    assert said in sentence(name, ratio, generator, (0.7, 0.7, 0.7))


def test_the_command_writes_settings_table_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = scan_of(one_sheet(1.0))
    store = ome_zarr.write(tmp_path / "scan.ome.zarr", scan.read(), role="image", voxel_size=(1.0, 1.0, 1.0))
    assert scan.part is not None
    ome_zarr.write(tmp_path / "part.ome.zarr", scan.part.read(), role="mask", voxel_size=(1.0, 1.0, 1.0))
    out = tmp_path / "set" / "cracks.json"
    words = ["realism", str(store.source), "--part", str(tmp_path / "part.ome.zarr"), "--calibrate", str(out)]
    words += ["--out", str(tmp_path / "table")]
    assert main(words) == 0
    assert "| coverage, 1/µm |" in capsys.readouterr().out
    assert json.loads(out.read_text())["cracks"]["kind"] == "sheet"
    assert (tmp_path / "table" / "realism.md").read_text().startswith("| statistic |")
    assert (
        main(
            [
                "cracks",
                str(tmp_path / "sheet.png"),
                "--settings",
                str(out),
                "--count",
                "4",
                "--voxel-size-um",
                "1",
                "1",
                "1",
            ]
        )
        == 0
    )
    assert main(words) == 2


def test_the_benchmark_measures_a_small_phantom() -> None:
    path = Path(__file__).parents[1] / "benchmarks" / "realism.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_realism", path)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)

    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    result = benchmark.measure("clean", 3.0, 4, (24, 128, 128))
    assert result.density == pytest.approx(result.true_density, rel=0.5)
    assert result.aperture == pytest.approx(result.true_aperture, rel=0.5)
    assert "| clean | 3 | 1 of 1 |" in benchmark.row("clean", 3.0, [result])
