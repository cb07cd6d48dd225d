"""Unpaired learning with a CycleGAN: a segmenter and a synthesiser that undo each other, and two adversaries."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.config import JsonDict
from torch import Tensor, device, nn
from torch.nn import functional

from ..networks import Network
from ..networks._norm import norm_mode_for, set_norm
from ..networks.patchgan import patchgan
from ..processes import replicated
from . import Batch, Learner, Method
from ._adversary import Adversary
from ._grey import Composite, compose, depths, erase_cracks, void_of
from ._losses import cross_entropy, dice_loss, null_loss
from .semisynthetic import SemiSynthetic, SemiSyntheticLearner

_ADVANCED: JsonDict = {"advanced": True}


class CycleGan(Method):
    """A segmenter (image → mask) and a synthesiser (mask → image) learn from masks and frames that are not paired.

    The defaults correct known faults of the published recipe; each field says which value is the published one.

    References
    ----------
    Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017.
    Ma et al., "Self-Supervised Vessel Segmentation via Adversarial Learning", ICCV 2021.
    """

    kind: Literal["cyclegan"] = "cyclegan"
    composite: Composite = Field(
        "additive",
        description="How cracks enter a frame: additive takes attenuation away, blurred as the scan is; alpha paints "
        "the synthesiser's grey over it; alpha_doubled paints twice that grey minus one, as published.",
    )
    shallowest: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Additive cracks have a random depth between this share of the contrast and all of it.",
        json_schema_extra=_ADVANCED,
    )
    erase: int = Field(
        15,
        ge=0,
        le=101,
        description="Real frames are rebuilt on a copy whose doubtful dark lines up to this many voxels wide are "
        "erased; 0 rebuilds on the frame itself, as published.",
        json_schema_extra=_ADVANCED,
    )
    mask_loss: Literal["bce_dice", "bce_tanh"] = Field(
        "bce_dice",
        description="Loss of the mask cycle: cross entropy and Dice where the truth is known, or, as published, cross "
        "entropy on the tanh of the output with targets of -1 and 1.",
        json_schema_extra=_ADVANCED,
    )
    image_adversary: float = Field(
        1.0, ge=0, description="Weight of the image discriminator; published: 1.", json_schema_extra=_ADVANCED
    )
    mask_adversary: float = Field(0.25, ge=0, description="Weight of the mask discriminator; published: 1.")
    mask_cycle: float = Field(
        10.0, ge=0, description="Weight of mask → image → mask; published: 10.", json_schema_extra=_ADVANCED
    )
    image_cycle: float = Field(
        10.0, ge=0, description="Weight of image → mask → image; published: 10.", json_schema_extra=_ADVANCED
    )
    null: float = Field(1.0, ge=0, description="Weight of seeing no crack in metal beyond doubt; published: 0.")
    discriminator_width: int = Field(64, ge=4, le=128, description="Channels after a discriminator's first layer.")
    discriminator_norm: Literal["spectral", "instance"] = Field(
        "spectral",
        description="What keeps a discriminator in bounds: spectral norm, or instance norm as published.",
        json_schema_extra=_ADVANCED,
    )
    discriminator_rate: float = Field(
        0.5,
        gt=0,
        le=4,
        description="Learning rate of the discriminators as a share of the generators'; published: 1.",
        json_schema_extra=_ADVANCED,
    )
    gradient_penalty: float = Field(
        0.0,
        ge=0,
        description="Weight of the discriminators' squared gradient on real images; published: 0.",
        json_schema_extra=_ADVANCED,
    )
    history: int = Field(
        50,
        ge=0,
        le=500,
        description="How many older fakes per domain the discriminators see again.",
        json_schema_extra=_ADVANCED,
    )
    warm_start: float = Field(
        0.0,
        ge=0,
        le=0.9,
        description="Share of the training in which the segmenter first learns from rendered cracks alone; published: 0.",
    )
    learning_rate: float = Field(2e-4, gt=0, le=0.1, description="Learning rate of Adam.")
    decay_from: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the training after which the learning rate falls linearly to 0.",
        json_schema_extra=_ADVANCED,
    )
    clip: float = Field(5.0, gt=0, description="Largest norm of the generators' gradient.", json_schema_extra=_ADVANCED)

    def start(self, network: Network, channels: int, on: device) -> Learner:
        return CycleGanLearner(self, network, channels, on)

    def rate(self, done: float) -> float:
        """Learning rate of the generators at a share `done` of the budget."""
        if done <= self.decay_from:
            return self.learning_rate
        return self.learning_rate * max(0.0, 1 - done) / (1 - self.decay_from)


class CycleGanLearner(Learner):
    """The four networks at work. With several slices the image domain of the adversaries is the middle one."""

    def __init__(self, settings: CycleGan, network: Network, channels: int, on: device) -> None:
        self.settings = settings
        self.middle = channels // 2
        spectral, width = settings.discriminator_norm == "spectral", settings.discriminator_width
        segmenter, synthesiser = network.build(channels).to(on), network.build(1).to(on)
        judges = {name: patchgan(1, width, spectral=spectral).to(on) for name in ("image", "mask")}
        self.adversaries = {
            name: Adversary(name, replicated(judge), settings.history, settings.gradient_penalty)
            for name, judge in judges.items()
        }
        self.segmenter, self.synthesiser = replicated(segmenter), replicated(synthesiser)
        self.modules = {"segmenter": segmenter, "synthesiser": synthesiser}
        self.modules |= {f"{name}_discriminator": judge for name, judge in judges.items()}
        self.generated = [*segmenter.parameters(), *synthesiser.parameters()]
        judged = [parameter for judge in judges.values() for parameter in judge.parameters()]
        fused = on.type in ("cpu", "cuda")  # one pass over 115 million weights and their moments in place of ten
        self.optimizers = {
            name: torch.optim.Adam(learnt, settings.learning_rate, betas=(0.5, 0.999), fused=fused)
            for name, learnt in (("generators", self.generated), ("discriminators", judged))
        }
        self.warm = SemiSyntheticLearner(SemiSynthetic(), segmenter, self.segmenter)
        if settings.warm_start:
            self.optimizers |= {"warm_start": self.warm.optimizers["segmenter"]}
        self.pools = {}

    def step(self, batch: Batch, done: float, rng: np.random.Generator) -> dict[str, float]:
        """One update of the generators, then one of the discriminators.

        Returns
        -------
        dict
            The generators' terms unweighted, the discriminators' losses and gaps (see
            :class:`~napari_xct_crack.methods._adversary.Verdict`), and the crack share of predicted and drawn masks.
            As long as the segmenter learns alone, its loss is the mask cycle's and all others are 0.
        """
        if done < self.settings.warm_start:
            alone = sum(self.warm.step(batch, done / self.settings.warm_start, rng).values())
            return dict.fromkeys(self._names(), 0.0) | {"mask_cycle": alone}
        self._prepare(done)
        for adversary in self.adversaries.values():
            adversary.net.requires_grad_(False)
        terms, fakes = self._generate(batch, rng)
        total = torch.stack([getattr(self.settings, name) * value for name, value in terms.items()]).sum()
        self._update("generators", total, clip=True)
        reals = {"image": self._mid(batch.cracked), "mask": 2 * batch.masks - 1}
        judged, gaps = {}, {}
        for name, adversary in self.adversaries.items():
            adversary.net.requires_grad_(True)
            verdict = adversary.judge(reals[name], fakes[name], self.pools, rng)
            judged[f"{name}_discriminator"], gaps[f"{name}_gap"] = verdict
        self._update("discriminators", torch.stack(list(judged.values())).sum(), clip=False)
        shares = {"predicted_share": (fakes["mask"].mean() + 1) / 2, "drawn_share": batch.masks.mean()}
        losses = terms | judged | gaps | shares
        values = torch.stack([value.detach() for value in losses.values()]).tolist()  # one wait for the device
        return dict(zip(losses, values, strict=True))

    def _names(self) -> list[str]:
        """Names of all that a step returns, in their order."""
        terms = [*(f"{name}_adversary" for name in self.adversaries), "mask_cycle", "image_cycle"]
        terms += ["null"] * bool(self.settings.null)
        judged = [f"{name}_{what}" for what in ("discriminator", "gap") for name in self.adversaries]
        return [*terms, *judged, "predicted_share", "drawn_share"]

    def _prepare(self, done: float) -> None:
        rate = self.settings.rate(done)
        for name, share in (("generators", 1.0), ("discriminators", self.settings.discriminator_rate)):
            for group in self.optimizers[name].param_groups:
                group["lr"] = share * rate
        for module in self.modules.values():
            module.train()
        set_norm(self.segmenter, norm_mode_for(done))

    def _generate(self, batch: Batch, rng: np.random.Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The generators' terms, named as their weights are, and the fakes of both domains (detached)."""
        settings = self.settings
        void, depth = void_of(settings.composite, batch), depths(settings.shallowest, batch, rng)
        frame = self._compose(batch.crack_free, void, batch, depth)
        back = self.segmenter(frame)
        logits = self.segmenter(batch.cracked)
        mask = self.signed(logits)
        real, trusted = self._mid(batch.cracked), batch.cracked_trusted
        background = erase_cracks(real, trusted, settings.erase) if settings.erase else real
        rebuilt = self._compose(background, (mask + 1) / 2, batch, 1.0)
        fakes = {"image": self._mid(frame), "mask": mask}
        terms = {f"{name}_adversary": self.adversaries[name].against(fake) for name, fake in fakes.items()}
        terms["mask_cycle"] = self.mask_cycle(back, batch)
        terms["image_cycle"] = functional.l1_loss(rebuilt, real)
        if settings.null:
            seen = torch.cat([logits, self.segmenter(batch.crack_free)])
            terms["null"] = null_loss(seen, torch.cat([trusted, batch.crack_free_trusted]))
        return terms, {name: fake.detach() for name, fake in fakes.items()}

    def _compose(self, background: Tensor, void: Tensor, batch: Batch, depth: Tensor | float) -> Tensor:
        """Cracks in frames; the synthesiser sees nothing but each slice's void map by itself, scaled to [-1, 1]."""
        n, k, h, w = void.shape
        answer = self.synthesiser((2 * void - 1).reshape(n * k, 1, h, w)).reshape(n, k, h, w)
        return compose(self.settings.composite, background, void, answer, batch.contrast * depth, batch.point_spread)

    def signed(self, logits: Tensor) -> Tensor:
        """The mask in [-1, 1]: tanh of the output as published, else twice its probability minus one."""
        return (logits if self.settings.mask_loss == "bce_tanh" else logits / 2).tanh()

    def mask_cycle(self, logits: Tensor, batch: Batch) -> Tensor:
        """How well the drawn masks come back from the frames that they were put into."""
        if self.settings.mask_loss == "bce_tanh":
            return functional.binary_cross_entropy_with_logits(logits.tanh(), 2 * batch.masks - 1)
        # In a doubtful voxel of the background only a drawn crack is known to be true.
        weight = torch.maximum(batch.masks, batch.crack_free_trusted)
        return cross_entropy(logits, batch.masks, weight) + dice_loss(logits, batch.masks, weight)

    def _update(self, name: str, loss: Tensor, clip: bool) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if clip:
            nn.utils.clip_grad_norm_(self.generated, self.settings.clip)
        optimizer.step()

    def _mid(self, frames: Tensor) -> Tensor:
        return frames[:, self.middle : self.middle + 1]
