"""Where to compute."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from . import processes
from .errors import SettingsError


def device_named(name: str) -> torch.device:
    """The device called `name`; ``"auto"`` is CUDA where it is there, and of several cards each process has its own.

    Raises
    ------
    SettingsError
        If this machine has none of that name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    name = processes.card() if name == "cuda" else name
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(
            f"The device {name!r} is not available here; use auto, cpu, or install a torch build for it."
        ) from error
    return device


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """Convolutions in bfloat16 where CUDA has it, weights and losses in float32; elsewhere all stays in float32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def half_precision(device: torch.device) -> AbstractContextManager[None]:
    """Convolutions in float16 on CUDA, which tells probabilities apart finer than they are stored; else float32."""
    return torch.autocast(device.type, torch.float16) if device.type == "cuda" else nullcontext()
