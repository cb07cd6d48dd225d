"""Settings by name, one JSON file each: of whole training runs, and of the cracks of a mechanism."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ..errors import SettingsError

_MECHANISMS = "mechanisms"


def names() -> list[str]:
    """Names of the presets."""
    return _names()


def load(name: str) -> dict[str, Any]:
    """The settings of one preset as nested dicts.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    return _read("preset", name)


def mechanisms() -> list[str]:
    """Names of the mechanisms by which cracks arise."""
    return _names(_MECHANISMS)


def mechanism(name: str) -> dict[str, Any]:
    """The settings of a crack generator for one mechanism, with its kind.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    return _read("mechanism", name, _MECHANISMS)


def _names(*folder: str) -> list[str]:
    files = resources.files(__name__).joinpath(*folder).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def _read(what: str, name: str, *folder: str) -> dict[str, Any]:
    if name not in _names(*folder):
        raise SettingsError(f"There is no {what} {name!r}; there are {', '.join(_names(*folder))}.")
    file = resources.files(__name__).joinpath(*folder, f"{name}.json")
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values
