"""Cracks of the phantoms: void is the integral of the opening; outlines and steps of facets."""

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.cracks._area import area_of
from napari_xct_crack.cracks._surface import Sheet
from napari_xct_crack.phantom.content import free, fronts, tips
from napari_xct_crack.phantom.exact import add_void, below
from napari_xct_crack.phantom.facets import CORNERS, TAPER, Facets, carve, draw

SHAPE = (72, 72, 72)
CENTRE = (35.3, 36.1, 35.8)
NORMALS = [(0.0, 0.0, 1.0), (0.3, 1.0, -0.7), (1.0, 1.0, 1.0)]


def empty() -> tuple[np.ndarray, ...]:
    return (
        np.zeros(SHAPE, np.float32),
        np.zeros(SHAPE, np.bool_),
        np.zeros(SHAPE, np.float32),
        np.zeros(SHAPE, np.int32),
    )


@pytest.mark.parametrize("normal", NORMALS)
@pytest.mark.parametrize("aperture", [0.1, 0.5, 1.3, 3.0])
def test_the_void_of_a_sheet_is_the_integral_of_its_opening(
    aperture: float, normal: tuple[float, float, float]
) -> None:
    sheet = Sheet(CENTRE, normal, 26.0, aperture, 0.5, 0.0, 0.75, 3, (5.0, 9.0), ())
    void = np.zeros(SHAPE, np.float32)
    add_void(sheet, void)
    # ∫ w0·√(1 − ρ²) over a disc
    assert void.sum() == pytest.approx(aperture * np.pi * 26**2 / 1.5, rel=0.02)


@pytest.mark.parametrize("aperture", [0.1, 0.5, 1.3, 3.0])
def test_the_void_of_a_rough_sheet_is_that_of_its_area(aperture: float) -> None:
    sheet = Sheet(CENTRE, (0.2, 1.0, 0.6), 26.0, aperture, 0.5, 1.0, 0.75, 3, (5.0, 9.0), (0.1, 0.4))
    void = np.zeros(SHAPE, np.float32)
    add_void(sheet, void)
    points = area_of([sheet], SHAPE)
    assert void.sum() == pytest.approx((points.aperture * points.area).sum(), rel=0.02)


@pytest.mark.parametrize("normal", [(0.0, 0.6, 0.8), (0.3, -0.9, 0.3162), (0.577, 0.577, 0.577)])
def test_the_share_of_a_cube_below_a_plane_is_counted_right(normal: tuple[float, float, float]) -> None:
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (200000, 3)) @ normal
    for distance in (-0.7, -0.3, 0.0, 0.1, 0.55):
        assert below(distance, *normal) == pytest.approx((points < distance).mean(), abs=0.005)


def star(slopes: tuple[float, float] = (0.0, 0.0), u: float = 0.0, height: float = 0.0) -> tuple[float, ...]:
    return (u, 0.0, height, *slopes, 1.0, 0.3, 20.0, 15.0, 18.0, 22.0, 14.0, 17.0, 21.0)


@pytest.mark.parametrize("normal", NORMALS)
@pytest.mark.parametrize("aperture", [0.1, 1.0, 3.0])
def test_the_void_of_a_facet_is_the_integral_of_its_opening(
    aperture: float, normal: tuple[float, float, float]
) -> None:
    facet = star(slopes=(0.2, -0.1))
    void, *rest = empty()
    carve(Facets(CENTRE, normal, aperture, (facet,)), void, *rest, 1)
    corners = np.array(facet[7:])
    area = 0.5 * np.sin(2 * np.pi / CORNERS) * (corners * np.roll(corners, -1)).sum() * np.sqrt(1 + 0.2**2 + 0.1**2)
    rho = (np.arange(10000) + 0.5) / 10000
    share = (2 * rho * np.minimum(1, (1 - rho) / TAPER)).mean()
    assert void.sum() == pytest.approx(aperture * area * share, rel=0.02)


def test_a_step_joins_two_facets() -> None:
    crack = Facets(CENTRE, (0.0, 1.0, 0.0), 1.5, (star(), star(u=20.0, height=6.0)))
    void, target, _, ids = empty()
    aperture = np.zeros(SHAPE, np.float32)
    carve(crack, void, target, aperture, ids, 4)
    assert set(np.unique(ids)) == {0, 4}
    assert ndimage.label(target, np.ones((3, 3, 3)))[1] == 1
    rows = np.flatnonzero(target.any(axis=(0, 2)))
    np.testing.assert_array_equal(rows, np.arange(rows[0], rows[-1] + 1))
    assert (aperture[target] > 0).all()


def test_a_front_goes_around_the_union_and_tips_lie_on_it() -> None:
    rng = np.random.default_rng(3)
    part = np.ones(SHAPE, np.bool_)
    near = []
    for _ in range(4):
        crack = draw(CENTRE, (0.2, 1.0, 0.4), 24.0, 1.2, rng)
        void, target, aperture, ids = empty()
        carve(crack, void, target, aperture, ids, 1)
        lines = fronts(crack)
        points = np.rint(np.concatenate(lines)).astype(int)
        points = points[((points >= 0) & (points < SHAPE)).all(axis=1)]
        # beyond its front a crack is closed, so half of a small ball around the front at most is open
        opened = ndimage.uniform_filter((void > 0.2).astype(float), 5)
        assert opened[tuple(points.T)].mean() < 0.25
        for z, y, x, number in tips(lines, 1, part):
            assert number == 1
            places = np.argwhere(target[int(z)])
            near.append(np.hypot(*(places - (y, x)).T).min() if len(places) else np.inf)
    assert len(near) > 100
    assert np.median(near) < 4


def test_tips_on_another_crack_are_none() -> None:
    labels = np.zeros((2, 20, 20), np.int32)
    labels[0, 10, :] = 2
    found = [(0.0, 11.2, 5.0, 1), (0.0, 15.0, 5.0, 1), (0.0, 10.3, 4.0, 2), (1.0, 11.0, 5.0, 1)]
    assert free(found, labels) == found[1:]
