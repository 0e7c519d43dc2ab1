"""Turning the commands of a snapshot into commands that fill an empty Redis.

All but those of lists may be run as they are: each sets a field, a member or a key to what it
was. Items of a list are set by position, so lists are put together here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Items of a list in one command.
_AT_ONCE = 1000
_REMOVES = frozenset({b"DEL", b"UNLINK"})
_PLAIN = frozenset(
    {b"HSET", b"HDEL", b"SADD", b"SREM", b"ZADD", b"ZREM", b"ZREMRANGEBYRANK", b"SET"}
)
Command = list[bytes]


def replayed(commands: Iterable[list[Any]], tag: str, path: str) -> Iterator[Command]:
    """Yield commands that give an empty Redis the state of a snapshot.

    Args:
        commands: of the snapshot, in order.
        tag: ``StateKeys.tag``; all keys of the state begin with it.
        path: of the snapshot, for the error.

    Raises:
        BadFile: the snapshot is of another site, or has what no snapshot has.
    """
    lists: dict[bytes, dict[int, bytes]] = {}
    prefix = f"{tag}:".encode("ascii")
    for name, *arguments in commands:
        keys = arguments if name in _REMOVES else arguments[:1]
        if not keys or not all(key.startswith(prefix) for key in keys):
            raise _foreign(path, f"it has keys that do not begin with {prefix.decode('ascii')}")
        if name in _REMOVES:
            for key in keys:
                lists.pop(key, None)
            yield [b"UNLINK", *keys]
        elif name in _PLAIN:
            yield [name, *map(_as_text, arguments)]
        elif name == b"RPUSH":
            key, first, *items = arguments
            lists.setdefault(key, {}).update(enumerate(items, int(first)))
        elif name == b"LTRIM":
            key, _, last = arguments
            items_kept = lists.get(key, {}).items()
            lists[key] = {at: item for at, item in items_kept if at <= int(last)}
        else:
            raise _foreign(path, f"it has the command {name!r}")
    yield from _pushed(lists)


def _pushed(lists: dict[bytes, dict[int, bytes]]) -> Iterator[Command]:
    for key, positions in lists.items():
        items = [_as_text(positions[at]) for at in sorted(positions)]
        for first in range(0, len(items), _AT_ONCE):
            yield [b"RPUSH", key, *items[first : first + _AT_ONCE]]


def _as_text(value: bytes | float) -> bytes:
    """Return an argument as Redis reads it; scripts also record numbers."""
    return value if isinstance(value, bytes) else repr(value).encode("ascii")


def _foreign(path: str, why: str) -> BadFile:
    return BadFile("bad-snapshot", path, f"this is no snapshot of this site: {why}")
