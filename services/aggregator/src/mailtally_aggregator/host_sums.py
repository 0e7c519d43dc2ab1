"""The sums of one host and day, read out of the state without ever holding all their text."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from mailtally_aggregator.packed_sums import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.day_files import Gathering
    from mailtally_shared.state.client import State

#: Names read at a time; Redis serves others in between.
_PIECE = 5000


class Piece(NamedTuple):
    """Some names with their packed sums, as Redis gave them."""

    names: Sequence[bytes]
    values: Sequence[bytes]


def pieces(state: State, key: str) -> Iterator[Piece]:
    """All names of a host's hash, piece by piece.

    Each is given that is there from the first piece to the last; it may be given twice.
    """
    cursor = None
    while cursor != 0:
        answer = state.hscan(key, cursor or 0, count=_PIECE)
        cursor, found = cast("tuple[int, dict[bytes, bytes]]", answer)
        if found:
            yield Piece(list(found), list(found.values()))


def parted(found: dict[bytes, bytes]) -> Iterator[Piece]:
    """The names of a hash that was read as a whole, piece by piece."""
    entries = iter(found.items())
    while some := list(islice(entries, _PIECE)):
        yield Piece(*zip(*some, strict=True))


def add(gathered: Gathering, host: str, piece: Piece) -> None:
    """Take a piece of ``host`` over into the day's columns."""
    unpacked = unpack(piece.values)
    names = [name.decode("ascii") for name in piece.names]
    kinds = [(host, *kind) for kind in unpacked.kinds]
    messages, size, extra = unpacked.quantities
    gathered.add(
        [names[value] for value in unpacked.value.tolist()],
        [kinds[kind] for kind in unpacked.kind.tolist()],
        cast("Sequence[Sequence[int]]", (messages, size, size + extra)),
    )
