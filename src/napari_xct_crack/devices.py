"""Where to compute."""

from __future__ import annotations

import torch

from .errors import SettingsError


def device_named(name: str) -> torch.device:
    """The device called `name`; ``"auto"`` is CUDA where it is there.

    Raises
    ------
    SettingsError
        If this machine has none of that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(
            f"The device {name!r} is not available here; use auto, cpu, or install a torch build for it."
        ) from error
    return device
