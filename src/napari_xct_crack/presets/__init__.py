"""Settings of whole training runs by name, one JSON file each."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ..errors import SettingsError


def names() -> list[str]:
    """Names of the presets."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def load(name: str) -> dict[str, Any]:
    """The settings of one preset as nested dicts.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    if name not in names():
        raise SettingsError(f"There is no preset {name!r}; there are {', '.join(names())}.")
    file = resources.files(__name__) / f"{name}.json"
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values
