"""Named scan conditions of both physics, and the settings of a phantom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ..settings import Settings

ConditionName = Literal[
    "clean",
    "seed-like",
    "noisy",
    "soft",
    "rings",
    "porous",
    "crack-free",
    "other-generator",
    "few-views",
    "rim",
]
Physics = Literal["image", "ct"]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is in the part; lengths in voxels."""

    apertures: tuple[float, float] = (0.35, 3.0)
    """Smallest and largest opening at a crack's centre, drawn log-uniformly."""
    blunting: tuple[float, ...] = (0.25, 0.5, 1.0)
    """Exponents of the aperture law that sheets choose from."""
    density: float = 3.4e-6
    """Cracks per voxel of the part."""
    facets: bool = False
    """Cracks of flat facets with steps, which no generator draws, instead of rough sheets."""
    surface: bool = False
    """All cracks open to the surface of the part."""
    pores_per_slice: float = 25.0
    grains: float = 0.02
    """Standard deviation of the attenuation from grain to grain, as a share of the mean."""
    grain_size: float = 4.0
    """Standard deviation of the Gaussian that gives grains their size."""
    odd_grains: bool = False
    """A few grains are far darker or brighter than the rest, instead of a normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Condition(Content):
    """How a scan looks in the image domain; contrasts as a share of metal minus air, lengths in voxels."""

    noise: float
    noise_width: float = 0.6
    point_spread: float = 1.1
    cupping: float = 0.03
    rings: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Scanner(Content):
    """How a scan is taken with X-rays; lengths in voxels, which are as large as the detector's pixels."""

    noise: float
    """Standard deviation of the noise at the bar's axis, as a share of metal minus air; it sets the photons."""
    focus: float = 0.7
    """Standard deviation of the blur before photons are counted (focal spot, motion): of signal alone."""
    detector: float = 0.6
    """Standard deviation of the spread of light in the detector, after photons are counted: of signal and noise."""
    views: float = np.pi / 2
    """Projections over half a turn per detector column."""
    depth: float = 1.5
    """Optical depth through the bar's width."""
    hardening: float = 0.1
    """Share of beam hardening that the scanner's linearisation leaves."""
    gains: float = 0.05
    """What gain errors of the detector's pixels add to their line integrals: standard deviation, in voxels of metal."""
    bad_pixels: float = 0.0
    """Share of detector pixels whose gain is off five times as far."""


CONDITIONS: dict[str, Condition] = {
    "clean": Condition(noise=0.03),
    "seed-like": Condition(noise=0.09),
    "noisy": Condition(noise=0.16),
    "soft": Condition(noise=0.05, noise_width=1.6, point_spread=2.2, apertures=(0.3, 1.2), grains=0.04),
    "rings": Condition(noise=0.09, rings=0.08, cupping=0.12),
    "porous": Condition(noise=0.09, pores_per_slice=120.0),
    "crack-free": Condition(noise=0.09, density=0.0),
    "other-generator": Condition(noise=0.09, facets=True),
    "rim": Condition(noise=0.09, surface=True, apertures=(1.0, 4.0)),
}
"""Conditions in the image domain; few views have no meaning there."""

SCANNERS: dict[str, Scanner] = {
    "clean": Scanner(noise=0.03),
    "seed-like": Scanner(noise=0.09),
    "noisy": Scanner(noise=0.16),
    "soft": Scanner(
        noise=0.05,
        focus=1.8,
        detector=1.3,
        apertures=(0.4, 1.1),
        grains=0.04,
        grain_size=3.0,
        odd_grains=True,
    ),
    "rings": Scanner(noise=0.09, hardening=1.0, gains=0.6, bad_pixels=0.01),
    "porous": Scanner(noise=0.09, pores_per_slice=120.0),
    "crack-free": Scanner(noise=0.09, density=0.0),
    "other-generator": Scanner(noise=0.09, facets=True),
    "few-views": Scanner(noise=0.09, views=0.3),
    "rim": Scanner(noise=0.09, surface=True, apertures=(1.0, 4.0)),
}
"""Conditions of simulated X-ray scans."""


class PhantomSettings(Settings):
    """Which phantom to make."""

    condition: ConditionName = Field("noisy", description="Named scan condition.")
    physics: Physics = Field(
        "image", description="How the scan is made: blur and noise in the image, or projections that are reconstructed."
    )
    seed: int = Field(12, ge=0, description="Seed of everything random.")
    shape: tuple[int, int, int] = Field((48, 384, 384), description="Voxels along z, y, x; slices of ct are square.")
    prevalence: float = Field(1.0, ge=0, le=16, description="Factor on the number of cracks.")
    voxel_size_um: tuple[float, float, float] = Field((0.71, 0.71, 0.71), description="µm along z, y, x.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.physics == "image" and self.condition not in CONDITIONS:
            raise ValueError(f"the condition {self.condition} needs projections; choose the physics ct")
        if self.physics == "ct" and self.shape[1] != self.shape[2]:
            raise ValueError(f"the physics ct needs square slices, given {self.shape[1]} by {self.shape[2]} voxels")
        return self

    @property
    def content(self) -> Condition | Scanner:
        """The parameters of the condition."""
        return (CONDITIONS if self.physics == "image" else SCANNERS)[self.condition]
