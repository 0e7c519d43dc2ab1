"""As much of JSON Schema (draft 2020-12) as our schemas use; a keyword it lacks is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
#: Keywords that say nothing about a value, or are seen to with another one.
SILENT = {"$schema", "$defs", "title", "description"}


def faults(value: object, schema: dict[str, Any]) -> list[str]:
    """What in a document is not as its schema says; nothing if it is valid."""
    return list(_Checker(schema).faults(value, schema, "$"))


class _Checker:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def faults(self, value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:  # noqa: ANN401 - JSON
        for keyword, wanted in schema.items():
            if keyword in SILENT:
                continue
            check = getattr(self, "_" + keyword.replace("$", "").lower(), None)
            assert check is not None, f"{keyword} is not understood"
            yield from check(value, wanted, place, schema)

    def _ref(self, value: Any, wanted: str, place: str, _: object) -> Iterator[str]:  # noqa: ANN401 - JSON
        target = self._root
        for name in wanted.removeprefix("#/").split("/"):
            target = target[name]
        yield from self.faults(value, target, place)

    def _type(self, value: object, wanted: str, place: str, _: object) -> Iterator[str]:
        if not TYPES[wanted](value):
            yield f"{place}: {value!r} is no {wanted}"

    def _const(self, value: object, wanted: object, place: str, _: object) -> Iterator[str]:
        if value != wanted:
            yield f"{place}: {value!r} is not {wanted!r}"

    def _enum(self, value: object, wanted: list[object], place: str, _: object) -> Iterator[str]:
        if value not in wanted:
            yield f"{place}: {value!r} is not in {wanted}"

    def _pattern(self, value: object, wanted: str, place: str, _: object) -> Iterator[str]:
        if isinstance(value, str) and not re.search(wanted, value):
            yield f"{place}: {value!r} does not match {wanted}"

    def _minimum(self, value: object, wanted: int, place: str, _: object) -> Iterator[str]:
        if isinstance(value, int) and value < wanted:
            yield f"{place}: {value} is below {wanted}"

    def _maximum(self, value: object, wanted: int, place: str, _: object) -> Iterator[str]:
        if isinstance(value, int) and value > wanted:
            yield f"{place}: {value} is above {wanted}"

    def _anyof(
        self, value: object, wanted: list[dict[str, Any]], place: str, _: object
    ) -> Iterator[str]:
        found = [list(self.faults(value, schema, place)) for schema in wanted]
        if all(found):
            yield f"{place}: none fits: {found}"

    def _items(self, value: object, wanted: dict[str, Any], place: str, _: object) -> Iterator[str]:
        for k, item in enumerate(value if isinstance(value, list) else ()):
            yield from self.faults(item, wanted, f"{place}[{k}]")

    def _required(self, value: object, wanted: list[str], place: str, _: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (f"{place}: {name} is missing" for name in wanted if name not in value)

    def _properties(
        self, value: object, wanted: dict[str, Any], place: str, _: object
    ) -> Iterator[str]:
        if isinstance(value, dict):
            for name, schema in wanted.items():
                if name in value:
                    yield from self.faults(value[name], schema, f"{place}.{name}")

    def _additionalproperties(
        self,
        value: object,
        wanted: Any,  # noqa: ANN401 - JSON
        place: str,
        schema: dict[str, Any],
    ) -> Iterator[str]:
        if not isinstance(value, dict):
            return
        for name in value.keys() - schema.get("properties", {}).keys():
            if wanted is False:
                yield f"{place}: {name} is too much"
            elif isinstance(wanted, dict):
                yield from self.faults(value[name], wanted, f"{place}.{name}")
