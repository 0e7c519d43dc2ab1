"""The Lua scripts that change the state; each runs in Redis as one atomic step."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgpack

from mailtally_shared.errors import Refused
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.state.keys import StateKeys


def source(*names: str) -> str:
    """Return the text of a script made of files of ``lua/``, in order."""
    folder = files(__package__) / "lua"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Writing:
    """A script made of files of ``lua/`` that changes the state.

    What it writes is recorded while a snapshot is being copied.
    """

    def __init__(self, state: State, keys: StateKeys, *names: str) -> None:
        self._script = state.register_script(source("journal.lua", *names))
        self._recording = (keys.snapshot, keys.journal)

    def __call__(self, keys: Iterable[str], args: Iterable[Any]) -> Any:  # noqa: ANN401 - what the script returns
        """Run it once, with the keys that it touches."""
        return self._script(keys=[*keys, *self._recording], args=args)


class Script:
    """A script that changes the state and takes one request."""

    def __init__(self, state: State, keys: StateKeys, *names: str) -> None:
        self._script = Writing(state, keys, *names)
        self._tag = keys.tag

    def run(self, request: dict[str, Any], *more: bytes, keys: Iterable[str] = ()) -> Any:  # noqa: ANN401 - what the script returns
        """Run it; the request is emptied, which frees what its packed form holds by then.

        Args:
            request: nested dicts.
            more: further arguments.
            keys: further keys, which lists of the request hold.

        Raises:
            Unavailable: Redis does not answer; it is unknown whether the script ran.
        """
        declared = [*declared_keys(request, self._tag), *keys]
        # Redis's cmsgpack knows text only, which may contain any bytes.
        packed = msgpack.packb(request, use_bin_type=False)
        request.clear()
        with unavailable_errors():
            return self._script(keys=declared, args=[packed, *more])


def state_emptied() -> Refused:
    """Return the error to raise when a script found no state where there was one."""
    return Refused(
        "The state in Redis was emptied. Restart the aggregators: they refill "
        "it from the newest snapshot, or say what to do."
    )


def declared_keys(request: dict[str, Any], tag: str) -> list[str]:
    """Return the keys in a request: Redis routes a script, and checks access, by them.

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
