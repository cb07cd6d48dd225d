"""The argument list that stands for a command's settings: child processes, "Copy command" and the history use it."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Any

from . import PROGRAM, Command, name_of
from ._flags import ABSENT, MECHANISM, PRESET, Flag, Values, base_of, flags, merged, plain


def arguments(settings: Command) -> list[str]:
    """The shortest argument list that is read back as these settings, without the command's name."""
    values = plain(settings)
    base = base_of(values.get("preset"), values.get("mechanism"))
    kinds_before = {flag.path: flag.default for flag in flags(type(settings), base) if flag.path[-1] == "kind"}
    places: list[str] = []
    named: list[str] = []
    for flag in flags(type(settings), merged(base, _kinds(values))):
        default = kinds_before.get(flag.path, flag.default)
        value = _get(values, flag.path, default)
        if flag.positional:
            places += map(str, value) if flag.several else [str(value)]
        elif flag.path == PRESET:  # always: which one holds where none is named depends on the machine
            named += ["--preset", value or ABSENT]
        elif flag.path == MECHANISM:
            named += ["--mechanism", value] if value else []
        elif value != default:
            named += _argument(flag, value)
    if any(place.startswith("-") for place in places):
        return [*named, "--", *places]
    return [*places, *named]


def command_line(settings: Command) -> str:
    """The same as one line to paste into a terminal of this system."""
    words = [PROGRAM, name_of(type(settings)), *arguments(settings)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _kinds(values: Values) -> Values:
    """Only which kinds were chosen."""
    inner = {name: _kinds(value) for name, value in values.items() if isinstance(value, dict)}
    chosen: Values = {"kind": values["kind"]} if "kind" in values else {}
    return {name: value for name, value in inner.items() if value} | chosen


def _get(values: Values, path: tuple[str, ...], default: Any) -> Any:
    """A nested value; what belongs to a kind that is left out counts as its default."""
    for name in path[:-1]:
        values = values[name]
        if values is None:
            return ABSENT if path[-1] == "kind" else default
    return values[path[-1]]


def _argument(flag: Flag, value: Any) -> list[str]:
    name = f"--{flag.name}"
    if value is True:
        return [name]
    if value is False or value is None or value == ():
        return [flag.negative]
    if isinstance(value, tuple) and not flag.several:
        return [name, *map(str, value)]
    entries = value if isinstance(value, tuple) else (value,)
    return [word for entry in entries for word in _word(name, str(entry))]


def _word(name: str, value: str) -> list[str]:
    """Joined where the value could be taken for a flag."""
    return [f"{name}={value}"] if value.startswith("-") or not value else [name, value]
