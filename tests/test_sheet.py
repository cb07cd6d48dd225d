"""Sheet cracks, phrase by phrase: surface, opening, front, bridges, direction, and one volume of several."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.cracks._carved import Carved, carved, front_line
from napari_xct_crack.cracks._planar import BLUNTINGS
from napari_xct_crack.cracks._surface import Sheet, frame, surface, synthesised
from napari_xct_crack.cracks.sheet import SheetCracks

SHAPE = (16, 96, 96)


def even(aperture: float = 2.0, blunting: float = 0.5, radius: float = 30.0, **given: object) -> Sheet:
    """A crack without roughness, upright, in the middle of a volume of SHAPE."""
    return replace(Sheet((8.0, 48.0, 48.3), (0, 0, 1), radius, aperture, blunting, 0, 0.7, 0, (0, 0), ()), **given)


def hurst_of(tile: np.ndarray) -> float:
    """From the slope of the profiles' mean spectrum, k = 1 … N/4, which is −(2H + 1)."""
    power = np.abs(np.fft.rfft(tile, axis=1)) ** 2 + np.abs(np.fft.rfft(tile.T, axis=1)) ** 2
    k = np.arange(1, tile.shape[0] // 4 + 1)
    return float((-np.polyfit(np.log(k), np.log(power.mean(axis=0)[k]), 1)[0] - 1) / 2)


@pytest.mark.parametrize("hurst", [0.5, 0.7, 0.9])
def test_hurst_exponent_is_recovered(hurst: float) -> None:
    found = [hurst_of(synthesised(hurst, 512, np.random.default_rng(seed))) for seed in range(20)]
    assert np.mean(found) == pytest.approx(hurst, abs=0.05)
    assert np.mean([hurst_of(surface(hurst, 2 * tile)) for tile in range(8)]) == pytest.approx(hurst, abs=0.05)


@pytest.mark.parametrize("law", BLUNTINGS)
def test_opening_follows_its_law(law: str) -> None:
    sheet = even(aperture=3.0, blunting=BLUNTINGS[law])
    volume = carved([sheet], SHAPE)
    distance = np.abs(np.arange(SHAPE[1]) - 48.0)
    rho = np.clip(distance / 30, None, 1)
    expected = 3 * (1 - rho**2) ** BLUNTINGS[law]
    np.testing.assert_allclose(volume.coverage[8].sum(axis=1), np.where(rho < 1, expected, 0), atol=0.03)
    rows = expected * (rho < 1) >= 0.3
    opened = volume.aperture[8].max(axis=1)
    np.testing.assert_allclose(opened[rows], expected[rows], rtol=1e-3)
    slope = np.polyfit(np.log(1 - rho[rows] ** 2), np.log(opened[rows]), 1)[0]
    assert slope == pytest.approx(BLUNTINGS[law], abs=0.01)


def test_a_law_can_be_chosen() -> None:
    rng = np.random.default_rng(0)
    assert {SheetCracks().sheet(SHAPE, rng).blunting for _ in range(60)} == set(BLUNTINGS.values())
    assert {SheetCracks(aperture_law="wedge").sheet(SHAPE, rng).blunting for _ in range(10)} == {1.0}


def test_a_front_is_irregular_and_ends_the_void() -> None:
    rng, spread = np.random.default_rng(1), []
    for _ in range(50):
        sheet = replace(SheetCracks(roughness_max=0, bridged=0).sheet(SHAPE, rng), normal=(1.0, 0.0, 0.0))
        sheet = replace(sheet, centre=(8.0, 48.0, 48.0), radius=25.0, aperture=2.0)
        line = front_line(sheet)
        distance = np.linalg.norm(line - sheet.centre, axis=1)
        spread.append(distance.std() / distance.mean())
        inside = carved([sheet], SHAPE).coverage[8] > 0
        y, x = np.mgrid[:96, :96] - 48.0
        axes = frame(sheet.normal)
        way = np.arctan2(axes[2, 1] * y + axes[2, 2] * x, axes[1, 1] * y + axes[1, 2] * x) % (2 * np.pi)
        edge = distance[(np.rint(way / (2 * np.pi) * 4096)).astype(int) % 4096]
        np.testing.assert_array_equal(
            inside[np.abs(np.hypot(y, x) - edge) > 0.5], (np.hypot(y, x) < edge)[np.abs(np.hypot(y, x) - edge) > 0.5]
        )
    assert np.mean(spread) > 0.08


@pytest.mark.parametrize(("bridging", "closed"), [(0.0, 0.0), (0.1, 0.10), (0.5, 0.345)])
def test_bridges_close_their_share(bridging: float, closed: float) -> None:
    shares = []
    for tile in range(0, 16, 2):
        sheet = even(normal=(1.0, 0.0, 0.0), radius=45.0, aperture=0.9, tile=tile, bridging=bridging)
        plain = replace(sheet, bridging=0.0)
        shares.append(1 - (carved([sheet], SHAPE).coverage > 0).sum() / (carved([plain], SHAPE).coverage > 0).sum())
    assert np.mean(shares) == pytest.approx(closed, abs=0.05)


def test_share_of_bridged_cracks() -> None:
    rng = np.random.default_rng(2)
    assert np.mean([SheetCracks().sheet(SHAPE, rng).bridging > 0 for _ in range(1000)]) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("build", ["z", "y", "x"])
@pytest.mark.parametrize(("inclination", "tilt"), [(0.0, 25.0), (0.0, 5.0), (90.0, 5.0), (45.0, 3.0)])
def test_cracks_lean_from_the_build_direction_as_asked(build: str, inclination: float, tilt: float) -> None:
    generator, rng = (
        SheetCracks.checked({"build": build, "inclination": inclination, "tilt": tilt}),
        np.random.default_rng(3),
    )
    normals = np.array([generator.sheet(SHAPE, rng).normal for _ in range(1500)])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    axis = "zyx".index(build)
    angle = np.degrees(np.arcsin(np.clip(np.abs(normals[:, axis]), 0, 1)))
    expected = np.degrees(
        np.arcsin(np.abs(np.sin(np.radians(np.random.default_rng(4).normal(inclination, tilt, 20000)))))
    )
    assert np.mean(angle) == pytest.approx(expected.mean(), abs=1.2)
    across = np.delete(normals, axis, axis=1)
    headings = np.arctan2(across[:, 0], across[:, 1])
    assert np.hypot(np.cos(2 * headings).mean(), np.sin(2 * headings).mean()) < 0.07


def test_several_cracks_are_one_volume_with_ids_and_exact_apertures() -> None:
    sheets = (even(), even(aperture=1.0, centre=(8.0, 48.0, 20.0)), even(aperture=0.6, centre=(8.0, 48.0, 75.0)))
    volume = carved(sheets, SHAPE)
    assert isinstance(volume, Carved)
    for number, sheet in enumerate(sheets, 1):
        alone = carved([sheet], SHAPE)
        np.testing.assert_array_equal(volume.ids == number, alone.ids == 1)
        assert volume.aperture[volume.ids == number].max() == pytest.approx(sheet.aperture, rel=0.01)
        # an ellipsoidal opening over a disc, cut at both faces of the volume
        assert alone.coverage.sum() == pytest.approx(volume.coverage[volume.ids == number].sum(), rel=0.25)
    assert (volume.ids > 0).sum() == volume.target.sum()
    counts = {len(SheetCracks(count=(2, 4)).sheets(SHAPE, np.random.default_rng(seed))) for seed in range(40)}
    assert counts == {2, 3, 4}


def test_any_slice_is_that_of_the_volume() -> None:
    generator = SheetCracks(radius_min="20", radius_max="50")
    sheets = generator.sheets(SHAPE, np.random.default_rng(5))
    volume = generator.volume(SHAPE, np.random.default_rng(5))
    drawn = generator.draw(SHAPE, np.random.default_rng(5))
    np.testing.assert_array_equal(drawn.coverage, volume.coverage)
    np.testing.assert_array_equal(drawn.target, volume.target | (volume.coverage >= 0.5))
    for z in (0, 7, 15):
        alone = carved(sheets, (1, *SHAPE[1:]), origin=(z, 0, 0))
        np.testing.assert_allclose(alone.coverage[0], volume.coverage[z], atol=1e-5)
        assert (alone.target[0] != volume.target[z]).sum() <= 2


def test_cracks_are_clipped_by_the_part() -> None:
    part = np.zeros(SHAPE, np.bool_)
    part[:, 20:60, 10:] = True
    generator = SheetCracks(count=(9, 9), radius_min="20", radius_max="40", tilt=60)
    whole = generator.volume(SHAPE, np.random.default_rng(6))
    clipped = generator.volume(SHAPE, np.random.default_rng(6), part=part)
    for name in ("coverage", "target", "aperture", "ids"):
        before, after = getattr(whole, name), getattr(clipped, name)
        assert before[~part].any()
        assert not after[~part].any()
        np.testing.assert_array_equal(before[part], after[part])
    for every, kept in zip(whole.fronts(), clipped.fronts(), strict=True):
        assert len(kept) <= len(every)
        assert part[tuple(np.rint(kept).astype(int).T)].all()


def test_fronts_lie_where_the_cracks_end() -> None:
    sheet = even(normal=(0.2, 0.5, 0.8), roughness=1.5, radius=12.0, aperture=1.5, blunting=0.25)
    volume = carved([sheet], (40, 96, 96), origin=(-12, 0, 0))
    front = volume.fronts()[0]
    assert len(front) == 4096
    reach = ndimage.distance_transform_edt(volume.coverage == 0)
    assert reach[tuple(np.rint(front).astype(int).T)].max() <= 2.5
    beyond = sheet.centre + np.array((12, 0, 0)) + 1.5 * (front - sheet.centre - np.array((12, 0, 0)))
    assert volume.coverage[tuple(np.rint(beyond).astype(int).T)].mean() < 0.01
