"""The settings of a service as rows, from which the documentation is generated and checked."""

from __future__ import annotations

import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mailtally_shared.runtime.settings.quantities import Kind
from mailtally_shared.runtime.settings.sources import KeyPath, own_name, variable_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from mailtally_shared.runtime.settings.base import BaseServiceSettings

_NAMES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, as documented; ``default`` is empty where a value must be given."""

    variable: str
    toml_key: str
    type: str
    default: str
    meaning: str


def describe(cls: type[BaseServiceSettings]) -> list[SettingRow]:
    """Return all settings of a service, nested ones too, in the order of their definition."""
    return list(_rows(cls, cls, ()))


def _rows(
    cls: type[BaseServiceSettings], model: type[BaseModel], above: KeyPath
) -> Iterator[SettingRow]:
    defaults: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        path = (*above, name)
        defaults[name] = field.get_default(call_default_factory=True, validated_data=defaults)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(cls, field.annotation, path)
            continue
        yield SettingRow(
            variable=variable_name(cls, path),
            toml_key=".".join(map(str, own_name(cls, path))),
            type=_kind(field),
            default=_shown(defaults[name]),
            meaning=field.description or "",
        )


def _kind(field: FieldInfo) -> str:
    of_field = next((note.text for note in field.metadata if isinstance(note, Kind)), None)
    return of_field or _name(field.annotation)


def _name(annotation: Any) -> str:  # noqa: ANN401  # annotations have no common type
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(_name(part) for part in arguments if part is not type(None))
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, Kind):
            return note.text
    return _NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _shown(default: object) -> str:
    if default is PydanticUndefined:
        return ""
    if default is None:
        return "unset"
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:.15g}" if isinstance(default, float) else str(default)
