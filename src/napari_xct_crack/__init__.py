"""Find cracks in X-ray CT of metal 3-D prints without labelling a voxel.

The names below are loaded when they are first used: importing the package loads neither torch, dask, zarr nor napari.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Box": "volume",
    "Budget": "budget",
    "CleanSettings": "clean",
    "Compact": "networks.compact",
    "CycleGan": "methods.cyclegan",
    "Halved": "networks.halved",
    "Length": "settings",
    "MeasureSettings": "measure",
    "PrepareSettings": "prepare",
    "RandomCracks": "cracks.random",
    "Run": "runs",
    "SegmentSettings": "inference",
    "SemiSynthetic": "methods.semisynthetic",
    "SheetCracks": "cracks.sheet",
    "TrainSettings": "runs",
    "UNet256": "networks.unet256",
    "Volume": "volume",
    "XctCrackError": "errors",
    "clean": "clean",
    "finish": "events",
    "measure": "measure",
    "prepare": "prepare",
    "read": "io",
    "segment": "inference",
    "train": "training",
}
"""Where each public name lives; `__init__.pyi` says the same to type checkers."""

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Python puts a submodule into its package under its name; where a function has that name, the function stays."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOME or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
