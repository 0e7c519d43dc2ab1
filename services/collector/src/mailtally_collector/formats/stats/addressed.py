"""Parse with the addresses, which never leave the mail host and are shown to its operator only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.stats.parser import parsed_of
from mailtally_kernel import read_stats

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.parsed import Parsed
    from mailtally_shared.columns import Array

_COLUMNS = ("time", "size", "attempts", "service", "host", "status", "domain")


class Addresses(NamedTuple):
    """The positions of each record's addresses in the chunk."""

    outgoing: Array  # uint8 (n,): 1 where msg_type is ``out``
    sender: Array  # uint32 (n,): its offset
    split: Array  # uint32 (n,): the ``|`` between the two
    end: Array  # uint32 (n,): the end of the recipient


@dataclass(frozen=True, slots=True)
class Addressed:
    """A parsed chunk; the columns of ``addresses`` are parallel to those of ``parsed.columns``.

    ``data`` is a view of the chunk: the chunk must not be written to while it exists.
    """

    data: Array  # uint8
    parsed: Parsed
    addresses: Addresses

    def at(self, rows: Array) -> Addressed:
        """Return a copy with the records at the indices ``rows`` only."""
        columns = self.parsed.columns
        selected = replace(columns, **{name: getattr(columns, name)[rows] for name in _COLUMNS})
        addresses = Addresses(*(column[rows] for column in self.addresses))
        return replace(self, parsed=replace(self.parsed, columns=selected), addresses=addresses)


def parse_addressed(chunk: bytes | bytearray | memoryview) -> Addressed:
    r"""Parse whole lines as :meth:`Parser.parse` does, and keep the ranges of the addresses.

    Args:
        chunk: Bytes that end with ``\n``, or none at all; below 4 GiB.

    Raises:
        ValueError: The last line has no ``\n``.
    """
    data = bytes_of(chunk)
    lines = read_stats(data, normalised, with_addresses=True)
    read = lines.columns
    addresses = Addresses(
        outgoing=read["outgoing"],
        sender=read["sender"],
        split=read["separator"],
        end=read["recipient_end"],
    )
    return Addressed(data, parsed_of(lines), addresses)
