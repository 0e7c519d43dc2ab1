"""The sources of settings, and the names of their places in messages."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel

from mailtally_shared.errors import SettingsError
from mailtally_shared.regular import read_text
from mailtally_shared.runtime.settings.base import DELIMITER, PREFIX, SERVICES
from mailtally_shared.runtime.settings.shared import SHARED_NAMES
from mailtally_shared.spelling import with_suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_shared.runtime.settings.base import BaseServiceSettings

#: The path to a value through nested settings: names, and numbers in lists.
KeyPath: TypeAlias = tuple[str | int, ...]
#: The list that collects the sentences about errors.
Problems: TypeAlias = list[str]

#: Settings that may contain a password, and so may be read from a file of their own …
SECRETS = frozenset({"broker_url", "state_url", "database_url"})
#: … that is named by the variable of the setting with this suffix.
FILE_SUFFIX = "_FILE"
#: Variables that commands, containers and compose files read.
ELSEWHERE = frozenset(
    {
        *("MAILTALLY_CONFIG", "MAILTALLY_CRASH_AT", "MAILTALLY_COLLECTOR_HOST"),
        *("MAILTALLY_CLOCK_SHIFT", "MAILTALLY_REDIS_CLOCK_SHIFT"),
        *("MAILTALLY_EXPECTED_HOSTS", "MAILTALLY_LOG_DIR", "MAILTALLY_SECRETS_DIR"),
        *("MAILTALLY_REDIS", "MAILTALLY_POSTGRES", "MAILTALLY_RABBITMQ"),
    }
)
_OF_TESTS = "MAILTALLY_TEST_"


@dataclass(frozen=True, slots=True)
class Source:
    """The values of one origin, by field, and the name of a value's place in it."""

    values: dict[str, Any]
    place: Callable[[KeyPath], str]

    def has(self, path: KeyPath) -> bool:
        """Return whether the value, or a table that contains it, comes from here."""
        values: Any = self.values
        for key in path:
            if not isinstance(values, dict):
                return True
            if key not in values:
                return False
            values = values[key]
        return True


def options(values: dict[str, Any]) -> Source:
    """Return the options of the command line; one that is not given is ``None`` there."""
    given = {name: value for name, value in values.items() if value is not None}
    return Source(given, lambda path: "--" + "-".join(map(str, path)).replace("_", "-"))


def variables(cls: type[BaseServiceSettings], problems: Problems) -> list[Source]:
    """Return the variables: of this service alone, of all, and those that name secret files."""
    own_prefix = f"{PREFIX}{cls.service}{DELIMITER}".upper()
    own = _read_environment(cls, own_prefix, problems)
    common = _read_environment(cls, PREFIX, problems)
    shared = {name: value for name, value in common.items() if name in SHARED_NAMES}
    return [
        Source(own, _variable(own_prefix)),
        Source(shared, _variable(PREFIX)),
        Source(
            _read_secret_files(cls, problems), lambda path: _variable(PREFIX)(path) + FILE_SUFFIX
        ),
    ]


def unknown_variables(*classes: type[BaseServiceSettings]) -> list[str]:
    """Return variables that are meant for these services, or for all, and are no settings."""
    names = {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}
    known = _known_variables(*classes)
    others = tuple(_prefix(s) for s in set(SERVICES).difference(cls.service for cls in classes))
    return sorted(
        name
        for name in names
        if not name.startswith((*others, _OF_TESTS))
        and name not in known
        and not name.startswith(tuple(f"{each}{DELIMITER}" for each in known))
    )


def described_unknown(*classes: type[BaseServiceSettings]) -> list[str]:
    """Return a sentence for each unknown variable, with the closest known name."""
    known = _known_variables(*classes) - ELSEWHERE
    found = (_described(name, known) for name in unknown_variables(*classes))
    return [said if said.endswith("?") else f"{said}." for said in found]


def _described(name: str, known: set[str]) -> str:
    sentence = f"{name} is set, but there is no such setting"
    of_a_service = f"{DELIMITER}{name.removeprefix(PREFIX)}"
    meant = sorted(each for each in known if each.endswith(of_a_service))
    return (
        f"{sentence}; did you mean {meant[0]}?" if meant else with_suggestion(sentence, name, known)
    )


def _known_variables(*classes: type[BaseServiceSettings]) -> set[str]:
    own = {f"{_prefix(cls.service)}{name}".upper() for cls in classes for name in cls.model_fields}
    shared = {f"{PREFIX}{name}".upper() for name in SHARED_NAMES}
    return own | shared | {_secret_variable(name) for name in SECRETS} | ELSEWHERE


def _prefix(service: str) -> str:
    return f"{PREFIX}{service}{DELIMITER}".upper()


def exposed_secret_files(cls: type[BaseServiceSettings]) -> list[str]:
    """Return the secret files that every user of this machine may read."""
    return [str(path) for _, path in _secret_files(cls) if _is_exposed(path)]


def tables(cls: type[BaseServiceSettings], file: Path, problems: Problems) -> list[Source]:
    """Return the values of the settings file: of this service's table, then of its top.

    Raises:
        SettingsError: the file cannot be read at all.
    """
    document = _read_toml(file)
    own = document.get(cls.service, {})
    if not isinstance(own, dict):
        problems.append(f"{cls.service} in {file}: expected a table [{cls.service}]")
        own = {}
    known = SHARED_NAMES.union(SERVICES)
    problems += [
        with_suggestion(f"{key} in {file}: there is no such setting", key, known)
        for key in document
        if key not in known
    ]
    top = {
        key: value
        for key, value in document.items()
        if key in SHARED_NAMES and key in cls.model_fields
    }
    return [
        Source(own, lambda path: f"{_dotted(path)} in [{cls.service}] of {file}"),
        Source(top, lambda path: f"{_dotted(path)} in {file}"),
    ]


def own_name(cls: type[BaseServiceSettings], path: KeyPath) -> KeyPath:
    """Return the path in the settings file; a service's own setting is in its table."""
    return path if path[0] in SHARED_NAMES else (cls.service, *path)


def variable_name(cls: type[BaseServiceSettings], path: KeyPath) -> str:
    """Return the variable of a setting."""
    return _variable(PREFIX)(own_name(cls, path))


def _read_environment(
    cls: type[BaseServiceSettings], prefix: str, problems: Problems
) -> dict[str, Any]:
    """Return the variables with a prefix by field, in any case; an empty one is not set."""
    found: dict[str, Any] = {}
    environment = _environment()
    for name, field in cls.model_fields.items():
        variable = f"{prefix}{name}".upper()
        value = environment.get(variable)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            if table := _read_table(name, variable, environment, problems):
                found[name] = table
        elif value is not None:
            found[name] = value
    return found


def _environment() -> dict[str, str]:
    """Return the variables by name in capital letters, without the empty ones."""
    return {name.upper(): value for name, value in os.environ.items() if value}


def _read_table(
    field: str, variable: str, environment: dict[str, str], problems: Problems
) -> dict[str, Any]:
    """Return a setting that is a table: one variable in JSON, or one for each value."""
    table: dict[str, Any] = {}
    if variable in environment:
        try:
            table = dict(json.loads(environment[variable]))
        except (TypeError, ValueError):
            place = f"{variable} (the table {field})"
            problems.append(f"{place}: expected a JSON object, or one variable for each value")
    for name in sorted(environment):
        if name.startswith(variable + DELIMITER):
            *above, last = name.removeprefix(variable + DELIMITER).lower().split(DELIMITER)
            inner: Any = table
            for key in above:
                inner = inner.setdefault(key, {}) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner[last] = environment[name]
            else:
                problems.append(f"{name}: a variable or table above it is set to a single value")
    return table


def _read_secret_files(cls: type[BaseServiceSettings], problems: Problems) -> dict[str, Any]:
    """Return URLs, which may contain passwords, from the files named by ``…_URL_FILE``."""
    values = {}
    for name, path in _secret_files(cls):
        try:
            values[name] = read_text(path).strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{_secret_variable(name)}: {path} cannot be read: {error}")
    return values


def _secret_files(cls: type[BaseServiceSettings]) -> list[tuple[str, Path]]:
    """Return the settings that come from files of their own, and the files."""
    environment = _environment()
    named = {
        name: environment.get(_secret_variable(name)) for name in SECRETS & set(cls.model_fields)
    }
    return [(name, Path(path)) for name, path in sorted(named.items()) if path]


def _secret_variable(name: str) -> str:
    return f"{PREFIX}{name}{FILE_SUFFIX}".upper()


def _is_exposed(path: Path) -> bool:
    # A container engine makes its secret files readable by all users of the container.
    if path.is_relative_to("/run/secrets"):
        return False
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except OSError as error:
        raise SettingsError(f"{file}: the settings file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: the settings file is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: the settings file is not valid TOML: {error}") from None


def _variable(prefix: str) -> Callable[[KeyPath], str]:
    return lambda path: prefix + DELIMITER.join(str(key) for key in path).upper()


def _dotted(path: KeyPath) -> str:
    return ".".join(str(key) for key in path)
