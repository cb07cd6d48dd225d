"""What this machine can compute on, in words."""

from __future__ import annotations

import sys
from importlib import metadata

import psutil


def device_names() -> list[str]:
    """Names that a command takes."""
    import torch

    names = ["auto", "cpu"]
    names += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def device_text() -> str:
    """The device that ``auto`` takes, torch's build, and how to get CUDA where it is missing."""
    import torch

    build = f"torch {metadata.version('torch')}"
    if torch.cuda.is_available():
        free, whole = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {whole / 1e9:.1f} GB free, {build}."
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    text = f"CPU with {cores} cores, {build}: no CUDA device is used."
    if sys.platform == "darwin":
        return text
    return f"{text} With an NVIDIA card: pip install --upgrade --force-reinstall torch --index-url https://download.pytorch.org/whl/cu126"
