"""A command's settings from an argument list."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

from ..errors import SettingsError
from . import PROGRAM, Command, name_of
from ._flags import ABSENT, MECHANISM, PRESET, REQUIRED, Flag, Values, base_of, flags, merged, plain, shown


@dataclass(frozen=True)
class Given:
    """What an argument list says."""

    command: Command
    events: bool
    """Print events as JSON lines."""
    supervised: bool
    """Obey the parent process on standard input."""


def parse(command: type[Command], tokens: Sequence[str]) -> Given | None:
    """Settings from an argument list; ``None`` where it asked for help, which is then on standard output.

    Later wins: defaults, preset, mechanism, settings file, flags.

    Raises
    ------
    SettingsError
        If the arguments are not those of the command.
    """
    end = list(tokens).index("--") if "--" in tokens else len(tokens)
    tokens = [*map(_hyphened, tokens[:end]), *tokens[end:]]
    base = _base(command, tokens)
    known = list(flags(command, base))
    app = App(name=f"{PROGRAM} {name_of(command)}", help=command.__doc__, help_format="plaintext", version_flags=[])
    app.default(_reader(known))
    try:
        given: dict[str, Any] | None = app(tokens, print_error=False, exit_on_error=False, result_action="return_value")
    except CycloptsError as error:
        raise SettingsError(f"{str(error).rstrip('.?')}; see {PROGRAM} {name_of(command)} --help.") from error
    if given is None:
        return None
    said = {flag.path: given[f"flag_{number}"] for number, flag in enumerate(known) if f"flag_{number}" in given}
    dropped = _others(command, [path[0] for path in said])
    values: Values = {}
    for flag in known:
        _put(values, flag.path, said.get(flag.path, None if flag.path[0] in dropped else flag.default))
    return Given(command.checked(values), "events" in given, "supervised" in given)


def _others(command: type[Command], given: Collection[str]) -> set[str]:
    """The fields whose place was taken by a given alternative."""
    groups = [group for group in command.alternatives if any(name in given for name in group)]
    return {name for group in groups for name in group if name not in given}


def _hyphened(token: str) -> str:
    """Flags may be written with underscores, as the fields are in JSON."""
    name, equals, value = token.partition("=")
    return name.replace("_", "-") + equals + value if token.startswith("--") else token


def _base(command: type[Command], tokens: Sequence[str]) -> Values:
    """What the first pass reads: preset, mechanism, settings file and kinds."""
    early: dict[str, str] = {}
    for token, following in pairwise([*tokens, ""]):
        if token == "--":
            break
        name, equals, value = token.partition("=")
        if name in ("--preset", "--mechanism", "--settings") or (name.startswith("--") and name.endswith(".kind")):
            early[name] = value if equals else following
    over = _from_file(early.pop("--settings")) if "--settings" in early else {}
    if "--preset" in early:
        _put(over, PRESET, early.pop("--preset"))
    elif "preset" in command.model_fields and "preset" not in over:
        over["preset"] = command.default_preset()
    if "--mechanism" in early:
        _put(over, MECHANISM, early.pop("--mechanism"))
    base: Values = base_of(over.get("preset"), over.get("mechanism"))
    base = merged(base | dict.fromkeys(_others(command, over)), over)
    for name, kind in sorted(early.items(), key=lambda item: item[0].count(".")):  # a kind before those within it
        path = tuple(part.replace("-", "_") for part in name.removeprefix("--").split("."))
        over = {}
        _put(over, path, kind)
        base = merged(base, over)
    return base


def _from_file(path: str) -> Values:
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"The settings file {path} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise SettingsError(f"The settings file {path} must hold one JSON object, not {type(values).__name__}.")
    result: Values = plain(values)
    return result


def _put(values: Values, path: tuple[str, ...], value: Any) -> None:
    """Set a nested value; a kind that is left out stands for the whole of its settings."""
    if value == ABSENT and (path in (PRESET, MECHANISM) or path[-1] == "kind"):
        path, value = path[:-1] or path, None
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _reader(known: Sequence[Flag]) -> Any:
    """A function whose signature is the flags, for cyclopts."""

    def read(*places: Any, **named: Any) -> dict[str, Any]:
        positional = [f"flag_{number}" for number, flag in enumerate(known) if flag.positional]
        return dict(zip(positional, places, strict=False)) | named  # those that were given

    parameters = [_parameter(f"flag_{number}", flag) for number, flag in enumerate(known)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    settings = Parameter(help="JSON file with settings; flags win over it.")
    events = Parameter(help="Print events to standard output, one JSON object a line.")
    parent = Parameter(help="Obey a parent process on standard input.", negative=(), show=False)
    parameters += [
        inspect.Parameter("settings", keyword, default=None, annotation=Annotated[Path | None, settings]),
        inspect.Parameter("events", keyword, default=None, annotation=Annotated[Literal["jsonl"] | None, events]),
        inspect.Parameter("supervised", keyword, default=False, annotation=Annotated[bool, parent]),
    ]
    read.__signature__ = inspect.Signature(sorted(parameters, key=lambda parameter: parameter.kind))  # type: ignore[attr-defined]
    read.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return read


def _parameter(name: str, flag: Flag) -> inspect.Parameter:
    about = Parameter(
        name=flag.name.upper() if flag.positional else f"--{flag.name}",
        help=flag.description,
        negative_bool="no-" if flag.undone == "bool" else "",
        negative_iterable="no-" if flag.undone == "iterable" else "",
        negative_none="no-" if flag.undone == "none" else "",
        show_default=False if flag.empty else shown,
        json_list=False,  # a folder's name may begin with a bracket
    )
    kind = inspect.Parameter.POSITIONAL_ONLY if flag.positional else inspect.Parameter.KEYWORD_ONLY
    default = inspect.Parameter.empty if flag.default is REQUIRED else flag.default
    return inspect.Parameter(name, kind, default=default, annotation=Annotated[flag.annotation, about])
