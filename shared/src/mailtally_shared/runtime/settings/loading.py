"""Reading all settings of a service, with every error reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from mailtally_shared.errors import SettingsError
from mailtally_shared.runtime.settings.base import BaseServiceSettings
from mailtally_shared.runtime.settings.sources import (
    KeyPath,
    Problems,
    Source,
    options,
    own_name,
    tables,
    variable_name,
    variables,
)
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.spelling import with_suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

S = TypeVar("S", bound=BaseServiceSettings)

#: Sentences for errors that pydantic describes in terms of Python, by their type.
_IN_WORDS = {
    "too_short": "expected at least one value",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "path_type": "expected a path",
    "tuple_type": "expected a list",
}


def load_settings(cls: type[S], config: Path | None = None, **overrides: object) -> S:
    """Return the settings of a service.

    From highest to lowest priority: ``overrides``, the environment, the file,
    the defaults. In the environment and the file, a value for this service
    alone takes precedence over a value for all.

    Args:
        cls: the service's settings.
        config: a TOML file, or ``None``.
        overrides: values by field; ``None`` means not given.

    Raises:
        SettingsError: the text has a line for each error, with the name of its
            place and the expected value. Passwords in URLs are masked.
    """
    problems: Problems = []
    sources = [options(overrides), *variables(cls, problems)]
    if config is not None:
        sources += tables(cls, config, problems)
    settings = _validated(cls, sources, problems)
    if settings is None or problems:
        raise SettingsError("\n".join(mask_url(problem) for problem in problems))
    return settings


def _validated(cls: type[S], sources: list[Source], problems: Problems) -> S | None:
    values: dict[str, Any] = {}
    for source in reversed(sources):
        values = _merge(values, source.values)
    try:
        return cls(**values)
    except ValidationError as error:
        problems += [
            _sentence(cls, sources, detail)
            for detail in error.errors(include_url=False)
            # It follows from another error in the list.
            if detail["type"] != "default_factory_not_called"
        ]
        return None


def _merge(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _sentence(cls: type[BaseServiceSettings], sources: list[Source], detail: ErrorDetails) -> str:
    path = detail["loc"]
    if not path:
        return _plain(detail)
    if detail["type"] == "missing":
        in_file = ".".join(map(str, own_name(cls, path)))
        return f"{variable_name(cls, path)} is not set, nor is {in_file} in a settings file"
    place = next((source.place(path) for source in sources if source.has(path)), str(path[0]))
    if detail["type"] == "extra_forbidden":
        sentence = f"{place}: there is no such setting"
        return with_suggestion(sentence, str(path[-1]), cls.model_fields)
    return f"{place}: {_plain(detail)}{_but_got(path, detail['input'])}"


def _plain(detail: ErrorDetails) -> str:
    """Return pydantic's sentence in the words of a settings file."""
    if sentence := _IN_WORDS.get(detail["type"]):
        return sentence
    return detail["msg"].removeprefix("Value error, ").replace("Input should", "it should", 1)


def _but_got(path: KeyPath, value: object) -> str:
    """Return the wrong value, unless it may contain a password."""
    tells = isinstance(value, str | int | float) and not str(path[0]).endswith("_url")
    return f", not {value!r}" if tells else ""
