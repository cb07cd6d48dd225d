"""Cracks that grow: nothing heals, they turn across the tension, and they obey their law."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_xct_crack.cracks._carved import Carved, carved, front_line
from napari_xct_crack.cracks._growth import Grown, Growth, grow
from napari_xct_crack.cracks._surface import Sheet, frame
from napari_xct_crack.cracks.sheet import SheetCracks

SHAPE = (24, 72, 72)


def sheet(normal: tuple[float, float, float] = (0.0, 0.0, 1.0), roughness: float = 0.0, **given: float) -> Sheet:
    values = {"radius": 12.0, "aperture": 1.0, "blunting": 0.5} | given
    return Sheet(
        (12.0, 36.2, 36.4), normal, roughness=roughness, hurst=0.7, tile=2, shift=(9.0, 40.0), front=(), **values
    )


def drawn(state: Grown, shape: tuple[int, int, int] = SHAPE) -> Carved:
    volume = Carved.empty(shape)
    state.carve(volume)
    return volume


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scatter=st.floats(0, 0.6), advance=st.floats(0.1, 4), exponent=st.floats(1, 4))
def test_every_state_holds_the_one_before(seed: int, scatter: float, advance: float, exponent: float) -> None:
    rng = np.random.default_rng(seed)
    start = SheetCracks(radius_min="5", radius_max="14", tilt=50, bridged=0.5).sheet(SHAPE, rng)
    tension = tuple(rng.normal(size=3))
    before: Carved | None = None
    for state in grow(start, 4, rng, Growth(advance, exponent, scatter, 30.0, tension)):
        now = drawn(state)
        if before is not None:
            assert (now.coverage >= before.coverage).all()
            assert (now.target >= before.target).all()
            assert (now.aperture >= before.aperture).all()
            assert (now.ids >= before.ids).all()
        before = now


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (0.3, 0.6, 0.7)])
def test_it_starts_as_the_sheet(normal: tuple[float, float, float]) -> None:
    start = sheet(normal, roughness=1.5, aperture=1.7, blunting=1.0)
    first = next(grow(start, 0, np.random.default_rng(0)))
    now, plain = drawn(first), carved([start], SHAPE)
    assert_allclose(now.coverage, plain.coverage, atol=2e-3)
    assert (now.target != plain.target).sum() <= 2
    assert_allclose(first.line(), front_line(start, 720), atol=1e-3)


@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0])
def test_the_front_advances_by_the_law(exponent: float) -> None:
    law = Growth(advance=0.25, exponent=exponent, scatter=0.0)
    radii = np.array([state.front.mean() for state in grow(sheet(), 40, np.random.default_rng(1), law)])
    middle = (radii[1:] + radii[:-1]) / 2
    slope = np.polyfit(np.log(np.sqrt(middle)), np.log(np.diff(radii)), 1)[0]
    assert slope == pytest.approx(exponent, rel=0.02)
    assert np.diff(radii)[0] == pytest.approx(0.25, rel=0.05)


def test_tough_metal_makes_the_front_irregular() -> None:
    states = [list(grow(sheet(), 10, np.random.default_rng(2), Growth(scatter=s)))[-1] for s in (0.0, 0.3)]
    assert np.ptp(states[0].front) < 1e-9
    assert states[1].front.std() > 0.05 * states[1].front.mean()


@pytest.mark.parametrize("turn", [0, 20, 40, -35])
def test_new_crack_runs_across_the_tension(turn: float) -> None:
    angle = np.radians(turn)
    tension = np.array([0.0, np.sin(angle), np.cos(angle)])
    start = sheet(radius=10.0)
    state = list(grow(start, 6, np.random.default_rng(3), Growth(scatter=0.1, tension=tuple(tension))))[-1]
    volume = drawn(state, (24, 72, 72))
    y, x = np.nonzero(volume.target[12])
    away = (y - start.centre[1])[np.abs(y - start.centre[1]) > 12]
    line = np.polyfit(away[away > 0], (x - start.centre[2])[y - start.centre[1] > 12], 1)[0]
    assert np.degrees(np.arctan(line)) == pytest.approx(-turn, abs=3)
    ahead = state.line() - np.asarray(start.centre) - (state.born / state.front)[:, None] * _flat(state)
    assert np.abs(ahead @ tension).max() < 1e-6


def _flat(state: Grown) -> np.ndarray:
    """The front of an even sheet laid back into the sheet."""
    axes = frame(state.sheet.normal)
    points = state.line() - np.asarray(state.sheet.centre)
    return points - (points @ axes[0])[:, None] * axes[0]


def test_a_kink_stays_below_the_limit() -> None:
    state = next(grow(sheet(), 0, np.random.default_rng(4), Growth(tension=(0.0, 1.0, 0.01))))
    assert np.degrees(np.arctan(np.hypot(*state.kink))) == pytest.approx(70.5)


def test_a_front_that_runs_away_stops_at_the_limit() -> None:
    states = list(grow(sheet(), 8, np.random.default_rng(6), Growth(advance=8, exponent=4, limit=50)))
    assert states[-1].front.max() == 50
    assert all((after.front >= before.front).all() for before, after in itertools.pairwise(states))


def test_no_tension_means_straight_on() -> None:
    state = list(grow(sheet(), 5, np.random.default_rng(5)))[-1]
    assert np.abs(state.line() - state.sheet.centre)[:, 2].max() < 1e-9
    assert state.front.min() > state.born.max()
