"""The sums of one host and day, read out of the state without ever holding all their text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.day_files import Gathering
    from mailtally_shared.day_files.day_rows import Kind
    from mailtally_shared.state.client import State

#: Fields read at a time; Redis serves others in between.
_PIECE = 5000

#: Quantities as Redis gives them; a field may be missing.
Values = Iterable[bytes | None]


class HostKeys(NamedTuple):
    """The hashes of one host and day."""

    messages: str
    bytes: str
    extra: str  # holds only what is not 0


class Piece(NamedTuple):
    """Some fields with their quantities, as Redis gave them."""

    fields: Sequence[bytes]
    messages: Values
    sizes: Values
    extra: Values


def pieces(state: State, keys: HostKeys) -> Iterator[Piece]:
    """All fields, piece by piece.

    Each is given that is there from the first piece to the last; it may be given twice.
    """
    has_extra = bool(state.exists(keys.extra))
    cursor = None
    while cursor != 0:
        answer = state.hscan(keys.messages, cursor or 0, count=_PIECE)
        cursor, found = cast("tuple[int, dict[bytes, bytes]]", answer)
        if found:
            yield _with_others(state, keys, found, has_extra=has_extra)


def whole_host(
    messages: dict[bytes, bytes], sizes: dict[bytes, bytes], extra: dict[bytes, bytes]
) -> Piece:
    """All fields of hashes that were read as a whole."""
    fields = list(messages)
    return Piece(fields, messages.values(), map(sizes.get, fields), map(extra.get, fields))


def add(gathered: Gathering, host: str, piece: Piece) -> None:
    """Take a piece of ``host`` over into the day's columns."""
    if not piece.fields:
        return
    # Fields repeat services and statuses: each pair becomes one object.
    parted = [field.decode("ascii").partition("|") for field in piece.fields]
    kinds = {tail: _kind(host, tail) for tail in {tail for _, _, tail in parted}}
    sizes = _numbers(piece.sizes)
    transferred = [size + extra for size, extra in zip(sizes, _numbers(piece.extra), strict=False)]
    gathered.add(
        [domain for domain, _, _ in parted],
        [kinds[tail] for _, _, tail in parted],
        (_numbers(piece.messages), sizes, transferred),
    )


def _with_others(
    state: State, keys: HostKeys, found: dict[bytes, bytes], *, has_extra: bool
) -> Piece:
    fields = list(found)
    pipeline = state.pipeline(transaction=False)
    pipeline.hmget(keys.bytes, fields)
    if has_extra:
        pipeline.hmget(keys.extra, fields)
    sizes, *extra = pipeline.execute()
    return Piece(fields, found.values(), sizes, extra[0] if extra else repeat(None, len(fields)))


def _kind(host: str, tail: str) -> Kind:
    service, status = tail.split("|")
    return host, service, status


def _numbers(values: Values) -> list[int]:
    return [int(value or 0) for value in values]
