"""The Lua scripts that change the state; each runs in Redis as one indivisible step."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from mailtally_shared.errors import Refused


def source(*names: str) -> str:
    """The text of a script made of some files of this package, in order."""
    package = files(__package__)
    return "\n".join((package / name).read_text(encoding="utf-8") for name in names)


def state_emptied() -> Refused:
    """What to raise when a script found no state where there was one."""
    return Refused(
        "The state in Redis was emptied. Restart the aggregators: they refill "
        "it from the newest snapshot, or say what to do."
    )


def declared_keys(request: dict[str, Any], tag: str) -> list[str]:
    """The keys that a request names: Redis routes a script, and checks access, by them.

    Args:
        request: nested dicts; a key is any string value that begins with ``tag``.
        tag: ``StateKeys.tag``. Lists of strings hold no keys and are not searched.
    """
    found: set[str] = set()
    pending = [request]
    while pending:
        for value in pending.pop().values():
            if isinstance(value, str) and value.startswith(tag):
                found.add(value)
            elif isinstance(value, dict):
                pending.append(value)
            elif isinstance(value, list):
                pending += [item for item in value if isinstance(item, dict)]
    return sorted(found)
