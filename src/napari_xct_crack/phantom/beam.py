"""A polychromatic beam through nickel: how much of it passes, and the metal that a scanner reads from that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

_ENERGY = np.array([10.0, 15, 20, 30, 40, 50, 60, 80, 100])
_NICKEL = np.array([209.0, 70.81, 32.20, 10.34, 4.600, 2.474, 1.512, 0.7306, 0.4440])
"""Mass attenuation of nickel in cm²/g at the energies above in keV (NIST Standard Reference Database 126)."""
TUBE = 100.0
"""Voltage of the tube in kV."""
FILTER = 0.07
"""Filter before the part, in g/cm² of nickel: 80 µm."""


@dataclass(frozen=True)
class Beam:
    """A beam that a length of `width` voxels of metal weakens by exp(−`depth`); lengths in voxels of full metal."""

    width: float
    depth: float

    @cached_property
    def _curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lengths and −ln of what passes them; the part's thickness is scaled to the wanted optical depth."""
        energy = np.linspace(10, TUBE, 91)
        mu = np.exp(np.interp(np.log(energy), np.log(_ENERGY), np.log(_NICKEL)))
        # Kramers' law for the photons, times the energy that each leaves in the detector
        weight = (TUBE - energy) * np.exp(-FILTER * mu)
        weight /= weight.sum()

        def passed(mass: NDArray[np.float64]) -> NDArray[np.float64]:
            metal = -np.log(np.exp(-np.multiply.outer(np.maximum(mass, 0), mu)) @ weight)
            # noise may read as less than no metal: the curve goes on straight
            return np.asarray(metal + np.minimum(mass, 0) * (mu @ weight))

        per_width = optimize.brentq(lambda mass: float(passed(np.array([mass]))[0]) - self.depth, 0, 1e3)
        length = np.linspace(-0.5, 3, 2000) * self.width
        return length, passed(length / self.width * per_width)

    def absorbed(self, length: NDArray[np.float32]) -> NDArray[np.float32]:
        """−ln of the share of the beam that passes lengths of metal."""
        known, absorbed = self._curve
        return np.interp(length, known, absorbed).astype(np.float32)

    def read(self, absorbed: NDArray[np.float32], hardening: float) -> NDArray[np.float32]:
        """Lengths of metal as a scanner reads them from −ln of what passed.

        With `hardening` 0 the curve is undone; with 1 the beam is taken to be monochromatic, so that long ways through
        metal look too short; between, both are averaged. A way as long as the width is read as it is.
        """
        length, known = self._curve
        undone = np.interp(absorbed, known, length).astype(np.float32)
        if hardening == 0:
            return undone
        plain = absorbed * np.float32(self.width / self.depth)
        return np.float32(1 - hardening) * undone + np.float32(hardening) * plain

    def slope(self, absorbed: NDArray[np.float32], hardening: float) -> NDArray[np.float32]:
        """Change of the length that is read with −ln of what passed."""
        step = np.float32(1e-2)
        higher, lower = self.read(absorbed + step, hardening), self.read(absorbed - step, hardening)
        return (higher - lower) / (2 * step)
