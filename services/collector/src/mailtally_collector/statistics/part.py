"""The figures of one piece of a log. Pure, and done in a thread: nothing in it is shared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.formats import Reason
from mailtally_collector.formats.stats.addressed import parse_addressed
from mailtally_collector.statistics.piece import BadLine
from mailtally_collector.statistics.ranking import Found, found_texts
from mailtally_collector.statistics.sums import Measures, Sums, measures_of
from mailtally_kernel import add_up
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.formats import Rejects
    from mailtally_collector.formats.stats.addressed import Addressed
    from mailtally_collector.statistics.piece import Piece
    from mailtally_collector.statistics.selection import Selection
    from mailtally_shared.columns import Array

#: Seconds. All zones' offsets are multiples of it, so hours of any zone are made of such.
QUARTER: Final = 900
#: Upper bounds of the size classes in bytes; the last class has none.
SIZE_BOUNDS: Final = tuple(2**power for power in range(10, 27, 2))
#: Malformed lines that are shown of each reason, and how much of each.
EXAMPLES: Final = 3
EXAMPLE_LENGTH: Final = 400
#: Quarters that lie so close are counted in an array; others are sought for.
_NEAR: Final = 2**16


class Kind(NamedTuple):
    """What the main table tells apart."""

    service: Service
    outgoing: bool
    status: str


class Message(NamedTuple):
    """One record, spelled out. Addresses are as logged, time is in Unix seconds."""

    size: int
    time: int
    host: str
    service: Service
    outgoing: bool
    status: str
    sender: bytes
    recipient: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found out."""

    selection: Selection
    details: bool = False
    largest: int = 10


@dataclass(slots=True)
class Details:
    """The figures of the long form only; the names are still in the piece."""

    domains: Found
    senders: Found
    recipients: Found
    sizes: Array  # int64 (classes, 4)
    largest: list[Message]


@dataclass(slots=True)
class Part:
    """The figures of one piece. ``first`` and ``last`` are Unix seconds."""

    lines: int
    records: int
    kinds: dict[Kind, Sums] = field(default_factory=dict)
    quarters: dict[int, Sums] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    malformed: Counter[str] = field(default_factory=Counter)
    examples: list[BadLine] = field(default_factory=list)
    details: Details | None = None

    def add_malformed(self, lines: Iterable[BadLine]) -> None:
        """Count lines by reason, and keep them."""
        for line in lines:
            self.malformed[line.reason] += 1
            self.examples.append(line)


def part_of(piece: Piece, wanted: Wanted) -> Part:
    """Parse a piece and add it up."""
    found = parse_addressed(piece.data)
    parsed = found.parsed
    part = Part(lines=parsed.lines + len(piece.rejects), records=len(parsed.columns))
    part.add_malformed(piece.rejects)
    _add_rejects(part, piece, parsed.rejects)
    rows = wanted.selection.rows(parsed.columns)
    if len(parsed.columns) and (rows is None or len(rows)):
        _add_selected(part, found if rows is None else found.at(rows), wanted)
    return part


def largest_of(messages: Iterable[Message], count: int) -> list[Message]:
    """Return the largest messages, largest first; of equal ones the earlier in the log."""
    return sorted(messages, key=lambda message: -message.size)[:count]


def _add_selected(part: Part, found: Addressed, wanted: Wanted) -> None:
    columns = found.parsed.columns
    measures = measures_of(columns)
    part.kinds = _kinds(found, measures)
    part.quarters = _quarters(columns.time, measures)
    part.first, part.last = int(columns.time.min()), int(columns.time.max())
    if wanted.details:
        part.details = _details(found, measures, wanted)


def _kinds(found: Addressed, measures: Measures) -> dict[Kind, Sums]:
    columns = found.parsed.columns
    shape = (len(Service), 2, len(columns.statuses))
    group = columns.service.astype(np.uint32)
    group = (group * 2 + found.addresses.outgoing) * shape[2] + columns.status
    kinds = {}
    for code, sums in _sums_by(group, measures, int(np.prod(shape))):
        service, outgoing, status = (int(k) for k in np.unravel_index(code, shape))
        kinds[Kind(Service(service), bool(outgoing), columns.statuses[status])] = sums
    return kinds


def _quarters(time: Array, measures: Measures) -> dict[int, Sums]:
    """Return sums by quarter of an hour, counted from 1970."""
    quarter = time // QUARTER
    first = int(quarter.min())
    count = int(quarter.max()) - first + 1
    if count <= _NEAR:
        return {first + k: sums for k, sums in _sums_by(quarter - first, measures, count)}
    names, group = np.unique(quarter, return_inverse=True)
    return {int(names[k]): sums for k, sums in _sums_by(group, measures, len(names))}


def _sums_by(group: Array, measures: Measures, groups: int) -> Iterable[tuple[int, Sums]]:
    """Return the sums of each group with any record."""
    sums = add_up(group, measures, groups)
    return [(k, Sums(*sums[k].tolist())) for k in np.flatnonzero(sums[:, 0]).tolist()]


def _details(found: Addressed, measures: Measures, wanted: Wanted) -> Details:
    columns, at = found.parsed.columns, found.addresses
    domains = add_up(columns.domain, measures, len(columns.domains))
    rows = _largest_rows(columns.size, wanted.largest)
    return Details(
        domains=found_texts(columns.domains, domains),
        senders=Found(found.data, at.sender, at.split, measures),
        recipients=Found(found.data, at.split + np.uint32(1), at.end, measures),
        sizes=add_up(_size_classes(columns.size), measures, len(SIZE_BOUNDS) + 1),
        largest=[_message(found, row) for row in rows.tolist()],
    )


def _size_classes(size: Array) -> Array:
    """Return the index of each size's class: the number of bounds that it reaches.

    To compare with all bounds takes a fifth of the time that seeking among them takes.
    """
    classes = np.zeros(len(size), np.uint8)
    for bound in SIZE_BOUNDS:
        classes += size >= bound
    return classes


def _largest_rows(size: Array, count: int) -> Array:
    """Return the indices of the ``count`` largest, those of equal size in their order."""
    rows = np.arange(len(size))
    if 0 < count < len(size):
        least = np.partition(size, len(size) - count)[len(size) - count]
        above = np.flatnonzero(size > least)
        rows = np.concatenate([above, np.flatnonzero(size == least)[: count - len(above)]])
    return rows[np.argsort(-size[rows], kind="stable")][:count]


def _message(found: Addressed, row: int) -> Message:
    columns, at = found.parsed.columns, found.addresses
    sender, split, end = int(at.sender[row]), int(at.split[row]), int(at.end[row])
    return Message(
        size=int(columns.size[row]),
        time=int(columns.time[row]),
        host=columns.hosts[columns.host[row]],
        service=Service(int(columns.service[row])),
        outgoing=bool(at.outgoing[row]),
        status=columns.statuses[columns.status[row]],
        sender=found.data[sender:split].tobytes(),
        recipient=found.data[split + 1 : end].tobytes(),
    )


def _add_rejects(part: Part, piece: Piece, rejects: Rejects) -> None:
    """Count by reason; keep the first lines of each."""
    for reason in np.unique(rejects.reason).tolist():
        rows = np.flatnonzero(rejects.reason == reason)
        label = Reason(reason).label
        part.malformed[label] += len(rows)
        for row in rows[:EXAMPLES].tolist():
            start, end = int(rejects.start[row]), int(rejects.end[row])
            kept = bytes(piece.data[start : min(end, start + EXAMPLE_LENGTH)])
            offset = piece.offset + start
            part.examples.append(BadLine(piece.path, offset, end - start, label, kept))
