"""The CycleGAN: its formulas computed independently, its corrections, its state."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from scipy import ndimage
from torch import Tensor

from napari_xct_crack.cracks.random import RandomCracks
from napari_xct_crack.methods import Batch, Learner, Method
from napari_xct_crack.methods._adversary import Adversary
from napari_xct_crack.methods._grey import compose, erase_cracks, spread
from napari_xct_crack.methods._history import exchange
from napari_xct_crack.methods._losses import cross_entropy, dice_loss, null_loss
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.networks import Network
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.networks.patchgan import patchgan
from napari_xct_crack.networks.unet256 import UNet256
from napari_xct_crack.runs import TrainSettings

CPU = torch.device("cpu")
PAPER: dict[str, Any] = json.loads((resources.files("napari_xct_crack") / "presets" / "paper.json").read_text("utf-8"))


def tensor(array: NDArray[Any]) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32)


def batch(seed: int = 0, n: int = 2, k: int = 1, side: int = 64) -> Batch:
    """Noisy metal; straight horizontal drawn cracks, vertical real ones that are doubtful."""
    rng = np.random.default_rng(seed)
    coverage = np.zeros((n, k, side, side))
    free, real = (0.6 + 0.1 * rng.normal(size=(n, k, side, side)) for _ in range(2))
    trusted = np.ones((n, 1, side, side))
    for i in range(n):
        coverage[i, :, rng.integers(4, side - 4), side // 4 :] = 0.8
        column = rng.integers(4, side - 4)
        real[i, :, side // 4 :, column] -= 1.2
        trusted[i, :, side // 4 - 1 :, column - 1 : column + 2] = 0
    middle = coverage[:, k // 2 : k // 2 + 1]
    return Batch(
        masks=tensor(middle > 0.5),
        coverage=tensor(coverage),
        rendered=tensor(free - 1.4 * coverage),
        weight=torch.ones(n, 1, side, side),
        crack_free=tensor(free),
        crack_free_trusted=torch.ones(n, 1, side, side),
        cracked=tensor(real),
        cracked_trusted=tensor(trusted),
        cracked_part=torch.ones(n, 1, side, side),
        contrast=1.4,
        point_spread=1.1,
    )


def started(method: Method, channels: int = 1, network: Network | None = None) -> Learner:
    torch.manual_seed(1)
    return method.start(network or Compact(width=4), channels, CPU)


def tiny(**fields: Any) -> CycleGan:
    return CycleGan.checked({"discriminator_width": 4, "history": 3, **fields})


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-x))


# --- formulas, each against NumPy


def test_published_step_agrees_with_the_formulas() -> None:
    """All terms of the first step, from the nets' raw outputs, by NumPy alone."""
    learner = started(CycleGan.checked({**PAPER["method"], "discriminator_width": 4}))
    given = batch()
    a, b, c = (x.double().numpy() for x in (2 * given.masks - 1, given.cracked, given.crack_free))

    def net(name: str, x: NDArray[Any]) -> NDArray[Any]:
        with torch.no_grad():
            return learner.modules[name](tensor(x)).double().numpy()

    m = (a + 1) / 2
    fake = m * (2 * np.tanh(net("synthesiser", a)) - 1) + (1 - m) * c
    back = np.tanh(net("segmenter", fake))
    mask = np.tanh(net("segmenter", b))
    alpha = (mask + 1) / 2
    rebuilt = alpha * (2 * np.tanh(net("synthesiser", mask)) - 1) + (1 - alpha) * b
    scores = {
        (name, real): net(f"{name}_discriminator", x)
        for name, real, x in (("image", 1, b), ("image", 0, fake), ("mask", 1, a), ("mask", 0, mask))
    }
    expected = {
        "image_adversary": np.mean((scores["image", 0] - 1) ** 2),
        "mask_adversary": np.mean((scores["mask", 0] - 1) ** 2),
        "mask_cycle": np.mean(np.log1p(np.exp(back)) - a * back),
        "image_cycle": np.mean(np.abs(rebuilt - b)),
        "image_discriminator": np.mean((scores["image", 1] - 1) ** 2) / 2 + np.mean(scores["image", 0] ** 2) / 2,
        "mask_discriminator": np.mean((scores["mask", 1] - 1) ** 2) / 2 + np.mean(scores["mask", 0] ** 2) / 2,
        "image_gap": scores["image", 1].mean() - scores["image", 0].mean(),
        "mask_gap": scores["mask", 1].mean() - scores["mask", 0].mean(),
        "predicted_share": alpha.mean(),
        "drawn_share": m.mean(),
    }
    losses = learner.step(given, 0.0, np.random.default_rng(0))
    assert losses == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_warm_start_teaches_the_segmenter_alone() -> None:
    learner = started(tiny(warm_start=0.5))
    before = {name: copy.deepcopy(net.state_dict()) for name, net in learner.modules.items()}
    first = learner.step(batch(), 0.0, np.random.default_rng(0))
    moved = {
        name: any(not torch.equal(value, before[name][key]) for key, value in net.state_dict().items())
        for name, net in learner.modules.items()
    }
    assert [name for name, has in moved.items() if has] == ["segmenter"]
    for step in range(30):
        last = learner.step(batch(), step / 60, np.random.default_rng(step))
    assert last["mask_cycle"] < 0.95 * first["mask_cycle"]
    together = learner.step(batch(), 0.5, np.random.default_rng(0))
    assert list(together) == list(first)
    assert together["image_discriminator"] > 0


def test_published_weights_and_rate() -> None:
    """The gradient that reaches the generators is that of the published sum, and Adam's first step has its size."""
    method = CycleGan.checked({**PAPER["method"], "discriminator_width": 4, "clip": 1e9})
    learner = started(method)
    head = learner.modules["segmenter"].head.bias
    before = head.detach().clone()
    losses = learner.step(batch(), 0.0, np.random.default_rng(0))
    assert float((head.detach() - before).abs()) == pytest.approx(2e-4, rel=1e-3)
    weights = {"image_adversary": 1, "mask_adversary": 1, "mask_cycle": 10, "image_cycle": 10}
    assert {name: getattr(method, name) for name in weights} == weights
    assert method.null == 0
    assert "null" not in losses
    assert [round(method.rate(done) / 2e-4, 6) for done in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    for optimizer in learner.optimizers.values():
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.999)
        assert optimizer.param_groups[0]["lr"] == 2e-4


def test_additive_composite_keeps_noise_and_takes_attenuation() -> None:
    given = batch(k=3)
    answer = torch.randn(given.coverage.shape, generator=torch.Generator().manual_seed(0))
    depth = torch.tensor([0.4, 1.0]).view(2, 1, 1, 1)
    made = compose("additive", given.crack_free, given.coverage, answer, given.contrast * depth, 1.1)
    missing = 2 * sigmoid(answer.double().numpy()) * given.coverage.double().numpy()
    blurred = ndimage.gaussian_filter(missing, (0, 0, 1.1, 1.1), mode="nearest", radius=(0, 0, 4, 4))
    expected = given.crack_free.double().numpy() - 1.4 * depth.double().numpy() * blurred
    np.testing.assert_allclose(made.numpy(), expected.clip(-1.5, 1.5), atol=1e-5)


def test_alpha_composite_paints_the_grey_itself() -> None:
    given = batch()
    answer = torch.full_like(given.masks, -0.3)
    made = compose("alpha", given.crack_free, given.masks, answer, 1.0, 1.0)
    expected = np.where(given.masks.numpy() == 1, np.tanh(-0.3), given.crack_free.numpy())
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-6)


def test_point_spread_of_zero_changes_nothing() -> None:
    maps = batch().coverage
    assert torch.equal(spread(maps, 0.0), maps)


def test_segmentation_losses_leave_out_what_is_unknown() -> None:
    rng = np.random.default_rng(0)
    logits, target, weight = (
        rng.normal(size=(2, 1, 8, 8)),
        rng.random((2, 1, 8, 8)) < 0.2,
        rng.random((2, 1, 8, 8)) < 0.7,
    )
    p, t, w = sigmoid(logits)[weight], target[weight], weight
    entropy = -np.mean(np.where(t, np.log(p), np.log(1 - p)))
    dice = 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
    given = tensor(logits), tensor(target), tensor(w)
    assert float(cross_entropy(*given)) == pytest.approx(entropy, rel=1e-5)
    assert float(dice_loss(*given)) == pytest.approx(dice, rel=1e-5)


def test_null_loss_has_no_gradient_on_doubtful_voxels() -> None:
    logits = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    trusted = (torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1)) < 0.6).float()
    loss = null_loss(logits, trusted)
    chosen = logits.detach().numpy()[trusted.numpy() == 1]
    assert float(loss.detach()) == pytest.approx(np.log1p(np.exp(chosen)).mean(), rel=1e-5)
    (slope,) = torch.autograd.grad(loss, logits)
    assert torch.equal(slope != 0, trusted == 1)


def test_nothing_trusted_costs_nothing() -> None:
    logits, nothing = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    assert float(null_loss(logits, nothing)) == 0
    assert float(cross_entropy(logits, nothing, nothing)) == 0
    assert float(dice_loss(logits, nothing, nothing)) == 0


# --- corrections


def test_empty_mask_costs_nothing_as_published_and_something_on_an_erased_copy() -> None:
    given = batch()
    nothing = torch.zeros_like(given.masks)
    doubtful = given.cracked_trusted == 0

    def cost(background: Tensor) -> Tensor:
        rebuilt = compose("additive", background, nothing, nothing, 1.4, 1.1)
        return (rebuilt - given.cracked).abs()

    assert float(cost(given.cracked).max()) == 0
    erased = cost(erase_cracks(given.cracked, given.cracked_trusted, 15))
    assert float(erased[~doubtful].max()) == 0
    assert float(erased[doubtful].mean()) > 0.1


def test_erasing_lifts_cracks_and_leaves_noise_and_wide_dark_regions() -> None:
    rng = np.random.default_rng(0)
    frame = 0.6 + 0.1 * rng.normal(size=(1, 1, 96, 96))
    frame[..., 70:] -= 1.5  # air beside the part
    crack = frame.copy()
    crack[..., 29:32] -= 1.0
    trusted = np.ones_like(frame)
    trusted[..., 27:34] = trusted[..., 69:] = 0
    erased = erase_cracks(tensor(crack), tensor(trusted), 15).numpy()
    assert 0.6 - erased[..., 30].mean() < 0.4 * (
        0.6 - crack[..., 30].mean()
    )  # the sharpest part stays: it looks like noise
    assert abs(erased[..., 80:].mean() - frame[..., 80:].mean()) < 0.1
    calm = erase_cracks(tensor(frame), tensor(trusted), 15).numpy()
    assert abs(calm[..., 27:34].mean() - frame[..., 27:34].mean()) < 0.05  # mere noise is hardly lifted
    assert np.array_equal(calm[trusted == 1], tensor(frame).numpy()[trusted == 1])


def test_doubtful_background_teaches_nothing_in_the_mask_cycle() -> None:
    given = batch()
    given.crack_free_trusted[:, :, :, 40:] = 0
    learner = started(tiny())
    logits = torch.zeros_like(given.masks, requires_grad=True)
    (slope,) = torch.autograd.grad(learner.mask_cycle(logits, given), logits)  # type: ignore[attr-defined]
    assert torch.equal(slope != 0, (given.crack_free_trusted == 1) | (given.masks == 1))


@pytest.mark.parametrize("norm", ["spectral", "instance"])
def test_gradient_penalty_is_that_of_the_scores_on_real_images(norm: str) -> None:
    torch.manual_seed(0)
    net = patchgan(1, 4, spectral=norm == "spectral").double().eval()
    real, fake = torch.randn(2, 2, 1, 64, 64, dtype=torch.float64).unbind(0)
    rng = np.random.default_rng(0)
    free = Adversary("image", net, 0, 0.0).judge(real, fake, {}, rng)
    bound = Adversary("image", net, 0, 3.0).judge(real, fake, {}, rng)
    step = 1e-5 * torch.randn(real.shape, dtype=torch.float64)
    x = real.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x)
    with torch.no_grad():
        rise = float(net(real + step).sum() - net(real - step).sum())
    assert rise == pytest.approx(2 * float((slope * step).sum()), rel=1e-3)
    assert float(bound.loss - free.loss) == pytest.approx(1.5 * float(slope.square().sum()) / 2)
    assert float(bound.gap) == pytest.approx(float(free.gap))


def test_slower_discriminators() -> None:
    learner = started(tiny(discriminator_rate=0.25))
    learner.step(batch(), 0.75, np.random.default_rng(0))
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in learner.optimizers.items()}
    assert rates == pytest.approx({"generators": 1e-4, "discriminators": 0.25e-4})


# --- history


def test_history_is_filled_first_then_gives_older_fakes_in_half_of_all_cases() -> None:
    pools: dict[str, Tensor] = {}
    rng = np.random.default_rng(0)
    shown = []
    for number in range(4000):
        fake = torch.full((1, 1, 2, 2), float(number))
        shown.append(float(exchange(pools, "image", fake, 50, rng)[0, 0, 0, 0]))
    assert shown[:50] == list(range(50))
    old = np.array(shown[50:]) < np.arange(50, 4000)
    assert old.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(old.size))
    age = (np.arange(50, 4000) - np.array(shown[50:]))[old]
    assert age[500:].mean() == pytest.approx(100, rel=0.15)  # each of 50 is replaced once in 100 steps
    assert np.unique(np.array(shown)[50:][old & (np.array(shown[50:]) >= 50)], return_counts=True)[1].max() == 1
    assert int(pools["image_count"]) == 50


def test_history_gives_each_fake_at_most_once_at_a_time_and_keeps_batches_apart() -> None:
    pools: dict[str, Tensor] = {}
    fakes = torch.arange(6.0).view(6, 1, 1, 1)
    shown = exchange(pools, "mask", fakes, 4, np.random.default_rng(3))
    everything = torch.cat([pools["mask"].flatten(), shown.flatten()])
    assert set(everything.tolist()) == set(range(6))
    assert torch.equal(fakes, torch.arange(6.0).view(6, 1, 1, 1))
    assert exchange({}, "mask", fakes, 0, np.random.default_rng(0)) is fakes


# --- learning and state


@pytest.mark.parametrize("channels", [1, 3])
def test_learns_a_fixed_batch(channels: int) -> None:
    learner = started(tiny(learning_rate=2e-3), channels)
    given = batch(k=channels)
    history = [learner.step(given, 0.0, np.random.default_rng((0, step))) for step in range(30)]
    for name in ("mask_cycle", "image_cycle", "null"):
        assert history[-1][name] < 0.8 * history[0][name]
    assert all(np.isfinite(value) for losses in history for value in losses.values())


def test_every_network_moves_and_each_weight_has_one_optimizer() -> None:
    learner = started(tiny())
    before = {name: {k: v.clone() for k, v in module.named_parameters()} for name, module in learner.modules.items()}
    learner.step(batch(), 0.0, np.random.default_rng(0))
    for name, module in learner.modules.items():
        assert any(not torch.equal(before[name][key], value) for key, value in module.named_parameters())
        assert all(parameter.requires_grad for parameter in module.parameters())
    held = [p for optimizer in learner.optimizers.values() for group in optimizer.param_groups for p in group["params"]]
    assert len(held) == len(set(map(id, held))) == sum(len(list(m.parameters())) for m in learner.modules.values())


def stored(learner: Learner) -> bytes:
    """All state as one file, as a run keeps it."""
    state = {f"m/{name}/{key}": v for name, part in learner.modules.items() for key, v in part.state_dict().items()}
    for name, optimizer in learner.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            state |= {f"o/{name}/{index}/{key}": value for key, value in values.items()}
    return save(state | {f"p/{name}": value for name, value in learner.pools.items()})


def restored(learner: Learner, data: bytes) -> None:
    state = load(data)
    for name, module in learner.modules.items():
        prefix = f"m/{name}/"
        module.load_state_dict({key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)})
    for name, optimizer in learner.optimizers.items():
        found: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key.startswith(f"o/{name}/"):
                index, entry = key.split("/")[2:]
                found.setdefault(int(index), {})[entry] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": found})
    learner.pools.update({key[2:]: value for key, value in state.items() if key.startswith("p/")})


@pytest.mark.parametrize("fields", [{}, {"discriminator_norm": "instance", "gradient_penalty": 1.0}])
def test_resumed_training_equals_uninterrupted_bit_for_bit(fields: dict[str, Any]) -> None:
    dones = np.linspace(0, 1, 8)  # over all modes of the norm
    whole, first, second = (started(tiny(**fields)) for _ in range(3))

    def steps(learner: Learner, numbers: range) -> list[dict[str, float]]:
        return [learner.step(batch(i), float(dones[i]), np.random.default_rng((0, i))) for i in numbers]

    expected = steps(whole, range(8))
    assert steps(first, range(4)) == expected[:4]
    for module in second.modules.values():
        for parameter in module.parameters():
            parameter.data.normal_()
    restored(second, stored(first))
    assert steps(second, range(4, 8)) == expected[4:]
    assert stored(second) == stored(whole)


def test_segmenter_ends_with_fixed_statistics() -> None:
    learner = started(tiny())
    learner.step(batch(), 0.5, np.random.default_rng(0))
    before = {name: value.clone() for name, value in learner.modules["segmenter"].named_buffers()}
    learner.step(batch(1), 0.95, np.random.default_rng(0))
    assert all(torch.equal(before[name], value) for name, value in learner.modules["segmenter"].named_buffers())


# --- the published preset


def test_published_preset_is_what_it_says() -> None:
    method = CycleGan.checked(PAPER["method"])
    assert set(CycleGan.model_fields) - set(PAPER["method"]) == {"shallowest"}  # means nothing without additive
    assert (method.composite, method.mask_loss, method.erase, method.null) == ("alpha_doubled", "bce_tanh", 0, 0)
    settings = TrainSettings.checked({name: value for name, value in PAPER.items() if name != "epochs"})
    assert (settings.network, settings.slices, settings.batch, PAPER["epochs"]) == (UNet256(width=64), 1, 1, 200)
    cracks = RandomCracks.model_validate(settings.cracks.model_dump())
    assert (cracks.decay_min, cracks.decay, cracks.smoothness_min, cracks.smoothness) == (0.01, 0.01, 1, 1)


@pytest.mark.long
def test_published_nets_take_a_step_at_full_size() -> None:
    learner = started(CycleGan.checked(PAPER["method"]), network=UNet256.checked(PAPER["network"]))
    assert [sum(p.numel() for p in module.parameters()) for module in learner.modules.values()] == [
        54_403_457,
        54_403_457,
        2_762_689,
        2_762_689,
    ]
    losses = learner.step(batch(n=1, side=256), 0.0, np.random.default_rng(0))
    assert all(np.isfinite(value) for value in losses.values())
    assert learner.pools["image_history"].shape == (50, 1, 256, 256)
