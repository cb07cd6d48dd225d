"""Cracks along grain boundaries: where they run, at both ends of the bias, and what one crack is."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, spatial

from napari_xct_crack.cracks._carved import Carved
from napari_xct_crack.cracks._grains import GrainCrack, Grains, crack_grains, grown
from napari_xct_crack.cracks._voronoi import PERIOD
from napari_xct_crack.cracks.grain import GrainCracks
from napari_xct_crack.errors import SettingsError

EIGHT, TWENTY_SIX = np.ones((3, 3)), np.ones((3, 3, 3))


def whole(generator: GrainCracks, seed: int, side: int = 80) -> tuple[Carved, GrainCrack, Grains]:
    """One crack that lies in the middle of a volume, with all of its front."""
    rng = np.random.default_rng(seed)
    grains = generator.grains(rng)
    crack = replace(generator.crack((1, 1, 1), rng, generator.tension(rng)), centre=(side / 2 + 0.3,) * 3)
    volume = Carved.empty((side, side, side))
    crack_grains(crack, grains, volume, 5)
    return volume, crack, grains


def seeds_of(grains: Grains, cells: int) -> np.ndarray:
    """All seeds of the first cells along each axis and of those one before, voxels."""
    index = np.stack(np.meshgrid(*[np.arange(-2, cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return (index + grains.seeds[tuple((index % PERIOD).T)]) * grains.cell


def small(**given: object) -> GrainCracks:
    values = {"radius_min": "15", "radius_max": "22", "aperture_min": "0.4", "aperture_max": "2", "grain_size": "9"}
    return GrainCracks.checked(values | given)


def test_cracks_follow_the_boundaries_of_voronoi_grains() -> None:
    for seed in range(4):
        volume, _, grains = whole(small(bias=0.0, aperture_max="0.5"), seed)
        distances = spatial.cKDTree(seeds_of(grains, 12)).query(np.argwhere(volume.target), k=2)[0]
        # a voxel nearest to a boundary is at most half a voxel's diagonal from it
        assert (distances[:, 1] - distances[:, 0]).max() <= 2 * np.sqrt(3) / 2


@pytest.mark.parametrize("bias", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("elongation", [1.0, 3.0])
def test_one_crack_is_one_object(bias: float, elongation: float) -> None:
    for seed in range(12):
        volume, crack, _ = whole(small(bias=bias, elongation=elongation), seed)
        labels, count = ndimage.label(volume.target, TWENTY_SIX)
        assert count == 1, (seed, np.bincount(labels.ravel())[1:])
        assert set(np.unique(volume.ids)) == {0, 5}
        assert volume.aperture.max() == pytest.approx(crack.aperture, rel=0.05)


@pytest.mark.parametrize("aperture", [0.1, 0.35, 0.8, 1.7, 3.0])
@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (0.3, 0.5, 0.81)])
def test_coverage_across_a_straight_crack_is_its_aperture(aperture: float, normal: tuple[float, float, float]) -> None:
    crack = GrainCrack((20.0, 40.3, 40.37), normal, 200.0, aperture, 1e-9, (), straight=1.0)
    volume = Carved.empty((41, 81, 81))
    crack_grains(crack, grown(np.random.default_rng(0), (12.0,) * 3), volume, 1)
    across = volume.coverage[20, 20:60].sum(axis=1) * normal[2] / np.linalg.norm(normal)
    assert across.mean() == pytest.approx(aperture, rel=0.02)
    assert volume.target.any() == (aperture >= 0.3)


def test_void_of_a_zigzag_is_aperture_times_area() -> None:
    """A crack that follows facets has more area than its plane, and its void is that area times the aperture."""
    volumes = []
    for aperture in (0.4, 0.8):
        crack = GrainCrack((40.0, 40.0, 40.0), (0.2, 0.4, 0.9), 25.0, aperture, 1e-9, ())
        volume = Carved.empty((81, 81, 81))
        crack_grains(crack, grown(np.random.default_rng(3), (14.0,) * 3), volume, 1)
        volumes.append(volume.coverage.sum() / aperture)
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05)
    assert 1.1 < volumes[0] / (np.pi * 25**2) < 2.5


def test_without_bias_no_direction_is_preferred() -> None:
    generator = GrainCracks(bias=0.0, stress=(0.0, 0.0, 1.0))
    rng = np.random.default_rng(1)
    normals = np.array([generator.crack((5, 64, 64), rng, (0.0, 0.0, 1.0)).normal for _ in range(3000)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    # mean of n nᵀ over a sphere is a third of the identity; three standard errors of 3,000 draws are 0.017
    assert np.abs(normals.T @ normals / len(normals) - np.eye(3) / 3).max() < 0.017
    turns = np.concatenate([_turns(generator, seed) for seed in range(40)])
    assert np.hypot(np.cos(2 * turns).mean(), np.sin(2 * turns).mean()) < 0.2


@pytest.mark.parametrize("stress", [(0.0, 0.0, 2.0), (0.0, 1.0, 1.0)])
def test_full_bias_is_straight_mode_one(stress: tuple[float, float, float]) -> None:
    generator = small(bias=1.0, stress=stress)
    unit = np.asarray(stress) / np.linalg.norm(stress)
    for seed in range(5):
        volume, crack, _ = whole(generator, seed)
        away = (np.argwhere(volume.target) - np.asarray(crack.centre)) @ unit
        assert np.abs(away).max() <= max(np.sqrt(3) / 2, crack.aperture / 2 + 0.01)
    turns = np.concatenate([_turns(generator.model_copy(update={"count": (9, 9)}), seed) for seed in range(5)])
    expected = np.arctan2(unit[1], unit[2])
    assert np.cos(2 * (turns - expected)).mean() > 0.95


def test_bias_leads_from_one_end_to_the_other() -> None:
    spread = []
    for bias in (0.0, 0.3, 0.6, 0.9):
        rng = np.random.default_rng(2)
        normals = np.array([GrainCracks(bias=bias).crack((5, 64, 64), rng, (0.0, 1.0, 0.0)).normal for _ in range(500)])
        spread.append(np.mean(normals[:, 1] / np.linalg.norm(normals, axis=1)))
    assert spread == sorted(spread)
    assert spread[0] == pytest.approx(0.5, abs=0.04)
    assert spread[-1] > 0.99


def _turns(generator: GrainCracks, seed: int) -> np.ndarray:
    """In-plane angle of the normal of each trace in the middle slice, from its second moments."""
    drawn = generator.draw((3, 160, 160), np.random.default_rng(seed))
    labels, count = ndimage.label(drawn.target[1], EIGHT)
    found = []
    for number in range(1, count + 1):
        points = np.argwhere(labels == number)
        if len(points) < 20:
            continue
        y, x = np.linalg.eigh(np.cov(points.T))[1][:, 0]
        found.append(np.arctan2(y, x))
    return np.array(found)


def test_an_unknown_tension_lies_across_the_build_direction() -> None:
    tensions = np.array([GrainCracks(build="y").tension(np.random.default_rng(seed)) for seed in range(200)])
    np.testing.assert_allclose(np.linalg.norm(tensions, axis=1), 1)
    assert np.abs(tensions[:, 1]).max() == 0
    assert np.abs(tensions.mean(axis=0)).max() < 0.2


def test_cracks_continue_over_slices() -> None:
    near = []
    for seed in range(6):
        drawn = GrainCracks(elongation=4.0, bias=0.5).draw((9, 128, 128), np.random.default_rng(seed))
        if drawn.target[4].any():
            near.append(ndimage.binary_dilation(drawn.target[3], iterations=3)[drawn.target[4]].mean())
    assert len(near) >= 4
    assert np.mean(near) > 0.9


def test_columnar_grains_stand_along_the_build_direction() -> None:
    assert GrainCracks(elongation=4.0).grains(np.random.default_rng(0)).cell == (80.0, 20.0, 20.0)
    assert GrainCracks(elongation=4.0, build="x").grains(np.random.default_rng(0)).cell == (20.0, 20.0, 80.0)


def test_grains_of_less_than_three_voxels_are_refused() -> None:
    with pytest.raises(SettingsError, match="at least 3"):
        GrainCracks(grain_size="2").draw((1, 64, 64), np.random.default_rng(0))
    with pytest.raises(SettingsError, match="finite"):
        GrainCracks.checked({"stress": (0.0, float("nan"), 1.0)})


def test_a_training_step_does_not_wait() -> None:
    generator = GrainCracks()
    generator.draw((5, 256, 256), np.random.default_rng(0))
    start = time.process_time()
    for seed in range(20):
        generator.draw((5, 256, 256), np.random.default_rng(seed))
    assert (time.process_time() - start) / 20 < 0.03


@pytest.mark.long
def test_flat_boundaries_of_small_or_long_grains_find_room_for_their_seeds(tmp_path: Path) -> None:
    script = """if True:
        import numpy as np
        from napari_xct_crack.cracks.grain import GrainCracks
        wide = {"aperture_min": "30", "aperture_max": "30"}
        for given in (
            {"bias": 0.8, "grain_size": "3", "stress": (0.4, -0.4, -1.6), **wide},
            {"bias": 0.95, "grain_size": "3", "elongation": 20, "stress": (0, 1.8, -0.4)},
            {"bias": 0.99, "grain_size": "5", "elongation": 20, "stress": (-0.1, 0, 0.5)},
        ):
            for seed in range(20):
                GrainCracks(**given).draw((3, 48, 48), np.random.default_rng(seed))
    """
    # compiled loops write beyond an array without a word unless they are told to look
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
