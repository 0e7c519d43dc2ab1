"""Types of settings that are written with a unit: durations, sizes, lists, addresses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
#: A glob may begin with a bracket too, but hardly with a quotation mark in it.
_BEGINS_JSON = re.compile(r'\s*\[\s*"')
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Kind:
    """The form of a setting's value, in the words of the documentation."""

    text: str


def parse_seconds(value: object) -> object:
    """Parse ``"1h"``, ``"250ms"``, ``"7d"`` or a bare number into seconds.

    A value that is not text is returned unchanged; other text raises ``ValueError``.
    """
    if not isinstance(value, str):
        return value
    number, unit = _split(value)
    if unit not in _SECONDS:
        raise ValueError("expected a duration such as 30, 250ms, 30s, 5m, 1h or 7d")
    return float(number) * _SECONDS[unit]


def parse_bytes(value: object) -> object:
    """Parse ``"64MiB"`` or a bare number into bytes.

    A value that is not text is returned unchanged; other text raises ``ValueError``. Decimal
    units are refused, because ``kB`` means 1000 bytes to some and 1024 to others.
    """
    if not isinstance(value, str):
        return value
    number, unit = _split(value)
    if unit not in _BYTES:
        raise ValueError("expected a size such as 4096, 512KiB, 64MiB or 1GiB")
    return round(float(number) * _BYTES[unit]) if "." in number else int(number) * _BYTES[unit]


def parse_list(value: object) -> object:
    """Parse ``"a, b"`` or ``'["a", "b"]'`` into ``("a", "b")``; return non-text unchanged.

    The second form, JSON, is for items that contain a comma. Text that begins like JSON and is not
    valid raises ``ValueError``.
    """
    if not isinstance(value, str):
        return value
    if _BEGINS_JSON.match(value):
        return _parse_json_list(value)
    return tuple(item for item in (part.strip() for part in value.split(",")) if item)


def _parse_json_list(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ValueError('expected a list of texts in JSON, such as ["/logs/a,b/stats*"]')
    return tuple(found)


def parse_address(value: object) -> object:
    """Parse ``"127.0.0.1:9100"`` or ``"[::1]:9100"`` into host and port."""
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise ValueError("expected an address such as 127.0.0.1:9100 or [::1]:9100")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _split(text: str) -> tuple[str, str]:
    found = _NUMBER_AND_UNIT.fullmatch(text.strip())
    return (found[1], found[2]) if found else ("", "?")


_DURATION = Kind("duration: seconds, or 250ms, 30s, 5m, 1h, 7d")

#: A duration in seconds, more than 0.
Seconds = Annotated[
    float, BeforeValidator(parse_seconds), Field(gt=0, allow_inf_nan=False), _DURATION
]
#: A duration in seconds that may be 0.
SecondsOrZero = Annotated[
    float, BeforeValidator(parse_seconds), Field(ge=0, allow_inf_nan=False), _DURATION
]
#: A size in bytes, more than 0.
Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    Field(gt=0, lt=2**63),
    Kind("size: bytes, or 512KiB, 64MiB, 1GiB"),
]
_LIST = Kind('list, separated by commas, or JSON: ["a", "b"]')
#: Texts: in a variable separated by commas or as JSON, in the file also as a list.
CommaList = Annotated[tuple[str, ...], BeforeValidator(parse_list), _LIST]
#: A host and a port to listen on.
Address = Annotated[tuple[str, int], BeforeValidator(parse_address), Kind("host:port")]
