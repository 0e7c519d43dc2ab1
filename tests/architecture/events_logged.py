"""The events that the product logs, read from its source."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.architecture.source_tree import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Positional arguments of ``event`` before the fields: logger, level, name, sentence.
_LEVEL, _NAME = 1, 2
_SERVICES = {
    "mailtally_shared": "every service",
    "mailtally_collector": "collector",
    "mailtally_aggregator": "aggregator",
    "mailtally_loader": "loader",
    "mailtally": "console",
}


@dataclass
class Logged:
    """One event: who logs it, how loudly, and with which fields; ``…`` for further ones."""

    services: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


@functools.cache
def events() -> dict[str, Logged]:
    """Every event by its name."""
    found: dict[str, Logged] = {}
    for service, call in _calls():
        name = call.args[_NAME]
        assert isinstance(name, ast.Constant), f"an event of {service} has no fixed name"
        logged = found.setdefault(str(name.value), Logged())
        logged.services.add(service)
        logged.levels |= set(_levels(call.args[_LEVEL]))
        logged.fields |= {keyword.arg or "…" for keyword in call.keywords}
    return found


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for module in modules():
        for node in module.nodes(ast.Call):
            if _is_event(node):
                yield _service_of(module.name), node


def _service_of(module: str) -> str:
    """The service that runs a module; only aggregators write the state."""
    if module.startswith("mailtally_shared.state."):
        return _SERVICES["mailtally_aggregator"]
    return _SERVICES[module.partition(".")[0]]


def _is_event(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "event"


def _levels(level: ast.expr) -> Iterator[str]:
    for node in ast.walk(level):
        if isinstance(node, ast.Attribute):
            yield node.attr.lower()
