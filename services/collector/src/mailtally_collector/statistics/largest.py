"""The largest messages of a piece, and of several pieces. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_shared.columns import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.parse.addressed import Addressed
    from mailtally_shared.columns import Array


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


def largest_of(found: Addressed, count: int) -> list[Message]:
    """The largest messages, the largest first; of equal ones the earlier in the log."""
    size = found.parsed.columns.size
    return [_message(found, row) for row in _largest_rows(size, count).tolist()]


def merged(parts: Iterable[Message], count: int) -> list[Message]:
    """The largest of several lists, put one behind the other in the order of the log."""
    return sorted(parts, key=lambda message: -message.size)[:count]


def _largest_rows(size: Array, count: int) -> Array:
    """Indices of the ``count`` largest, those of equal size in their order."""
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
