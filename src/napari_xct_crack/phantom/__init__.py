"""Scans of known truth: cracks, pores and grains in a metal bar, as an image or as X-rays would show them.

The physics ``image`` blurs attenuation and adds correlated noise; ``ct`` projects it, counts photons and reconstructs.
Cracks come from the same surface model as :class:`~napari_xct_crack.cracks.sheet.SheetCracks`, but with distributions
of their own, so that a generator never meets exactly its own cracks; those of ``other-generator`` are of a model that no
generator has.
"""

from .build import Phantom, simulate
from .conditions import CONDITIONS, SCANNERS, Condition, ConditionName, PhantomSettings, Physics, Scanner
from .content import bar
from .grey import AIR, METAL
from .stores import make

__all__ = [
    "AIR",
    "CONDITIONS",
    "METAL",
    "SCANNERS",
    "Condition",
    "ConditionName",
    "Phantom",
    "PhantomSettings",
    "Physics",
    "Scanner",
    "bar",
    "make",
    "simulate",
]
