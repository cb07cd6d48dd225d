"""What each setting of the patches does to what is taught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_xct_crack.checkpoints import move_average
from napari_xct_crack.corrections import Correction
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.events import StepDone, finish
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.patches import Patches, PatchSettings
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import prepare
from napari_xct_crack.records import read_tensors
from napari_xct_crack.render import margin, missing, paint, swap_amplitude
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget, train
from napari_xct_crack.volume import Volume

CRACKS = SheetCracks(count=(3, 6))


@pytest.fixture(scope="module")
def scan() -> Volume:
    phantom = simulate(PhantomSettings(condition="seed-like", shape=(20, 128, 128), prevalence=4))
    return prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))


def patches(scan: Volume, **settings: Any) -> Patches:
    return Patches(scan, PatchSettings(size=64, **settings), CRACKS, 3, 16, seed=1)


def test_without_doubt_all_of_a_background_is_taught_as_metal(scan: Volume) -> None:
    with_doubt, without = (patches(scan, doubt=on, background_share=1).batch(0, 16) for on in (True, False))
    assert torch.equal(with_doubt.rendered, without.rendered)
    left_out = (without.weight > 0) & (with_doubt.weight == 0)
    assert 0.001 < left_out.float().mean() < 0.3
    assert (with_doubt.weight <= without.weight).all()


def test_a_share_of_the_backgrounds_are_the_least_doubtful(scan: Volume) -> None:
    few, half, everything = (patches(scan, background_share=share) for share in (0.1, 0.5, 1.0))
    assert len(few.free) < len(half.free) < len(everything.free)
    assert np.array_equal(np.unique(everything.free, axis=0), np.unique(everything.cracked, axis=0))


def test_cracks_that_are_not_matched_look_the_same_whatever_the_scan(scan: Volume) -> None:
    fixed, matched = patches(scan, rendering="fixed"), patches(scan)
    assert fixed.look == (1.0, 1.0)
    assert matched.look != fixed.look
    depths = []
    for one in (fixed, matched):
        batch = one.batch(0, 16)
        inside = (batch.masks > 0) & (batch.coverage[:, 1:2] > 0.9)
        metal = (batch.masks == 0) & (batch.weight > 0)
        depths.append(float(batch.rendered[:, 1:2][metal].mean() - batch.rendered[:, 1:2][inside].mean()))
    assert 0 < depths[0] < 0.6 * depths[1]


def test_painted_cracks_lose_the_noise_and_rendered_ones_keep_it(scan: Volume) -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(0.5, 0.2, (5, 64, 64)).astype(np.float32)
    pad = margin(1.0)
    void = np.zeros((5 + 2 * pad, 64, 64), np.float32)
    void[:, 20:40] = 1
    painted = paint(frames, void, -0.8, 1.0)
    np.testing.assert_allclose(painted[:, 28:32], -0.8, atol=1e-3)
    np.testing.assert_allclose(painted[:, :12], frames[:, :12], atol=1e-5)
    assert np.ptp(missing(void, 1.0)) == pytest.approx(1, abs=1e-3)
    alpha, matched = patches(scan, rendering="alpha"), patches(scan)
    deep = (matched.batch(0, 8).coverage > 0.95) & (matched.batch(0, 8).rendered < 0)
    assert alpha.batch(0, 8).rendered[deep].std() < matched.batch(0, 8).rendered[deep].std()
    metal = patches(scan).batch(0, 8).crack_free.median()
    assert alpha._air(1.0) == pytest.approx(float(metal) - alpha.look[0], abs=0.2)


def test_swapped_amplitudes_are_those_of_the_real_frame_and_phases_stay() -> None:
    rng = np.random.default_rng(0)
    frames, real = rng.normal(0, 1, (2, 3, 32, 48)).astype(np.float32)
    swapped = swap_amplitude(frames, real, 0.25)
    before, after, other = (np.fft.fft2(some) for some in (frames, swapped, real))
    fy, fx = np.abs(np.fft.fftfreq(32))[:, None], np.abs(np.fft.fftfreq(48))[None]
    low = np.broadcast_to((fy <= 0.125) & (fx <= 0.125) & (fy + fx > 0), before.shape)
    np.testing.assert_allclose(np.abs(after)[low], np.abs(other)[low], rtol=1e-3)
    np.testing.assert_allclose(after[~low], before[~low], rtol=1e-3, atol=1e-3)
    turned = np.angle(after / before)[low]
    assert np.abs(np.angle(np.exp(1j * turned))).max() < 1e-3
    np.testing.assert_allclose(swap_amplitude(frames, frames, 1.0), frames, atol=1e-4)


def test_amplitudes_are_swapped_in_what_is_taught(scan: Volume) -> None:
    plain, swapped = patches(scan).batch(0, 4), patches(scan, amplitude=0.2).batch(0, 4)
    assert torch.equal(plain.masks, swapped.masks)
    assert 0.001 < (plain.rendered - swapped.rendered).abs().mean() < 1


def test_what_the_net_is_sure_of_is_taught_as_crack(scan: Volume) -> None:
    taught = patches(scan, found_share=1.0)
    first = taught.batch(0, 8)
    assert first.coverage.max() > 0, "as long as nothing is found, cracks are rendered"
    slab = taught.slabs[0]
    sure = slab.suspected & slab.part
    taught.reviewed([np.zeros_like(slab.suspected)], [sure])
    batch = taught.batch(0, 8)
    assert batch.coverage.max() == 0
    assert batch.masks.sum() > 50
    assert (batch.weight[batch.masks > 0] == 1).all()
    dark, metal = batch.masks > 0, (batch.masks == 0) & (batch.weight > 0)
    assert batch.rendered[:, 1:2][dark].mean() < batch.rendered[:, 1:2][metal].mean()


def test_nothing_is_found_in_a_patch_known_to_be_crack_free(scan: Volume) -> None:
    known = (Correction(at=(4, 0, 0), size=64, cracked=False),)
    taught = Patches(scan, PatchSettings(size=64, found_share=1.0), CRACKS, 3, 16, 1, known)
    everywhere = np.ones_like(taught.slabs[0].part)
    taught.reviewed([everywhere], [everywhere])
    assert not taught.slabs[0].found[4, :64, :64].any()
    assert taught.slabs[0].found.any()


def test_a_run_that_teaches_what_it_found_is_resumed_bit_for_bit(scan: Volume, tmp_path: Path) -> None:
    settings = TrainSettings(
        network=Compact(width=2),
        slices=3,
        batch=2,
        steps_per_epoch=6,
        reviews=1,
        cracks=CRACKS,
        patches=PatchSettings(size=64, found_share=0.5),
    )
    finish(train(Run.create(tmp_path / "whole", settings, scan), Budget(epochs=1), "cpu"))
    work = train(Run.create(tmp_path / "parts", settings, scan), Budget(epochs=1), "cpu")
    for event in work:
        if isinstance(event, StepDone) and event.step == 4:
            break
    work.close()
    finish(train(Run.create(tmp_path / "parts", settings, scan), Budget(epochs=1), "cpu"))
    one, two = (read_tensors(tmp_path / name / "checkpoint.safetensors")[0] for name in ("whole", "parts"))
    assert "found/0" in one
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_horizon_of_the_average() -> None:
    live, none, short, long = (torch.nn.Linear(1, 1, bias=False) for _ in range(4))
    for step in range(1, 101):
        live.weight.data.fill_(float(step))
        move_average(none, live, step, 0.0)
        move_average(short, live, step, 0.05)
        move_average(long, live, step, 0.5)
    weights = [net.weight.item() for net in (none, short, long)]
    assert weights[0] == 100
    assert weights[1] == pytest.approx(95, abs=1.5)
    assert 60 < weights[2] < 75
