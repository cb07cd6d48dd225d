"""Components of blocks equal components of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_xct_crack.blocks import boxes
from napari_xct_crack.components import Components, find, neighbours
from napari_xct_crack.components import _labelling as module
from napari_xct_crack.events import finish
from napari_xct_crack.measure import measure
from napari_xct_crack.volume import Volume

Array = np.ndarray[Any, Any]


def found(mask: Array, marks: Array, side: tuple[int, int, int], structure: Array) -> tuple[Components, Array]:
    components = finish(
        find(mask.shape, lambda box: (mask[box.slices], marks[box.slices]), side=side, structure=structure, what="test")
    )
    labels = np.zeros(mask.shape, np.int64)
    for box in boxes(mask.shape, side):
        labels[box.slices] = components.labels(box, mask[box.slices])
    return components, labels


@pytest.fixture(params=["cc3d", "scipy"])
def labeller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which library labels the blocks; with the extra missing it is scipy."""
    if request.param == "scipy":
        monkeypatch.setattr(module, "cc3d", None)
    assert (module.cc3d is None) == (request.param == "scipy")
    return str(request.param)


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    side=st.tuples(*[st.integers(1, 5)] * 3),
    density=st.floats(0.05, 0.7),
    dimensions=st.sampled_from(["3d", "2d"]),
    diagonal=st.booleans(),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_blocks_give_the_components_of_the_whole(
    labeller: str, shape: Any, side: Any, density: float, dimensions: Any, diagonal: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < density
    marks = mask & (rng.random(shape) < 0.1)
    structure = neighbours(dimensions, diagonal)
    components, labels = found(mask, marks, side, structure)
    expected, count = ndimage.label(mask, structure)
    assert len(components.sizes) == count + 1
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))
    for ours, theirs in pairs.T:
        assert (ours == 0) == (theirs == 0)
        if theirs:
            assert components.sizes[ours] == (expected == theirs).sum()
            assert components.marked[ours] == marks[expected == theirs].any()


@pytest.mark.parametrize(
    ("dimensions", "diagonal", "touching"), [("3d", True, 26), ("3d", False, 6), ("2d", True, 8), ("2d", False, 4)]
)
def test_neighbours(dimensions: Any, diagonal: bool, touching: int) -> None:
    assert neighbours(dimensions, diagonal).sum() == touching + 1


def test_a_diagonal_across_a_corner_of_eight_blocks_is_joined() -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    assert len(found(mask, mask, (2, 2, 2), neighbours("3d", True))[0].sizes) == 2
    assert len(found(mask, mask, (2, 2, 2), neighbours("3d", False))[0].sizes) == 3


def test_an_empty_mask_has_no_component() -> None:
    mask = np.zeros((3, 4, 5), bool)
    components, labels = found(mask, mask, (2, 2, 2), neighbours("3d", True))
    assert components.sizes.tolist() == [0]
    assert not labels.any()


def test_numbers_are_the_same_with_and_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Volume.from_array((np.random.default_rng(0).random((12, 30, 30)) < 0.2).astype(np.uint8))
    quick = finish(measure(mask, tmp_path / "a")).labels.read()
    monkeypatch.setattr(module, "cc3d", None)
    np.testing.assert_array_equal(finish(measure(mask, tmp_path / "b")).labels.read(), quick)
    assert quick.max() > 20
