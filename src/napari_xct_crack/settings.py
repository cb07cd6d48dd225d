"""The base of every settings class, kinds (one file each), and lengths in voxels or µm."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from .errors import SettingsError

VoxelSize = tuple[float, float, float]
"""µm along z, y, x."""


SomeSettings = TypeVar("SomeSettings", bound="Settings")


class Settings(BaseModel):
    """Frozen, checked, JSON-able. Fields are bool, int, float, str, Literal, Path, Length, kinds, or fixed tuples of these."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """Build from values; what does not fit is one sentence.

        Raises
        ------
        SettingsError
            Naming the first field that does not fit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(sentence(error)) from error


def in_unit(settings: SomeSettings, unit: str, voxel_size: VoxelSize) -> SomeSettings:
    """The same settings with all lengths, also those of settings in them, in ``"voxel"`` or ``"um"``."""
    changed: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Length):
            changed[name] = value.to(unit, voxel_size)
        elif isinstance(value, Settings):
            changed[name] = in_unit(value, unit, voxel_size)
    return settings.model_copy(update=changed)


def sentence(error: ValidationError) -> str:
    """The first complaint of pydantic as a sentence of ours."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or error.title
    reason = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = first.get("input")
    shown = (
        ""
        if first["type"] == "missing" or isinstance(given, dict)
        else f", given {str(given) if isinstance(given, Path) else given!r}"
    )
    return f"Setting {name}: {reason[0].lower() + reason[1:]}{shown}."


class Kind(Settings):
    """A settings class that is one of a family; the family is a package and each kind one file of it.

    A kind declares ``kind: Literal["<file name>"] = "<file name>"`` and the family's base declares ``family``.
    """

    family: ClassVar[str]
    kind: str

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """All kinds of this family by name, found on the package's ``__path__``."""
        package = importlib.import_module(cls.family)
        found: dict[str, type[Self]] = {}
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith("_"):
                continue
            for value in vars(importlib.import_module(f"{cls.family}.{module.name}")).values():
                if isinstance(value, type) and issubclass(value, cls) and value._own_kind() == module.name:
                    found[module.name] = value
        return found

    @classmethod
    def _own_kind(cls) -> str | None:
        """The kind this class stands for; none for the base of a family."""
        field = cls.model_fields.get("kind")
        return field.default if field and isinstance(field.default, str) else None

    @classmethod
    def named(cls, kind: str) -> type[Self]:
        """The class of one kind.

        Raises
        ------
        SettingsError
            If there is none of that name.
        """
        kinds = cls.kinds()
        if kind not in kinds:
            raise SettingsError(
                f"There is no {cls.family.rpartition('.')[2]} kind {kind!r}; there are {', '.join(sorted(kinds))}."
            )
        return kinds[kind]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        if cls._own_kind() is not None:
            return schema

        def resolve(value: Any) -> Any:
            if isinstance(value, cls):
                return value
            if isinstance(value, dict) and "kind" in value:
                try:
                    return cls.named(value["kind"]).model_validate(value)
                except SettingsError as error:
                    raise ValueError(str(error)) from error
            raise ValueError(f"expected settings with a kind of {cls.family.rpartition('.')[2]}")

        return core_schema.no_info_plain_validator_function(
            resolve, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.model_dump())
        )


@dataclass(frozen=True)
class Length:
    """A length in voxels (``"3"``) or micrometres (``"1.5um"``)."""

    value: float
    unit: str = "voxel"

    @classmethod
    def parse(cls, given: Any) -> Length:
        """From a number (voxels), ``"3"``, ``"1.5um"`` or ``"1.5 µm"``.

        Raises
        ------
        ValueError
            If it is neither, negative or not finite.
        """
        if isinstance(given, Length):
            return given
        text = str(given).strip().replace("µ", "u").replace("μ", "u")
        unit = "um" if text.endswith("um") else "voxel"
        try:
            value = float(text.removesuffix("um").strip())
        except ValueError:
            value = float("nan")
        if isinstance(given, bool) or not 0 <= value < float("inf"):
            raise ValueError('a length is voxels such as "3" or micrometres such as "1.5um"')
        return cls(value, unit)

    def voxels(self, voxel_size: VoxelSize | None) -> tuple[float, float, float]:
        """Half axes along z, y, x in voxels.

        Raises
        ------
        SettingsError
            If it is given in µm and the voxel size is unknown.
        """
        if self.unit == "voxel":
            return (self.value, self.value, self.value)
        if voxel_size is None:
            raise SettingsError(
                f"The voxel size is unknown, so {self} cannot be turned into voxels; give --voxel-size-um Z Y X."
            )
        return (self.value / voxel_size[0], self.value / voxel_size[1], self.value / voxel_size[2])

    def to(self, unit: str, voxel_size: VoxelSize) -> Length:
        """The same length in a slice in ``"voxel"`` or ``"um"``, to six digits."""
        if unit == self.unit:
            return self
        value = self.value * voxel_size[1] if unit == "um" else self.value / voxel_size[1]
        return Length(float(f"{value:.6g}"), unit)

    def __str__(self) -> str:
        return f"{self.value:.12g}" + ("um" if self.unit == "um" else "")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )
