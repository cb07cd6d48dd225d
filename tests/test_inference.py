"""Segmenting: no tile, slab, crop or stop can be seen in the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import nn

from napari_xct_crack import inference
from napari_xct_crack.blocks import identity
from napari_xct_crack.commands import load
from napari_xct_crack.errors import OutputError, SettingsError
from napari_xct_crack.events import Progress, Said, Warned, finish
from napari_xct_crack.frames import reflected, to_frames
from napari_xct_crack.inference import SegmentSettings, preview, segment
from napari_xct_crack.inference._predict import Predictor
from napari_xct_crack.io.ome_zarr import create, write
from napari_xct_crack.networks import Network
from napari_xct_crack.networks._turned import Turned
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.networks.halved import Halved
from napari_xct_crack.prepare import PrepareSettings
from napari_xct_crack.runs import Run, Segmenter, TrainSettings
from napari_xct_crack.volume import Box, Volume

Array = np.ndarray[Any, Any]
CPU = torch.device("cpu")
CPU_ONLY = SegmentSettings(device="cpu")


class Pooling(nn.Module):
    """Conv, halve, conv, double, conv, plus skip: position matters modulo 2, reach 7."""

    def __init__(self, slices: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(slices, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 4, 2, stride=2)
        self.middle = nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        deep = self.up(torch.relu(self.middle(torch.relu(self.down(x)))))
        logits: torch.Tensor = self.last(x + deep)
        return logits


def segmenter(slices: int = 3, **card: Any) -> Segmenter:
    torch.manual_seed(slices)
    net = Pooling(slices).eval()
    for weight in net.parameters():
        weight.data *= 3
    return Segmenter(net, slices, 2, 8, {"window": (0, 200), "window_rule": {}, **card}, f"pooling-{slices}")


def scan(shape: tuple[int, int, int], seed: int = 0, **fields: Any) -> Volume:
    return Volume.from_array(np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8), **fields)


def whole(model: Segmenter, data: Array) -> Array:
    """The whole slices, padded to the stride, through the net at once."""
    near, stride = model.slices // 2, model.stride
    z = reflected(np.arange(-near, len(data) + near), len(data))
    y, x = (reflected(np.arange(-(-side // stride) * stride), side) for side in data.shape[1:])
    frames = torch.from_numpy(to_frames(data[np.ix_(z, y, x)], (0, 200)))
    stacks = torch.stack([frames[at : at + model.slices] for at in range(len(data))])
    with torch.inference_mode():
        result: Array = torch.sigmoid(model.net(stacks))[:, 0, : data.shape[1], : data.shape[2]].numpy()
    return result


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(3, 75), st.integers(3, 75)),
    slices=st.sampled_from([1, 3, 5]),
    pixels=st.sampled_from([100, 1024, 2000]),
    normal=st.sampled_from([0, 1, 2]),
    corner=st.tuples(*[st.floats(0, 0.9)] * 3),
    seed=st.integers(0, 99),
    turns=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_tiles_of_any_crop_equal_the_whole(
    shape: Any, slices: int, pixels: int, normal: int, corner: Any, seed: int, turns: bool
) -> None:
    model = segmenter(slices)
    model = replace(model, net=Turned(model.net)) if turns else model
    order = ((0, 1, 2), (1, 0, 2), (2, 0, 1))[normal]
    data = scan(shape, seed).read()
    volume = Volume.from_array(np.ascontiguousarray(data.transpose(np.argsort(order))))
    start = tuple(int(share * side) for share, side in zip(corner, volume.shape, strict=True))
    volume = volume.cropped(Box(start, volume.shape))  # type: ignore[arg-type]
    found = finish(Predictor(model, volume, (0, 200), normal, CPU, pixels).predict(Box.of(volume.shape)))
    expected = whole(model, data).transpose(np.argsort(order))[volume.crop.slices]
    assert np.abs(found / 255 - expected).max() <= 0.5 / 255 + 1e-3


def test_more_than_one_tile_is_used_and_its_edges_would_show_without_halo() -> None:
    model, data = segmenter(), scan((1, 80, 80))
    predictor = Predictor(model, data, (0, 200), 0, CPU, 1024)
    assert len(list(predictor.tiles(((0, 80), (0, 80))))) > 4
    blind = Predictor(replace(model, reach=0), data, (0, 200), 0, CPU, 1024)
    box = Box.of(data.shape)
    assert np.abs(finish(predictor.predict(box)) / 255 - whole(model, data.read())).max() < 0.003
    assert np.abs(finish(blind.predict(box)) / 255 - whole(model, data.read())).max() > 0.02


@pytest.mark.parametrize("network", [Compact(width=2), Halved(width=4)], ids=lambda network: network.kind)
def test_the_small_networks_have_no_seams_either(network: Network) -> None:
    torch.manual_seed(1)
    model = Segmenter(network.build(3).eval(), 3, network.stride, network.reach, {"window": (0, 200)}, network.kind)
    data = scan((2, 330, 290))
    tiles = Predictor(model, data, (0, 200), 0, CPU, 100)
    assert len(list(tiles.tiles(((0, 330), (0, 290))))) > 1
    found = finish(tiles.predict(Box.of(data.shape)))
    assert np.abs(found / 255 - whole(model, data.read())).max() <= 0.5 / 255 + 1e-3


def test_segment_writes_the_crop_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SLAB_BYTES", 4 * 60 * 70)
    model = segmenter()
    data = scan((12, 64, 75), voxel_size=(1.0, 0.5, 0.5), offset=(5, 0, 0))
    model = replace(model, card={**model.card, "scan": identity(data)})
    crop = data.cropped(Box((1, 4, 5), (12, 64, 75)))
    events = []
    work = segment(model, crop, tmp_path / "p.ome.zarr", CPU_ONLY)
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            found: Volume = stop.value
            break
    expected = whole(model, data.read())[1:, 4:, 5:]
    assert np.abs(found.read() / 255 - expected).max() <= 0.5 / 255 + 1e-3
    assert (found.role, found.dtype, found.offset) == ("probability", np.uint8, (6, 4, 5))
    assert found.voxel_size == (1.0, 0.5, 0.5)
    assert {event.text for event in events if type(event) is Said} == {
        "Segmenting on cpu.",
        "Grey window 0 to 200, as in training.",
    }
    saved = [event.done for event in events if isinstance(event, Progress) and event.what == "segmenting along z"]
    assert saved == [0, 1, 2, 3]
    np.testing.assert_array_equal(
        preview(model, crop, Box((2, 3, 4), (5, 50, 60)), CPU_ONLY), found.read()[2:5, 3:50, 4:60]
    )


def test_turned_the_scan_gives_the_turned_answer(tmp_path: Path) -> None:
    model, data = segmenter(), scan((6, 32, 48))
    same = replace(model, card={**model.card, "scan": identity(data)})
    asked = SegmentSettings(device="cpu", turns=True)
    found = finish(segment(same, data, tmp_path / "p.ome.zarr", asked)).read().astype(int)
    once = finish(segment(same, data, tmp_path / "q.ome.zarr", CPU_ONLY)).read().astype(int)
    logits = [whole(model, turn(data.read())) for turn in _HALF_TURNS]
    mean = np.mean([np.log(turn(p) / (1 - turn(p))) for p, turn in zip(logits, _HALF_TURNS, strict=True)], axis=0)
    assert np.abs(found / 255 - 1 / (1 + np.exp(-mean))).max() <= 0.5 / 255 + 1e-3
    for turn in _HALF_TURNS:
        turned = Volume.from_array(np.ascontiguousarray(turn(data.read())), window=(0, 200))
        known = replace(model, card={**model.card, "scan": identity(turned)})
        assert np.abs(turn(preview(known, turned, Box.of(data.shape), asked).astype(int)) - found).max() <= 1
    assert np.abs(found - once).max() > 1
    with pytest.raises(OutputError, match="--overwrite"):
        finish(segment(same, data, tmp_path / "p.ome.zarr", CPU_ONLY))


_HALF_TURNS = (
    lambda a: a,
    lambda a: a[:, ::-1, ::-1],
    lambda a: a[::-1, :, ::-1],
    lambda a: a[::-1, ::-1],
)
"""Half a turn about no axis, z, y and x; each undoes itself."""


@pytest.mark.parametrize("normal", ["y", "x", "all"])
def test_other_normals_and_their_mean(tmp_path: Path, normal: Any) -> None:
    model, data = segmenter(), scan((10, 20, 30))
    each = {
        name: whole(model, data.read().transpose(order)).transpose(np.argsort(order))
        for name, order in {"z": (0, 1, 2), "y": (1, 0, 2), "x": (2, 0, 1)}.items()
    }
    same = replace(model, card={**model.card, "scan": identity(data)})
    found = finish(segment(same, data, tmp_path / "q.ome.zarr", SegmentSettings(device="cpu", normal=normal))).read()
    expected = np.mean(list(each.values()), axis=0) if normal == "all" else each[normal]
    assert np.abs(found / 255 - expected).max() <= 1.01 / 255 + 1e-3
    assert not list(tmp_path.glob("*/.work"))


def test_outside_the_part_is_zero_and_not_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SLAB_BYTES", 2 * 40 * 40)
    monkeypatch.setattr("napari_xct_crack.inference._predict._STRIP", 7)
    part = np.zeros((4, 20, 20), bool)
    part[1:3, 5:15, 5:15] = True
    data = scan((8, 40, 40), part=Volume.from_array(part, role="mask"))
    work = segment(segmenter(), data, tmp_path / "p.ome.zarr", CPU_ONLY)
    totals = {event.total for event in work if isinstance(event, Progress) and event.what == "segmenting along z"}
    assert totals == {2}
    found = finish(segment(segmenter(), data, tmp_path / "p.ome.zarr", CPU_ONLY)).read()
    inner = ndimage.binary_erosion(np.kron(part, np.ones((2, 2, 2))) > 0)
    assert (found[~inner] == 0).all()
    assert (found[inner] > 0).any()


def test_absent_chunks_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SLAB_BYTES", 8 * 40 * 40)
    path = tmp_path / "s.ome.zarr"
    store = create(path, (40, 40, 40), "uint8", role="image", voxel_size=None, chunk=(8, 8, 8), shard=(8, 16, 16))
    store.arrays[0][3:12] = 100
    model = replace(segmenter(1), card={"window": (0, 200), "scan": identity(store.volume())})
    events = list(segment(model, store.volume(), tmp_path / "p.ome.zarr", CPU_ONLY))
    assert {event.total for event in events if isinstance(event, Progress) and event.what == "segmenting along z"} == {
        2
    }


def test_stop_and_resume_gives_the_same_and_another_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "SLAB_BYTES", 2 * 30 * 30)
    data = write(tmp_path / "s.ome.zarr", scan((9, 30, 30)).read(), role="image")
    work = segment(segmenter(), data, tmp_path / "p.ome.zarr", CPU_ONLY)
    for event in work:
        if isinstance(event, Progress) and event.done == 2:
            break
    work.close()
    with pytest.raises(OutputError, match="unfinished work of another"):
        finish(segment(segmenter(1), data, tmp_path / "p.ome.zarr", CPU_ONLY))
    resumed = finish(segment(segmenter(), data, tmp_path / "p.ome.zarr", CPU_ONLY))
    fresh = finish(segment(segmenter(), data, tmp_path / "q.ome.zarr", CPU_ONLY))
    np.testing.assert_array_equal(resumed.read(), fresh.read())


def test_another_scan_gets_its_own_window_and_warnings(tmp_path: Path) -> None:
    card = {"voxel_size": (1, 1, 1), "scan": "other", "window_rule": PrepareSettings().model_dump(mode="json")}
    look = {"appearance": {"noise": 0.001, "contrast": 1.0}}
    data = scan((6, 60, 60), voxel_size=(2.0, 1.0, 1.0))
    events = list(segment(segmenter(1, **card, **look), data, tmp_path / "p.ome.zarr", CPU_ONLY))
    texts = [event.text for event in events if isinstance(event, Warned)]
    assert any("Voxels are 2 × 1 × 1" in text for text in texts)
    assert any("Noise is" in text for text in texts)
    assert any("in place of 0 to 200" in event.text for event in events if isinstance(event, Said))
    by_hand = segmenter(1, scan="other", window_rule=None)
    events = list(segment(by_hand, data, tmp_path / "q.ome.zarr", CPU_ONLY))
    assert any("by hand" in event.text for event in events if isinstance(event, Warned))


def test_memory_that_runs_out_halves_the_batch_and_says_so(tmp_path: Path) -> None:
    class Scarce(Pooling):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > self.limit:
                raise torch.cuda.OutOfMemoryError("none left")
            return super().forward(x)

    model, data = segmenter(1), scan((8, 30, 30))
    scarce = Scarce(1).eval()
    scarce.load_state_dict(model.net.state_dict())
    scarce.limit = 3  # type: ignore[assignment]
    events = list(segment(replace(model, net=scarce), data, tmp_path / "p.ome.zarr", CPU_ONLY))
    assert [event.text[-2:] for event in events if isinstance(event, Said) and "ran out" in event.text] == ["4.", "2."]
    full = finish(segment(model, data, tmp_path / "q.ome.zarr", CPU_ONLY))
    scarce.limit = 1  # type: ignore[assignment]
    found = finish(segment(replace(model, net=scarce), data, tmp_path / "r.ome.zarr", CPU_ONLY))
    assert np.abs(full.read().astype(int) - found.read()).max() <= 1
    scarce.limit = 0  # type: ignore[assignment]
    with pytest.raises(SettingsError, match="too little memory"):
        finish(segment(replace(model, net=scarce), data, tmp_path / "s.ome.zarr", CPU_ONLY))
    with pytest.raises(SettingsError, match="not available"):
        finish(segment(model, data, tmp_path / "t.ome.zarr", SegmentSettings(device="cuda:7")))


def test_the_command_segments_a_crop_with_a_run_or_its_model(tmp_path: Path) -> None:
    data = scan((5, 48, 48), voxel_size=(1.0, 1.0, 1.0))
    write(tmp_path / "s.ome.zarr", data.read(), role="image", voxel_size=(1.0, 1.0, 1.0))
    run = Run.create(
        tmp_path / "run", TrainSettings(network=Compact(width=2), slices=3), replace(data, window=(0.0, 200.0))
    )
    run.save_model(Compact(width=2).build(3).state_dict(), {}, {})
    values = {"volume": str(tmp_path / "s.ome.zarr"), "crop": (1, 0, 3, 5, 40, 48), "device": "cpu"}
    found = [
        finish(load("segment").checked({**values, "run": folder, "out": tmp_path / f"{name}.ome.zarr"}).run())
        for name, folder in (("a", tmp_path / "run"), ("b", tmp_path / "run" / "model"))
    ]
    assert found[0].shape == (4, 40, 45)
    assert found[0].offset == (1, 0, 3)
    np.testing.assert_array_equal(found[0].read(), found[1].read())
