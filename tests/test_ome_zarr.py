"""Reading and writing OME-Zarr."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr_models.v05 import Image
from zarr.storage import LocalStore, WrapperStore

from napari_xct_crack.errors import InputError, OutputError, writing
from napari_xct_crack.io._pyramid import halved, layout, level_shapes, shard_of_level
from napari_xct_crack.io.ome_zarr import create, open_zarr, write
from napari_xct_crack.volume import Box

RNG = np.random.default_rng(7)


def ome(
    version: str, axes: str, scale: list[float], unit: str, translation: list[float] | None = None
) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if translation:
        steps.append({"type": "translation", "translation": translation})
    kinds = {"t": "time", "c": "channel"}
    multiscales = [
        {
            "version": version,
            "axes": [
                {"name": a, "type": kinds.get(a, "space"), **({} if a in kinds else {"unit": unit})} for a in axes
            ],
            "datasets": [{"path": "0", "coordinateTransformations": steps}],
        }
    ]
    return (
        {"multiscales": multiscales} if version == "0.4" else {"ome": {"version": version, "multiscales": multiscales}}
    )


def stored(
    folder: Path, data: np.ndarray[Any, Any], attributes: dict[str, Any], zarr_format: int, at: str = "0"
) -> Path:
    group = zarr.create_group(folder, zarr_format=zarr_format)  # type: ignore[arg-type]
    inner = group.create_group(at.rpartition("/")[0]) if "/" in at else group
    inner.attrs.update(attributes)
    inner.create_array(at.rpartition("/")[2], data=data, chunks=tuple(min(16, side) for side in data.shape))
    return folder


@pytest.mark.parametrize(("version", "zarr_format"), [("0.4", 2), ("0.5", 3)])
@pytest.mark.parametrize(("unit", "um"), [("nanometer", 1e-3), ("micrometer", 1.0), ("millimeter", 1e3)])
def test_reads_both_versions_with_units_translation_and_single_t_and_c(
    tmp_path: Path, version: str, zarr_format: int, unit: str, um: float
) -> None:
    data = RNG.integers(0, 60000, (1, 1, 6, 20, 30), dtype=np.uint16)
    attributes = ome(version, "tczyx", [1, 1, 2, 0.5, 0.7], unit, [0, 0, 8, 1.5, 2.1])
    volume = open_zarr(stored(tmp_path / "a.ome.zarr", data, attributes, zarr_format))
    np.testing.assert_array_equal(volume.read(), data[0, 0])
    np.testing.assert_array_equal(volume.levels[0][2, ..., 3:9], data[0, 0, 2, :, 3:9])
    assert volume.voxel_size == pytest.approx((2 * um, 0.5 * um, 0.7 * um))
    assert volume.offset == (4, 3, 3)
    assert volume.source == str(tmp_path / "a.ome.zarr")
    assert volume.name == "a"
    assert volume.role == "image"


def test_reads_bioformats2raw(tmp_path: Path) -> None:
    data = RNG.integers(0, 255, (1, 1, 3, 8, 9), dtype=np.uint8)
    path = stored(tmp_path / "b.zarr", data, ome("0.4", "tczyx", [1, 1, 1, 1, 1], "micrometer"), 2, at="0/0")
    zarr.open_group(path, mode="r+").attrs["bioformats2raw.layout"] = 3
    np.testing.assert_array_equal(open_zarr(path).read(), data[0, 0])


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_reads_plain_zarr_and_says_what_it_assumed(tmp_path: Path, zarr_format: int, grouped: bool) -> None:
    data = RNG.normal(size=(4, 20, 21)).astype(np.float32)
    if grouped:
        stored(tmp_path / "p.zarr", data, {}, zarr_format, at="volume")
    else:
        zarr.create_array(tmp_path / "p.zarr", data=data, zarr_format=zarr_format)  # type: ignore[arg-type]
    volume = open_zarr(tmp_path / "p.zarr")
    np.testing.assert_array_equal(volume.read(), data)
    assert volume.voxel_size is None
    assert any("z, y, x" in note for note in volume.notes)
    assert open_zarr(tmp_path / "p.zarr", voxel_size=(1, 2, 3)).voxel_size == (1, 2, 3)


def test_reads_named_dimensions_in_any_order_and_a_single_slice(tmp_path: Path) -> None:
    data = RNG.integers(0, 9, (5, 2, 7, 6), dtype=np.uint8)
    zarr.create_array(tmp_path / "n.zarr", data=data, dimension_names=("x", "c", "z", "y"), zarr_format=3)
    with pytest.raises(InputError, match="--index c=N"):
        open_zarr(tmp_path / "n.zarr")
    volume = open_zarr(tmp_path / "n.zarr", index={"c": 1})
    expected = data[:, 1].transpose(1, 2, 0)
    assert volume.shape == expected.shape
    np.testing.assert_array_equal(volume.read(Box((1, 2, 0), (4, 6, 3))), expected[1:4, 2:6, 0:3])
    np.testing.assert_array_equal(np.asarray(volume.levels[0][-1]), expected[-1])
    with pytest.raises(InputError, match="2 entries"):
        open_zarr(tmp_path / "n.zarr", index={"c": 2})
    with pytest.raises(InputError, match="no axis t"):
        open_zarr(tmp_path / "n.zarr", index={"c": 0, "t": 0})
    zarr.create_array(tmp_path / "s.zarr", data=data[0, 0], zarr_format=2)
    np.testing.assert_array_equal(open_zarr(tmp_path / "s.zarr").read(), data[0, 0][None])


def test_a_group_of_levels_is_a_pyramid_and_other_groups_are_refused(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "g.zarr")
    for name, side in (("fine", 40), ("coarse", 20)):
        group.create_array(name, data=np.ones((side,) * 3, np.uint8))
    assert [level.shape[0] for level in open_zarr(tmp_path / "g.zarr").levels] == [40, 20]
    group.create_array("other", data=np.ones((7, 40, 3), np.uint8))
    with pytest.raises(InputError, match="choose one of coarse, fine, other"):
        open_zarr(tmp_path / "g.zarr")


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        open_zarr(tmp_path / "missing.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(InputError, match="not a Zarr"):
        open_zarr(tmp_path / "empty.zarr")
    (tmp_path / "file.zarr").write_text("no")
    with pytest.raises(InputError, match="is a file"):
        open_zarr(tmp_path / "file.zarr")
    (tmp_path / "broken.zarr").mkdir()
    (tmp_path / "broken.zarr" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="not a Zarr"):
        open_zarr(tmp_path / "broken.zarr")
    zarr.create_array(tmp_path / "4d.zarr", data=np.ones((2, 3, 4, 5)))
    with pytest.raises(InputError, match=r"4 dimensions.*does not name its axes"):
        open_zarr(tmp_path / "4d.zarr")
    zarr.create_array(tmp_path / "complex.zarr", data=np.ones((3, 4, 5), np.complex64))
    with pytest.raises(InputError, match="complex64; numbers"):
        open_zarr(tmp_path / "complex.zarr")
    zarr.create_group(tmp_path / "none.zarr")
    with pytest.raises(InputError, match="holds no array"):
        open_zarr(tmp_path / "none.zarr")
    zarr.create_group(tmp_path / "lost.zarr", attributes=ome("0.5", "zyx", [1, 1, 1], "micrometer"))
    with pytest.raises(InputError, match="no array which exists"):
        open_zarr(tmp_path / "lost.zarr")


@pytest.mark.parametrize("shape", [(1, 1131, 1206), (48, 384, 384), (7868, 2624, 2624), (80, 504, 504), (3, 5, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_created_stores_are_valid_and_laid_out_as_promised(
    tmp_path: Path, shape: tuple[int, int, int], dtype: str
) -> None:
    store = create(
        tmp_path / "c.ome.zarr", shape, dtype, role="probability", voxel_size=(0.7, 0.8, 0.9), offset=(5, 6, 7)
    )
    Image.from_zarr(zarr.open_group(store.path, mode="r"))
    volume = store.volume()
    assert (volume.role, volume.voxel_size, volume.offset, volume.shape) == (
        "probability",
        (0.7, 0.8, 0.9),
        (5, 6, 7),
        shape,
    )
    assert [level.shape for level in store.arrays] == level_shapes(shape)
    assert max(store.arrays[-1].shape) <= 512
    chunk, shard = layout(shape, np.dtype(dtype).itemsize)
    assert np.prod(shard) * np.dtype(dtype).itemsize <= 128 * 2**20
    assert np.prod(chunk) <= 64**3
    if min(shape) > 500:
        assert np.prod(shard) * np.dtype(dtype).itemsize >= 32 * 2**20
    for level, array in enumerate(store.arrays):
        assert array.chunks == chunk
        assert array.shards == shard_of_level(chunk, shard, level)
    assert store.arrays[0].path == "0"
    assert list(array.metadata.dimension_names or ()) == ["z", "y", "x"]


def test_translations_put_the_centre_of_a_coarse_voxel_where_its_fine_voxels_are(tmp_path: Path) -> None:
    write(
        tmp_path / "t.ome.zarr",
        np.zeros((1, 1100, 1100), np.uint8),
        role="mask",
        voxel_size=(3, 2, 2),
        offset=(1, 10, 20),
    )
    image: Any = zarr.open_group(tmp_path / "t.ome.zarr", mode="r").attrs["ome"]
    transforms = [entry["coordinateTransformations"] for entry in image["multiscales"][0]["datasets"]]
    assert [step[0]["scale"] for step in transforms] == [[3, 2, 2], [3, 4, 4], [3, 8, 8]]
    assert [step[1]["translation"] for step in transforms] == [[3, 20, 40], [3, 21, 41], [3, 23, 43]]


@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
    role=st.sampled_from(["image", "mask"]),
    dtype=st.sampled_from(["uint8", "int16", "uint16", "float32"]),
)
@settings(max_examples=60, deadline=None)
def test_halving_is_the_mean_or_the_maximum_of_each_2x2x2(shape: tuple[int, int, int], role: Any, dtype: str) -> None:
    data = np.random.default_rng(shape[0]).integers(0, 100, shape).astype(dtype)
    coarse = halved(data, role)
    assert coarse.dtype == data.dtype
    assert coarse.shape == tuple(-(-side // 2) for side in shape)
    for z, y, x in np.ndindex(*coarse.shape):
        cell = data[2 * z : 2 * z + 2, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        if role == "mask":
            assert coarse[z, y, x] == cell.max()
        elif shape[1] % 2 == 0 or dtype == "float32":
            assert abs(float(coarse[z, y, x]) - cell.mean()) <= 1.5


def test_write_keeps_data_and_unknown_voxel_size(tmp_path: Path) -> None:
    data = RNG.integers(0, 60000, (8, 600, 30), dtype=np.uint16)
    volume = write(tmp_path / "w.ome.zarr", data, role="image", offset=(0, 3, 0))
    np.testing.assert_array_equal(volume.read(), data)
    assert volume.voxel_size is None
    assert volume.offset == (0, 3, 0)
    assert len(volume.levels) == 2
    assert abs(float(np.mean(volume.levels[1][:])) - data.mean()) < 1


def test_existing_outputs_are_refused(tmp_path: Path) -> None:
    data = np.ones((2, 3, 4), np.uint8)
    path = tmp_path / "o.ome.zarr"
    write(path, data, role="mask")
    with pytest.raises(OutputError, match="exists"):
        write(path, data * 0, role="mask")
    assert write(path, data * 2, role="mask", overwrite=True).read().max() == 2
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="not a Zarr"):
        write(tmp_path / "mine.zarr", data, role="mask", overwrite=True)
    assert (tmp_path / "mine.zarr" / "thesis.txt").exists()
    with pytest.raises(OutputError, match=r"ends in \.ome\.zarr"):
        write(tmp_path / "o.tif", data, role="mask")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "file" / "o.ome.zarr", data, role="mask")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "denied")]
)
def test_a_full_disk_or_read_only_folder_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(LocalStore, "set", refuse)
    monkeypatch.setattr(LocalStore, "set_if_not_exists", refuse)
    with pytest.raises(OutputError, match=words):
        write(tmp_path / "f.ome.zarr", np.ones((2, 3, 4), np.uint8), role="mask")
    with pytest.raises(FileNotFoundError), writing(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "a bug keeps its traceback")


class CountingStore(WrapperStore[LocalStore]):
    """A store that remembers which keys were read."""

    read_keys: list[str]

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.read_keys.append(key)
        return await super().get(key, *args, **kwargs)


def test_one_slice_of_a_huge_sparse_scan_reads_only_the_chunks_in_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.ome.zarr"
    create(path, (7868, 2624, 2624), "uint16", role="image", voxel_size=(0.71, 0.71, 0.71))
    counting = CountingStore(LocalStore(path, read_only=True))
    counting.read_keys = []
    opened = zarr.open
    monkeypatch.setattr(zarr, "open", lambda _path, **kwargs: opened(counting, **kwargs))
    volume = open_zarr(path)
    assert volume.shape == (7868, 2624, 2624)
    assert not [key for key in counting.read_keys if "/c/" in key]
    seen = volume.levels[0][4000:4001, 1000:1500, 1000:1500]
    assert seen.shape == (1, 500, 500)
    shards = {key for key in counting.read_keys if "/c/" in key}
    assert shards == {f"0/c/15/{y}/{x}" for y in (3, 4, 5) for x in (3, 4, 5)}
