"""A command's settings as a flat list of flags, the chosen kinds in place of their families."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from .. import presets
from ..errors import SettingsError
from ..settings import Kind, Length, Settings
from . import Positional

Values = dict[str, Any]
"""Settings as nested dicts under their outward names, as in JSON."""
ABSENT = "none"
"""What ``--preset``, ``--mechanism`` and, where a kind may be left out, ``--FIELD.kind`` say for none."""
PRESET = ("preset",)
MECHANISM = ("mechanism",)
_NAMES: dict[tuple[str, ...], Callable[[], list[str]]] = {PRESET: presets.names, MECHANISM: presets.mechanisms}
REQUIRED = object()


@dataclass(frozen=True)
class Flag:
    """One setting as the command line sees it."""

    path: tuple[str, ...]
    """Outward names from the command down: ``("cracks", "decay")``."""
    annotation: Any
    """Its type, with lengths as text."""
    default: Any
    """Its value where the flag is not given, or ``REQUIRED``."""
    description: str = ""
    positional: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path).replace("_", "-")

    @property
    def empty(self) -> bool:
        """Its default is off, absent or nothing."""
        return self.default is None or self.default is False or self.default == ()

    @property
    def several(self) -> bool:
        """It may be given more than once."""
        return any(get_origin(option) is tuple and ... in get_args(option) for option in _options(self.annotation))

    @property
    def undone(self) -> Literal["bool", "iterable", "none"] | None:
        """What ``--no-…`` makes of it: off, nothing or absent; no such flag where the default is that already."""
        if self.positional or self.default is False or self.default is REQUIRED:
            return None
        if bool in _options(self.annotation):
            return "bool"
        if self.several:
            return "iterable" if self.default else None
        return "none" if type(None) in _options(self.annotation) and self.default is not None else None

    @property
    def negative(self) -> str:
        """The flag for that."""
        return "--" + ".".join([*self.path[:-1], f"no-{self.path[-1]}"]).replace("_", "-")


def plain(value: Any) -> Any:
    """Settings as nested dicts, lengths and paths as text, sequences as tuples."""
    if isinstance(value, Settings):
        return {outward(name, info): plain(getattr(value, name)) for name, info in type(value).model_fields.items()}
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(entry) for entry in value)
    return str(value) if isinstance(value, Length | Path) else value


def base_of(preset: str | None, mechanism: str | None) -> Values:
    """What a preset says, with the cracks of a mechanism in place of its own."""
    base: Values = plain(presets.load(preset)) if preset else {}
    return base | ({"cracks": plain(presets.mechanism(mechanism))} if mechanism else {})


def merged(base: Any, over: Any) -> Any:
    """`over` laid on `base`; another kind drops what `base` said of the old one."""
    if (
        not isinstance(base, dict)
        or not isinstance(over, dict)
        or over.get("kind", base.get("kind")) != base.get("kind")
    ):
        return over
    return base | {name: merged(base[name], value) if name in base else value for name, value in over.items()}


def shown(value: Any) -> str:
    """A value as one would type it."""
    return " ".join(str(entry) for entry in value) if isinstance(value, tuple) else str(value)


def outward(name: str, info: FieldInfo) -> str:
    """The name under which a field is given."""
    return info.alias or name


def flags(cls: type[Settings], given: Values, path: tuple[str, ...] = ()) -> Iterator[Flag]:
    """Every setting of a class whose kinds and defaults are laid over by `given`.

    Raises
    ------
    SettingsError
        If `given` has a setting or a kind that does not exist.
    """
    known = {outward(name, info): info for name, info in cls.model_fields.items()}
    for name in given:
        if name not in known:
            raise SettingsError(f"There is no setting {'.'.join((*path, name))}; there are {', '.join(known)}.")
    for name, info in known.items():
        default = REQUIRED if info.is_required() else plain(info.get_default(call_default_factory=True))
        if name in given:
            default = merged(default, given[name])
        inner = next((option for option in _options(info.annotation) if _is_settings(option)), None)
        if (named := _NAMES.get((*path, name))) is not None:
            yield Flag((name,), Literal[(*named(), ABSENT)], default or ABSENT, info.description or "")
        elif inner is None:
            positional = not path and Positional in info.metadata
            yield Flag((*path, name), _as_text(info.annotation), default, info.description or "", positional)
        elif issubclass(inner, Kind):
            yield from _of_kind(inner, type(None) in _options(info.annotation), info, default, (*path, name))
        else:
            yield from flags(inner, default if isinstance(default, dict) else {}, (*path, name))


def _of_kind(
    family: type[Kind], optional: bool, info: FieldInfo, default: Any, path: tuple[str, ...]
) -> Iterator[Flag]:
    names = sorted(family.kinds()) + [ABSENT] * optional
    values: Values = default if isinstance(default, dict) else {}
    kind = values.get("kind", ABSENT if default is None else REQUIRED)
    yield Flag((*path, "kind"), Literal[tuple(names)], kind, info.description or "")
    if kind is not REQUIRED and kind != ABSENT:
        yield from (flag for flag in flags(family.named(kind), values, path) if flag.path != (*path, "kind"))


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _is_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def _as_text(annotation: Any) -> Any:
    """The type with every length as text."""
    if annotation is Length:
        return str
    if len(_options(annotation)) > 1:
        return functools.reduce(operator.or_, map(_as_text, _options(annotation)))
    if get_origin(annotation) is tuple:
        return tuple.__class_getitem__(tuple(_as_text(entry) for entry in get_args(annotation)))
    return annotation
