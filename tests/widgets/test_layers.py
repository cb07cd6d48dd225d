"""Volume ↔ layer, the crop that is drawn, and the guard on the 3-D button; all in napari's own viewer model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Shapes
from zarr.storage import LocalStore, WrapperStore

from napari_xct_crack.errors import InputError
from napari_xct_crack.volume import Box, Volume
from napari_xct_crack.widgets import _napari
from napari_xct_crack.widgets._layers import (
    data_of,
    drawn_box,
    layer_of,
    outline_of,
    thresholded,
    volume_of,
)

VOXEL = (2.0, 0.5, 0.25)


class CountingStore(WrapperStore):
    """A store that remembers which chunks were asked for."""

    def __init__(self, store):
        super().__init__(store)
        self.chunks: list[str] = []

    async def get(self, key, prototype, byte_range=None):
        if "zarr.json" not in key:
            self.chunks.append(key)
        return await self._store.get(key, prototype, byte_range)


def make_layer(volume, **options) -> Layer:
    return Layer.create(*layer_of(volume, **options))


def pyramid(shape=(8, 32, 64), **fields):
    full = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    return Volume(levels=(full, full[::2, ::2, ::2], full[::4, ::4, ::4]), voxel_size=VOXEL, **fields)


def test_a_volume_lies_at_its_place_in_micrometres():
    layer = make_layer(pyramid(offset=(1, 2, 4), window=(10, 2000), name="bar"))
    assert isinstance(layer, Image)
    assert layer.multiscale
    assert layer.name == "bar"
    assert tuple(layer.scale) == VOXEL
    assert tuple(layer.translate) == (2.0, 1.0, 1.0)
    assert {str(unit) for unit in layer.units} == {"micrometer"}
    assert tuple(layer.contrast_limits) == (10, 2000)
    assert volume_of(layer) is layer.metadata["xct_crack"]


def test_an_inverted_window_is_shown_inverted():
    layer = make_layer(pyramid(window=(2000, 10)))
    assert tuple(layer.contrast_limits) == (10, 2000)
    assert layer.colormap.name == "gray_r"


def test_unknown_voxel_size_is_not_called_micrometres():
    layer = make_layer(Volume.from_array(np.zeros((3, 4, 5), np.uint8)))
    assert {str(unit) for unit in layer.units} == {"pixel"}
    del layer.metadata["xct_crack"]
    assert volume_of(layer).voxel_size is None


@pytest.mark.parametrize("shape", [(1, 7, 9), (3, 7, 9)])
def test_masks_become_labels(shape):
    layer = make_layer(Volume.from_array(np.ones(shape, bool), role="mask"))
    assert isinstance(layer, Labels)
    assert layer.data.max() == 1


def test_a_crop_shows_the_same_voxels_on_every_level_kept():
    volume = pyramid().cropped(Box((4, 8, 16), (8, 20, 48)))
    levels = data_of(volume)
    assert [level.shape for level in levels] == [(4, 12, 32), (2, 6, 16), (1, 3, 8)]
    for level, step in zip(levels, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(np.asarray(level), volume.read()[::step, ::step, ::step])
    assert len(data_of(pyramid().cropped(Box((1, 8, 16), (8, 20, 48))))) == 1
    assert tuple(make_layer(volume).translate) == (8.0, 4.0, 4.0)


@pytest.mark.parametrize(("dtype", "one"), [(np.uint8, 255), (np.float32, 1.0)])
def test_threshold_is_a_probability_whatever_the_storage(dtype, one):
    probability = Volume.from_array(np.array([[[0, 0.4, 0.6, 1.0]]]) * one, role="probability")
    probability = Volume.from_array(probability.levels[0].astype(dtype), role="probability")
    np.testing.assert_array_equal(np.asarray(thresholded(probability, 0.5)), [[[0, 0, 1, 1]]])
    assert tuple(make_layer(probability).contrast_limits) == (0, one)


def test_layers_of_others_become_volumes():
    volume = volume_of(Image(np.zeros((3, 4, 5)), scale=(1000, 500, 250), units="nm", translate=(2000, 0, 250)))
    assert volume.voxel_size == pytest.approx((1.0, 0.5, 0.25))
    assert volume.offset == (2, 0, 1)
    assert volume_of(Image(np.zeros((4, 5)))).shape == (1, 4, 5)


@pytest.mark.parametrize(
    "layer",
    [Image(np.zeros((4, 5, 3)), rgb=True), Image(np.zeros((2, 3, 4, 5))), Shapes(), Image(np.zeros((4, 5)), rgb=False)],
)
def test_what_is_no_scan_is_refused(layer):
    if layer.ndim == 2 and not getattr(layer, "rgb", False) and isinstance(layer, Image):
        assert volume_of(layer).shape == (1, 4, 5)
        return
    with pytest.raises(InputError, match=r"layer"):
        volume_of(layer)


@pytest.mark.parametrize("along", [0, 1, 2])
@pytest.mark.parametrize("shapes_scale", [VOXEL, (1.0, 1.0, 1.0), (7.0, 3.0, 5.0)])
def test_a_drawn_rectangle_is_read_in_voxels_whatever_the_scales(along, shapes_scale):
    image = make_layer(pyramid(offset=(3, 1, 2)))
    box = Box((1, 5, 9), (7, 20, 33))
    world = outline_of(box, image, along, 3)
    shapes = Shapes(world / shapes_scale, scale=shapes_scale, ndim=3)
    between = (box.start[along], box.stop[along])
    assert drawn_box(shapes, image, (8, 32, 64), along, between) == box


def test_a_rectangle_over_the_edge_is_cut_and_one_outside_refused():
    image = make_layer(pyramid())
    shapes = Shapes(outline_of(Box((0, -5, -5), (8, 90, 10)), image, 0, 2), ndim=3)
    assert drawn_box(shapes, image, (8, 32, 64), 0, (0, 99)) == Box((0, 0, 0), (8, 32, 10))
    with pytest.raises(InputError, match="No rectangle"):
        drawn_box(Shapes(ndim=3), image, (8, 32, 64), 0, (0, 8))
    outside = Shapes(outline_of(Box((0, 90, 90), (8, 99, 99)), image, 0, 2), ndim=3)
    with pytest.raises(InputError, match="holds no voxel"):
        drawn_box(outside, image, (8, 32, 64), 0, (0, 8))


@pytest.fixture
def seed_sized(tmp_path: Path):
    """The seed's scan, 7868 × 2624 × 2624, with nothing in it: its metadata are all there is on disk."""
    store = CountingStore(LocalStore(tmp_path / "seed.zarr"))
    group = zarr.create_group(store)
    levels = []
    for number in range(5):
        shape = tuple(-(-side // 2**number) for side in (7868, 2624, 2624))
        levels.append(group.create_array(str(number), shape=shape, chunks=(64, 128, 128), dtype="uint16"))
    store.chunks.clear()
    return store, Volume(levels=tuple(levels), voxel_size=(0.71,) * 3, window=(0, 65535))


def test_a_slice_of_a_huge_scan_reads_only_the_chunks_in_view(seed_sized):
    store, volume = seed_sized
    viewer = ViewerModel()
    layer = make_layer(volume)
    viewer.add_layer(layer)
    in_plane = len(store.chunks)
    coarse_chunks = (164 + 127) // 128
    assert 0 < in_plane <= 3 * coarse_chunks**2, "adding the layer reads planes of the coarsest level only"
    store.chunks.clear()
    viewer.dims.set_point(0, 3000 * 0.71)
    assert {key.split("/")[0] for key in store.chunks} == {"4"}
    assert len({key.split("/")[2] for key in store.chunks}) == 1, "one row of chunks along z"


def test_the_3d_button_takes_the_finest_level_that_fits(seed_sized):
    _, volume = seed_sized
    viewer = ViewerModel()
    guard = _napari.Guard(viewer)
    viewer.add_layer(make_layer(Volume(levels=volume.levels[2:], window=(0, 1))))
    viewer.dims.ndisplay = 3
    layer = viewer.layers[0]
    assert layer.locked_data_level == 1, "984 × 328 × 328 voxels fit"
    layer.locked_data_level = 0
    assert layer.locked_data_level == 1, "a level too large is not taken"
    viewer.dims.ndisplay = 2
    assert layer.locked_data_level is None
    guard.stop()
    viewer.dims.ndisplay = 3
    assert layer.locked_data_level is None


def test_the_3d_button_goes_back_where_nothing_fits(seed_sized, monkeypatch):
    store, volume = seed_sized
    said: list[str] = []
    monkeypatch.setattr(_napari, "warn", said.append)
    viewer = ViewerModel()
    guard = _napari.Guard(viewer)
    viewer.add_layer(make_layer(Volume(levels=volume.levels[:1], window=(0, 1), name="bar")))
    store.chunks.clear()
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 2
    assert "'bar' is too large for the 3-D view" in said[0]
    planes = 21 * 21
    assert len(store.chunks) <= 2 * planes, "never more than slices were read"
    guard.stop()


def test_a_hidden_scan_stops_no_3d_view_until_it_is_shown(seed_sized, monkeypatch):
    store, volume = seed_sized
    said: list[str] = []
    monkeypatch.setattr(_napari, "warn", said.append)
    viewer = ViewerModel()
    guard = _napari.Guard(viewer)
    viewer.add_layer(make_layer(Volume(levels=volume.levels[:1], window=(0, 1), name="bar")))
    viewer.layers["bar"].visible = False
    viewer.add_layer(make_layer(Volume.from_array(np.zeros((8, 8, 8), np.uint8), window=(0, 1))))
    store.chunks.clear()
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 3
    assert not store.chunks, "it is not read"
    viewer.layers["bar"].visible = True
    assert viewer.dims.ndisplay == 2
    assert "'bar' is too large for the 3-D view" in said[0]
    guard.stop()


def test_a_box_is_flown_to_whichever_axis_is_sliced():
    viewer = ViewerModel()
    viewer.add_layer(make_layer(pyramid()))
    low, high = (2.0, 4.0, 4.0), (6.0, 8.0, 6.0)
    for order, centre, point in (((0, 1, 2), (6.0, 5.0), 4.0), ((1, 0, 2), (4.0, 5.0), 6.0)):
        viewer.dims.order = order
        _napari.fly_to(viewer, low, high)
        assert tuple(viewer.scene.camera.center[-2:]) == centre
        assert viewer.dims.point[order[0]] == pytest.approx(point)
    before = _napari.View.of(viewer)
    viewer.dims.ndisplay = 3
    _napari.fly_to(viewer, (0.0, 0.0, 0.0), (8.0, 2.0, 2.0))
    assert tuple(viewer.scene.camera.center) == (1.0, 4.0, 1.0)
    assert viewer.scene.camera.zoom == pytest.approx(min(viewer.canvas.size) / 8)
    before.restore(viewer)
    assert _napari.View.of(viewer) == before
