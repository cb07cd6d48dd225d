"""Every network: shapes, reach, costs, and norms whose statistics can be fixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from torch import Tensor, nn

from napari_xct_crack.networks import Network
from napari_xct_crack.networks._norm import Norm, fold, norm_mode_for, set_norm
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.networks.halved import Halved
from napari_xct_crack.networks.patchgan import patchgan
from napari_xct_crack.networks.unet256 import UNet256
from napari_xct_crack.ridges import sato

KINDS = sorted(Network.kinds())


def small(kind: str) -> Network:
    """The kind at a width that a test can afford; shapes and reach do not depend on it."""
    network = Network.named(kind)
    return network.model_validate({"width": 4} if "width" in network.model_fields else {})


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def multiply_adds(net: nn.Module, channels: int, side: int) -> float:
    """Multiply-adds of the convolutions per pixel of a square input."""
    total = 0

    def add(module: nn.Conv2d | nn.ConvTranspose2d, given: tuple[Tensor], out: Tensor) -> None:
        nonlocal total
        pixels = out if isinstance(module, nn.Conv2d) else given[0]
        total += pixels.numel() * module.weight[0].numel()

    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            part.register_forward_hook(add)
    with torch.no_grad():
        net(torch.zeros(1, channels, side, side))
    return total / side**2


def stirred(kind: str, channels: int = 1) -> nn.Module:
    """A net whose running statistics have seen something."""
    torch.manual_seed(3)
    network = small(kind)
    net = network.build(channels).train()
    for _ in range(3):
        net(torch.randn(2, channels, network.stride, network.stride) * 2 + 1)
    return net


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 5])
def test_gives_one_logit_per_pixel(kind: str, channels: int) -> None:
    network = small(kind)
    net = network.build(channels)
    shape = (2 * network.stride, network.stride) if network.stride > 64 else (5 * network.stride, 3 * network.stride)
    assert net(torch.randn(2, channels, *shape)).shape == (2, 1, *shape)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_a_function_of_the_seed(kind: str) -> None:
    built = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        built.append(small(kind).build(1).state_dict())
    assert all(torch.equal(built[0][name], built[1][name]) for name in built[0])
    assert not all(torch.equal(built[0][name], built[2][name]) for name in built[0])


@pytest.mark.parametrize("kind", KINDS)
def test_reach_is_how_far_an_input_pixel_acts(kind: str) -> None:
    """Positive weights, so that nothing cancels; the gradient of one output pixel shows which inputs act on it."""
    network = small(kind)
    net = network.build(1).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    start = -(-network.reach // network.stride) * network.stride
    places = range(network.stride) if network.stride <= 16 else (0, 1, network.stride // 2, network.stride - 2)
    furthest = 0
    for place in places:
        x = torch.ones(1, 1, network.stride, 2 * start + network.stride, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(net(x)[0, 0, :, start + place].sum(), x)
        columns = slope[0, 0].abs().amax(0).nonzero().flatten()
        furthest = max(furthest, start + place - int(columns.min()), int(columns.max()) - start - place)
    assert furthest == network.reach


@pytest.mark.parametrize("kind", KINDS)
def test_a_shift_by_the_stride_shifts_the_output(kind: str) -> None:
    network = small(kind)
    net = stirred(kind).eval()
    reach, stride = -(-network.reach // network.stride) * network.stride, network.stride
    x = torch.randn(1, 1, stride, 2 * reach + 2 * stride)
    with torch.no_grad():
        whole, part = net(x), net(x[..., stride:])
    inner = slice(reach, reach + stride)
    torch.testing.assert_close(whole[..., reach + stride : reach + 2 * stride], part[..., inner], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_only_live_statistics_depend_on_what_lies_elsewhere(kind: str) -> None:
    network = small(kind)
    side = -(-(network.reach + 1) // network.stride) * network.stride + network.stride
    quiet = torch.randn(1, 1, network.stride, side)
    loud = quiet.clone()
    loud[..., network.reach + 1 :] += 5.0
    net = stirred(kind)
    for mode, same in (("live", False), ("fixed", True)):
        set_norm(net, mode)  # type: ignore[arg-type]
        with torch.no_grad():
            left = net(quiet)[..., 0], net(loud)[..., 0]
        assert torch.equal(*left) is same
    net.eval()
    with torch.no_grad():
        assert torch.equal(net(quiet)[..., 0], net(loud)[..., 0])


@pytest.mark.parametrize("kind", KINDS)
def test_modes_train_and_only_fixed_leaves_the_statistics(kind: str) -> None:
    network = small(kind)
    net = stirred(kind)
    for mode, moves in (("live", True), ("running", True), ("fixed", False)):
        set_norm(net, mode)  # type: ignore[arg-type]
        before = {name: value.clone() for name, value in net.named_buffers()}
        net.zero_grad()
        # Two passes before one backward, as the cycles have it.
        sum(net(torch.randn(2, 1, network.stride, network.stride)).square().mean() for _ in range(2)).backward()
        assert all(parameter.grad is not None for parameter in net.parameters())
        assert any(not torch.equal(before[name], value) for name, value in net.named_buffers()) is moves


@pytest.mark.parametrize("kind", KINDS)
def test_folded_net_gives_what_the_live_one_gives(kind: str) -> None:
    net = stirred(kind, 3)
    folded = fold(net)
    assert not any(isinstance(part, Norm) for part in folded.modules())
    x = torch.randn(1, 3, small(kind).stride, small(kind).stride)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), net.eval()(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("over", ["instance", "batch"])
def test_running_statistics_converge_to_those_of_the_data(over: str) -> None:
    norm = Norm(2, over=over, affine=False)  # type: ignore[arg-type]
    torch.manual_seed(0)
    for mode in ("live", "running"):
        norm.mode = mode  # type: ignore[assignment]
        for _ in range(150):
            out = norm(torch.randn(4, 2, 16, 16) * torch.tensor([2.0, 0.5]).view(1, 2, 1, 1) + 3)
        torch.testing.assert_close(norm.running_mean, torch.tensor([3.0, 3.0]), atol=0.1, rtol=0)
        torch.testing.assert_close(norm.running_var, torch.tensor([4.0, 0.25]), atol=0, rtol=0.1)
        assert abs(float(out.mean())) < 0.1
        assert abs(float(out.std()) - 1) < 0.1


def test_statistics_are_fixed_for_the_last_tenth() -> None:
    assert [norm_mode_for(done) for done in (0.0, 0.79, 0.8, 0.89, 0.9, 1.0)] == [
        "live",
        "live",
        "running",
        "running",
        "fixed",
        "fixed",
    ]


@pytest.mark.parametrize("channels", [1, 5, 9])
def test_small_nets_are_cheap(channels: int) -> None:
    assert multiply_adds(Compact().build(channels), channels, 64) <= 11_000
    assert multiply_adds(Halved().build(channels), channels, 64) <= 8_500


@pytest.mark.parametrize(("width", "parameters"), [(64, 54_403_457), (32, 13_603_009), (16, 3_401_825)])
def test_unet256_has_the_published_size(width: int, parameters: int) -> None:
    with torch.device("meta"):  # counts weights without drawing them
        assert count(UNet256(width=width).build(1)) == parameters


def test_unet256_has_the_published_cost() -> None:
    assert multiply_adds(UNet256(width=64).build(1), 1, 256) == pytest.approx(90_752)


def test_unet256_starts_from_the_published_distribution() -> None:
    torch.manual_seed(0)
    net = UNet256(width=16).build(1)
    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            assert torch.count_nonzero(part.bias) == 0
            assert float(part.weight.detach().mean()) == pytest.approx(0, abs=6 * 0.02 / part.weight.numel() ** 0.5)
            assert float(part.weight.detach().std()) == pytest.approx(0.02, rel=4 / part.weight.numel() ** 0.5)


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize(("width", "parameters"), [(64, 2_762_689), (16, 174_577)])
def test_patchgan_has_the_published_size(width: int, parameters: int, spectral: bool) -> None:
    net = patchgan(1, width, spectral=spectral)
    assert count(net) == parameters
    with torch.no_grad():
        assert net(torch.zeros(1, 1, 256, 256)).shape == (1, 1, 30, 30)


def test_patchgan_judges_patches_of_70_pixels() -> None:
    net = patchgan(1, 4, spectral=True).double()
    x = torch.randn(1, 1, 256, 256, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(net(x)[0, 0, 15, 15], x)
    rows = slope[0, 0].abs().amax(1).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_spectral_norm_bounds_every_layer() -> None:
    torch.manual_seed(0)
    net = patchgan(1, 8, spectral=True).train()
    for _ in range(30):
        net(torch.randn(1, 1, 64, 64))
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1, abs=0.02)


def test_a_compact_net_is_shown_what_sato_sees() -> None:
    rng = np.random.default_rng(0)
    scan = rng.normal(0, 1, (41, 64, 64)).astype(np.float32)
    scan[:, 30:32] -= 3
    net = Compact(width=2, responses=True).build(41)
    maps = net[0](torch.from_numpy(scan)[None])[0, 41:].numpy()  # type: ignore[index]
    inner = (slice(16, -16), slice(16, -16))
    for number, sigma in enumerate((1.5, 3.0)):
        smooth, sheet, line = maps[3 * number : 3 * number + 3]
        for found, wanted in (
            (smooth, gaussian_filter(scan, sigma, truncate=3)[20]),
            (sheet.clip(0), sato(scan, sigma)[20]),
            (line.clip(0), sato(gaussian_filter1d(scan, sigma, axis=0), sigma, planar=True)[20]),
        ):
            assert np.abs(found - wanted)[inner].max() < 0.04 * np.ptp(wanted[inner])


def test_responses_widen_the_reach_and_learn_nothing() -> None:
    plain, shown = Compact(width=4), Compact(width=4, responses=True)
    assert shown.reach == plain.reach + 9
    net = shown.build(5)
    assert net(torch.zeros(1, 5, 32, 32)).shape == (1, 1, 32, 32)
    assert count(net) == count(plain.build(11))
    assert net.state_dict().keys() == {f"1.{name}" for name in plain.build(5).state_dict()}


@pytest.mark.parametrize("slices", [1, 3, 5, 9])
def test_learnt_weights_fit_any_number_of_slices(slices: int) -> None:
    weights, own = Halved().learnt(slices), Halved().learnt(5)
    assert weights is not None
    assert own is not None
    net, reference = Halved().build(slices).eval(), Halved().build(5).eval()
    net.load_state_dict(weights)
    reference.load_state_dict(own)
    image = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        alike = net(image.expand(-1, slices, -1, -1)) - reference(image.expand(-1, 5, -1, -1))
    assert float(alike.abs().max()) < 1e-3


def test_other_networks_have_no_learnt_weights() -> None:
    assert Halved(width=8).learnt(5) is None
    assert Compact().learnt(5) is None
