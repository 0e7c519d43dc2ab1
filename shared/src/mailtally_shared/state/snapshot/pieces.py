"""Reading keys of any type in pieces, each as a command that sets what was read.

One piece keeps Redis busy for no longer than some thousand fields take. The server guarantees
that a scan from its start to its end returns what is in the key all that time; the rest is the
journal's. See the decision page on snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.state.client import State

#: Fields, members or items of the first piece of a key; a small key has no more.
_FIRST = 16
#: Bytes that a piece should have, and the most fields that it is asked for.
_PIECE = 512 * 1024
_MOST = 4000
#: A piece may have so many times the fields of the one before it.
_GROWTH = 4

Command = list[Any]


@dataclass(frozen=True, slots=True)
class _Read:
    """A key that is being read: ``at`` is a cursor, or the position in a list."""

    key: bytes
    kind: bytes
    at: int = 0
    count: int = _FIRST


def lasting(state: State, keys: Sequence[bytes]) -> list[_Read]:
    """Return the keys among these that exist and do not expire, to be read from their start."""
    pipeline = state.pipeline(transaction=False)
    for key in keys:
        pipeline.type(key)
        pipeline.pttl(key)
    answers = pipeline.execute()
    found = zip(keys, answers[::2], answers[1::2], strict=True)
    return [_Read(key, kind) for key, kind, left in found if kind != b"none" and left < 0]


def read_pieces(state: State, keys: Sequence[bytes]) -> Iterator[list[Command]]:
    """Yield the content of some keys, piece by piece; small keys are in one piece together."""
    reads = lasting(state, keys)
    together = len(reads) > 1
    while reads:
        now, later = (reads, []) if together else (reads[:1], reads[1:])
        together = False
        pipeline = state.pipeline(transaction=False)
        for read in now:
            _ask(pipeline, read)
        commands, unfinished = [], []
        for read, answer in zip(now, pipeline.execute(), strict=True):
            command, following = _taken(read, answer)
            commands += [command] if command else []
            unfinished += [following] if following else []
        reads = unfinished + later
        yield commands


def _ask(client: State, read: _Read) -> None:
    key, at, count = cast("Any", read.key), read.at, read.count
    match read.kind:
        case b"hash":
            client.hscan(key, at, count=count)
        case b"set":
            client.sscan(key, at, count=count)
        case b"zset":
            client.zscan(key, at, count=count)
        case b"list":
            client.lrange(key, at, at + count - 1)
        case b"string":
            client.get(key)
        case kind:
            raise AssertionError(f"{read.key!r} has the type {kind!r}, which no state has")


def _taken(read: _Read, answer: Any) -> tuple[Command | None, _Read | None]:  # noqa: ANN401 - as Redis's types are
    """Return the command of a piece, if it has anything, and what remains to be read."""
    if read.kind == b"string":
        return None if answer is None else [b"SET", read.key, answer], None
    if read.kind == b"list":
        following = read.at + len(answer) if len(answer) == read.count else 0
        command = [b"RPUSH", read.key, read.at, *answer]
        return (command if answer else None), _following(read, following, answer)
    following, found = answer
    match read.kind:
        case b"hash":
            name, values = b"HSET", [each for pair in found.items() for each in pair]
        case b"zset":
            name, values = b"ZADD", [each for member, score in found for each in (score, member)]
        case _:
            name, values = b"SADD", found
    return ([name, read.key, *values] if values else None), _following(read, following, values)


def _following(read: _Read, at: int, values: list[Any]) -> _Read | None:
    if not at:
        return None
    size = sum(len(value) for value in values if isinstance(value, bytes))
    fitting = read.count * _PIECE // max(size, 1)
    count = max(1, min(fitting, read.count * _GROWTH, _MOST))
    return replace(read, at=at, count=count)
