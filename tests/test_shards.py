"""Shards that we pack are what zarr would have written, and eight integers become one as in wider arithmetic."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike, NDArray

from napari_xct_crack.io.ome_zarr import create, halved
from napari_xct_crack.volume import Box, Role

INTEGERS = [np.uint8, np.int16, np.uint16, np.uint32, np.int64, np.uint64]
SHARD = (8, 16, 16)
sides = st.tuples(*[st.integers(1, 37)] * 3)


def stored(folder: Path) -> dict[str, int]:
    """Sizes of all shards of the finest level."""
    files = (path for path in (folder / "0" / "c").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


@settings(max_examples=25, deadline=None)
@given(
    shape=sides,
    dtype=st.sampled_from([*INTEGERS, np.float32]),
    share=st.sampled_from([0.0, 0.001, 1.0]),
    seed=st.integers(0, 99),
)
def test_shards_are_those_of_zarr(shape: tuple[int, int, int], dtype: DTypeLike, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.integers(1, 99, shape) * (rng.random(shape) < share)).astype(dtype)
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = (
            create(
                Path(name) / f"{who}.zarr", shape, dtype, role="image", voxel_size=None, chunk=(8, 4, 8), shard=SHARD
            )
            for who in ("ours", "theirs")
        )
        ours.fill(Box.of(shape), values, 1)
        theirs.arrays[0][:] = values
        np.testing.assert_array_equal(zarr.open_array(ours.path / "0", mode="r")[:], values)
        assert stored(ours.path) == stored(theirs.path)


def test_a_shard_that_becomes_empty_is_taken_away(tmp_path: Path) -> None:
    store = create(
        tmp_path / "a.zarr", (16, 16, 16), np.uint8, role="mask", voxel_size=None, chunk=(8, 8, 8), shard=SHARD
    )
    store.fill(Box.of((16, 16, 16)), np.ones((16, 16, 16), np.uint8), 1)
    assert len(stored(store.path)) == 2
    store.fill(Box((8, 0, 0), (16, 16, 16)), np.zeros(SHARD, np.uint8), 1)
    assert list(stored(store.path)) == ["0/c/0/0/0"]
    np.testing.assert_array_equal(np.asarray(store.arrays[0][:]).max((1, 2)), [1] * 8 + [0] * 8)


def reference(values: NDArray[np.integer], role: Role) -> NDArray[np.object_]:
    """Pairs along z, then y, then x in Python's integers, rounded down, up, down; an odd end is paired with itself."""
    result = values.astype(object)
    for axis, up in enumerate((0, 1, 0)):
        first = result.take(range(0, result.shape[axis], 2), axis)
        second = result.take([min(at + 1, result.shape[axis] - 1) for at in range(0, result.shape[axis], 2)], axis)
        result = (first + second + up) // 2 if role == "image" else np.maximum(first, second)
    return result


@pytest.mark.parametrize("role", ["image", "mask"])
@settings(max_examples=25, deadline=None)
@given(shape=sides, dtype=st.sampled_from(INTEGERS), seed=st.integers(0, 99), cut=st.booleans())
def test_integers_are_halved_without_overflow(
    role: Role, shape: tuple[int, int, int], dtype: type[np.integer], seed: int, cut: bool
) -> None:
    limits = np.iinfo(dtype)
    values = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    given = values[::2, :, 1:] if cut and shape[2] > 1 else values
    found = halved(given, role)
    assert found.dtype == dtype
    assert (found == reference(given, role)).all()


READ_ONLY = """
from numba.core import caching

def refuse(self):
    raise OSError("read-only file system")

for name in dir(caching):
    if hasattr(getattr(caching, name), "ensure_cache_path"):
        getattr(caching, name).ensure_cache_path = refuse

import numpy as np
from napari_xct_crack.io.ome_zarr import halved

print(halved(np.full((3, 4, 5), 7, np.uint16), "image").tolist())
"""


def test_nothing_needs_a_place_for_compiled_code() -> None:
    child = subprocess.run([sys.executable, "-c", READ_ONLY], capture_output=True, text=True)
    assert child.stdout == f"{np.full((2, 2, 3), 7).tolist()}\n", child.stderr
