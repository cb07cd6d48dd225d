"""What every crack generator keeps, and the laws of the single ones."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.cracks._columns import fill, sow, sprout
from napari_xct_crack.cracks._masks import build
from napari_xct_crack.cracks._surface import TILE, Sheet, carve, surface
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.cracks.mixture import Mixture
from napari_xct_crack.cracks.random import RandomCracks, expected_length
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.errors import SettingsError
from napari_xct_crack.events import finish
from napari_xct_crack.settings import Length

KINDS = sorted(CrackGenerator.kinds())
LENGTHS = {
    kind: [
        name
        for name, info in CrackGenerator.named(kind).model_fields.items()
        if isinstance(info.default, Length) and info.default.value > 1
    ]
    for kind in KINDS
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library of masks, which one generator cannot do without."""
    folder = tmp_path_factory.mktemp("library")
    for seed in range(3):
        mask = RandomCracks(count=(1, 2)).draw((1, 150, 200), np.random.default_rng(seed)).target[0]
        Image.fromarray(mask).save(folder / f"{seed}.png")
    finish(build(folder, folder / "cracks.safetensors"))
    return folder / "cracks.safetensors"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), depth=st.sampled_from([1, 5]))
def test_every_generator_draws_valid_repeatable_cracks(library: Path, kind: str, seed: int, depth: int) -> None:
    generator = CrackGenerator.named(kind).checked({"path": library} if kind == "library" else {})
    drawn = generator.draw((depth, 96, 128), np.random.default_rng(seed))
    again = generator.draw((depth, 96, 128), np.random.default_rng(seed))
    assert drawn.coverage.shape == drawn.target.shape == (depth, 96, 128)
    assert drawn.coverage.dtype == np.float32
    assert drawn.target.dtype == np.bool_
    assert 0 <= drawn.coverage.min() <= drawn.coverage.max() <= 1
    assert drawn.target[drawn.coverage >= 0.5].mean() > 0.99 if (drawn.coverage >= 0.5).any() else True
    np.testing.assert_array_equal(drawn.coverage, again.coverage)
    np.testing.assert_array_equal(drawn.target, again.target)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if LENGTHS[kind]])
def test_micrometres_need_a_voxel_size(kind: str) -> None:
    cls = CrackGenerator.named(kind)
    generator = cls(**{LENGTHS[kind][0]: "2um"})
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        [generator.draw((1, 64, 64), np.random.default_rng(seed)) for seed in range(20)]
    generator.draw((1, 64, 64), np.random.default_rng(0), (0.7, 0.7, 0.7))


@pytest.mark.parametrize("decay", [0.01, 0.05])
@pytest.mark.parametrize("end", [1.0, 0.5])
def test_length_of_random_cracks_follows_its_law(decay: float, end: float) -> None:
    generator = RandomCracks(decay=decay, decay_min=decay, t_min=4, t_max=4, t_end=end)
    rng = np.random.default_rng(1)
    columns = [(len(generator.crack(4000, rng)[1]) - 1) / 2 for _ in range(2000)]
    assert np.mean(columns) == pytest.approx(expected_length(4, decay, end), rel=0.05)


def test_wander_of_random_cracks_is_a_random_walk() -> None:
    generator = RandomCracks(decay=0.001, decay_min=0.001, smoothness=0.7, smoothness_min=0.7, t_min=9, t_max=9)
    rng = np.random.default_rng(2)
    ends = []
    for _ in range(2000):
        centre, _, start = generator.crack(4000, rng)
        ends.append(centre[start + 100] - centre[start])
    assert np.std(ends) == pytest.approx(0.7 * 10, rel=0.05)


@pytest.mark.parametrize("smoothness", [0.3, 1.0, 3.0])
def test_one_random_crack_is_one_object(smoothness: float) -> None:
    law = RandomCracks(smoothness=smoothness, smoothness_min=smoothness, t_min=2, t_end=0.31)._law(None)
    seen = 0
    for seed in range(40):
        coverage, target = np.zeros((1, 800, 800), np.float32), np.zeros((1, 800, 800), np.bool_)
        # from a start in the middle, so that no edge cuts a crack in two
        counts = (1, 0) if seed % 2 else (0, 1)
        sow(np.random.default_rng(seed), coverage, target, counts, law, -300.0, 0.01 * seed, 0.0)
        count = ndimage.label(target[0], np.ones((3, 3)))[1]
        touches = target[0, [0, -1]].any() or target[0, :, [0, -1]].any()
        assert count == 1 or touches
        seen += not touches
    assert seen > 20


def test_a_crack_that_leaves_the_canvas_does_not_come_back() -> None:
    coverage, target = np.zeros((60, 90), np.float32), np.zeros((60, 90), np.bool_)
    fill(coverage, target, np.zeros(81), np.full(81, 3.0), 40, (1.0, 2.0), (0.0, 1.0), (1.0, 0.0))
    assert coverage[:4, :42].sum() > 100
    assert coverage[4:].max() == 0
    assert coverage[:, 44:].max() == 0
    assert not target[4:].any()
    assert not target[:, 44:].any()


@pytest.mark.parametrize("smoothness", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("rotated", [0.0, 1.0])
def test_columns_of_random_cracks_add_their_thickness(smoothness: float, rotated: float) -> None:
    generator = RandomCracks(
        smoothness=smoothness, smoothness_min=smoothness, decay=0.3, decay_min=0.3, t_min=2, t_max=2, rotated=rotated
    )
    law, sums, wanted = generator._law(None), [], []
    for seed in range(60):
        centre, thickness, first = sprout(np.random.default_rng(seed), law, 100, 100)
        coverage, target = np.zeros((200, 200), np.float32), np.zeros((200, 200), np.bool_)
        turn = np.radians(25.0) * rotated
        along, across = (-np.sin(turn), np.cos(turn)), (np.cos(turn), np.sin(turn))
        fill(coverage, target, centre, thickness, first, (100.3, 99.8), along, across)
        sums.append(coverage.sum())
        wanted.append(thickness.sum())
        line = thickness >= 0.3
        assert ndimage.label(target, np.ones((3, 3)))[1] <= 1 + (~line).sum()
    assert np.sum(sums) == pytest.approx(np.sum(wanted), rel=0.03)


def test_the_captions_pair_gives_stubs() -> None:
    generator = RandomCracks(
        decay=1.0, decay_min=1.0, smoothness=0.01, smoothness_min=0.01, t_min=1, t_max=9, t_end=0.5
    )
    rng = np.random.default_rng(3)
    lengths = [len(generator.crack(256, rng)[1]) for _ in range(500)]
    assert 1 <= np.mean(lengths) < 8
    assert "stubs" in generator.warnings()[0]
    assert "stubs" in Mixture(first=SheetCracks(), second=generator).warnings()[0]
    assert not RandomCracks().warnings()
    assert not RandomCracks(t_max="2um").warnings()
    assert not RandomCracks(t_min="1um").warnings()


@pytest.mark.parametrize("kind", [SheetCracks, RandomCracks, GrainCracks])
def test_a_tiny_canvas_is_one_sentence(kind: type[CrackGenerator]) -> None:
    with pytest.raises(SettingsError, match="at least 16"):
        kind.checked({"canvas": "0.5"}).draw((1, 64, 64), np.random.default_rng(0))


@pytest.mark.parametrize("kind", [SheetCracks, RandomCracks, GrainCracks])
def test_with_a_canvas_patches_of_all_sizes_are_as_densely_cracked(kind: type[CrackGenerator]) -> None:
    """What is drawn a voxel differs by less than 15 % between patches whose areas differ by 16 times."""
    values = {"canvas": "64"} if kind is RandomCracks else {"canvas": "64", "radius_max": "24", "aperture_max": "0.6"}
    generator = kind.checked(values)
    void = []
    for side, draws in ((32, 1600), (64, 400), (128, 100)):
        stacks = (generator.draw((3, side, side), np.random.default_rng((side, n))) for n in range(draws))
        void.append(np.mean([drawn.coverage.mean() for drawn in stacks]))
    assert max(void) < 1.15 * min(void), void
    without = kind.checked(values | {"canvas": "0"})
    dense = np.mean([without.draw((3, 32, 32), np.random.default_rng(n)).coverage.mean() for n in range(400)])
    assert dense > 1.3 * void[0]


def _flat_sheet(aperture: float, normal: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> Sheet:
    return Sheet((20.0, 40.3, 40.37), normal, 200.0, aperture, 1e-9, 0.0, 0.7, 0, (0.0, 0.0), ())


@pytest.mark.parametrize("aperture", [0.1, 0.35, 0.8, 1.7, 3.0])
@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (0.0, 0.6, 0.8), (0.3, 0.5, 0.81)])
def test_coverage_integrates_to_the_aperture(aperture: float, normal: tuple[float, float, float]) -> None:
    shape = (41, 81, 81)
    coverage, target = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    opening, ids = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    carve(_flat_sheet(aperture, normal), coverage, target, opening, ids, 7)
    unit = np.asarray(normal) / np.linalg.norm(normal)
    across = coverage[20, 20:60].sum(axis=1) * unit[2]
    assert across.mean() == pytest.approx(aperture, rel=0.02)
    assert set(np.unique(ids)) <= {0, 7}
    assert target.any() == (aperture >= 0.3)


def test_centre_line_of_a_sheet_is_connected_in_every_slice() -> None:
    shape = (9, 160, 160)
    sheet = Sheet((4.0, 80.0, 80.0), (0.1, 0.7, 0.7), 60.0, 0.6, 0.25, 3.0, 0.7, 2, (31.0, 17.0), ())
    arrays = (
        np.zeros(shape, np.float32),
        np.zeros(shape, np.bool_),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int32),
    )
    carve(sheet, *arrays, 1)
    for plane in arrays[1]:
        sizes = np.bincount(ndimage.label(plane, np.ones((3, 3)))[0].ravel())[1:]
        assert sizes.max() >= 0.95 * sizes.sum()


def test_surfaces_are_periodic_with_unit_variance() -> None:
    tile = surface(0.7, 4)
    assert tile.shape == (TILE, TILE)
    assert tile.std() == pytest.approx(1, rel=1e-3)
    seam = np.abs(tile[0] - tile[-1]).mean()
    assert seam < 2 * np.abs(np.diff(tile, axis=0)).mean()


def test_sheet_cracks_continue_over_slices() -> None:
    generator = SheetCracks(count=(6, 6), tilt=10)
    drawn = generator.draw((9, 128, 128), np.random.default_rng(5))
    near = ndimage.binary_dilation(drawn.target[3], iterations=3)
    assert drawn.target[4].any()
    assert near[drawn.target[4]].mean() > 0.9
