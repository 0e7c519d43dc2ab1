"""Parse with the addresses: what never leaves the mail host, and its operator looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.parse.page import Addresses
from mailtally_collector.parse.parsed import Parsed
from mailtally_collector.parse.stats import bytes_of, read, settled

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_collector.parse.names import Key
    from mailtally_shared.columns import Array

_COLUMNS = ("time", "size", "attempts", "service", "host", "status", "domain")


@dataclass(frozen=True, slots=True)
class Addressed:
    """A chunk's lines; the columns of ``addresses`` run beside those of ``parsed.columns``.

    ``data`` looks into the chunk: who holds it keeps the chunk from being written to.
    """

    data: Bytes
    parsed: Parsed
    addresses: Addresses

    def at(self, rows: Array) -> Addressed:
        """The same with some of the records only; ``rows`` are their indices."""
        columns = self.parsed.columns
        selected = replace(columns, **{name: getattr(columns, name)[rows] for name in _COLUMNS})
        addresses = Addresses(*(column[rows] for column in self.addresses))
        return replace(self, parsed=replace(self.parsed, columns=selected), addresses=addresses)


def parse_addressed(chunk: bytes | bytearray | memoryview, key: Key) -> Addressed:
    r"""Parse whole lines as :meth:`Parser.parse` does, and keep where the addresses are.

    Args:
        chunk: Bytes that end with ``\n``, or none at all; below 4 GiB.
        key: Of the dictionaries' hash.

    Raises:
        ValueError: The last line has no ``\n``.
    """
    data = bytes_of(chunk)
    if not len(data):
        return Addressed(data, Parsed.nothing(), Addresses.blank(0))
    page, rows, rejects, nuls = read(data, key, with_addresses=True)
    parsed, good = settled(data, page, rows, rejects)
    columns = (column[:rows][good] for column in page.addresses)
    return Addressed(data, replace(parsed, nuls=nuls), Addresses(*columns))
