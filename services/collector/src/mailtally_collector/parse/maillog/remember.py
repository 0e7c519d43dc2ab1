"""From the memory to what is saved of it behind a chunk: what is under way, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.parse.maillog.entries import run_gather
from mailtally_collector.parse.maillog.join import HOST_ITSELF
from mailtally_collector.parse.maillog.state import Saved

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_collector.parse.maillog.memory import Memory
    from mailtally_collector.parse.names import Names
    from mailtally_shared.columns import Array

#: Why a message is forgotten before its end.
TOO_OLD: Final = "age"
TOO_MANY: Final = "number"


@dataclass(frozen=True, slots=True)
class _Kept:
    """Which rows of each table are kept."""

    messages: Array
    recipients: Array
    deliveries: Array


def remembered(
    memory: Memory, data: Bytes, hosts: Names, *, oldest: int, most: int
) -> tuple[Saved, dict[str, int]]:
    """What of a memory is still needed.

    Args:
        memory: as the chunk has left it.
        data: what its ranges are of.
        hosts: the dictionary of hosts, our own first.
        oldest: a message of which nothing was heard since, in Unix seconds, is forgotten.
        most: rows that are kept, at most; the messages heard of last stay.

    Returns:
        The tables, and how many messages were forgotten, by reason.
    """
    taken = int(memory.messages.ways.taken[0])
    known = memory.messages.known[:taken]
    fresh = known & (memory.messages.seen[:taken] >= oldest)
    recipients = _needed_recipients(memory)
    within = _within(memory, fresh, recipients, most)
    forgotten = {
        TOO_OLD: int(np.count_nonzero(known & ~fresh)),
        TOO_MANY: int(np.count_nonzero(fresh & ~within)),
    }
    saved = _saved(memory, data, hosts, _kept(memory, within, recipients))
    return saved, {reason: count for reason, count in forgotten.items() if count}


def _needed_recipients(memory: Memory) -> Array:
    """Those of present messages that have a delivery under way or behind them."""
    table, messages = memory.recipients, memory.messages
    taken = int(table.ways.taken[0])
    of_message = table.message[:taken]
    needed: Array = table.deferrals[:taken] > 0
    under_way = memory.deliveries.recipient[: int(memory.deliveries.ways.taken[0])]
    needed[under_way[under_way >= 0]] = True
    present = messages.known[of_message] & (messages.life[of_message] == table.life[:taken])
    needed &= present
    return needed


def _within(memory: Memory, fresh: Array, recipients: Array, most: int) -> Array:
    """The fresh messages that have room, with a row for itself, each recipient and its delivery."""
    of_message = memory.recipients.message[: len(recipients)][recipients]
    rows = 1 + 2 * np.bincount(of_message, minlength=len(fresh))
    if int(rows[fresh].sum()) <= most:
        return fresh
    newest_first = np.argsort(-memory.messages.seen[: len(fresh)], kind="stable")
    newest_first = newest_first[fresh[newest_first]]
    within = np.zeros(len(fresh), np.bool_)
    within[newest_first[np.cumsum(rows[newest_first]) <= most]] = True
    return within


def _kept(memory: Memory, messages: Array, recipients: Array) -> _Kept:
    recipients = recipients & messages[memory.recipients.message[: len(recipients)]]
    under_way = memory.deliveries.recipient[: int(memory.deliveries.ways.taken[0])]
    deliveries = under_way >= 0
    deliveries[deliveries] = recipients[under_way[deliveries]]
    return _Kept(messages, recipients, deliveries)


def _saved(memory: Memory, data: Bytes, hosts: Names, kept: _Kept) -> Saved:
    messages, recipients, deliveries = (
        [column[: len(rows)][rows] for column in table[1:]]
        for table, rows in (
            (memory.messages, kept.messages),
            (memory.recipients, kept.recipients),
            (memory.deliveries, kept.deliveries),
        )
    )
    host, number, _, _, size, seen, domain, domain_end = messages
    message, _, local, address, address_end, deferrals = recipients
    delivery_host, delivery, recipient = deliveries
    named = np.unique(np.concatenate([host, delivery_host]))
    named = named[named > 0]
    host_start, host_end = hosts.start[named], hosts.end[named]
    domain_length = np.where(domain == HOST_ITSELF, HOST_ITSELF, domain_end - domain)
    start = np.concatenate([host_start, domain, address])
    end = np.concatenate([host_end, domain_end, address_end])
    return Saved(
        hosts=(host_end - host_start).reshape(-1, 1),
        messages=np.stack([_place(host, named), number, size, seen, domain_length], 1),
        recipients=np.stack(
            [_rank(kept.messages)[message], local, deferrals, address_end - address], 1
        ),
        deliveries=np.stack(
            [_place(delivery_host, named), delivery, _rank(kept.recipients)[recipient]], 1
        ),
        text=_gathered(data, start, end),
    )


def _gathered(data: Bytes, start: Array, end: Array) -> Array:
    """The bytes of ranges, one after the other; those that begin nowhere are empty."""
    text = np.empty(int((end - start).sum()), np.uint8)
    run_gather(data, start, end, text)
    return text


def _place(host: Array, named: Array) -> Array:
    """Each host's place among those named, 1 the first; 0 is our own."""
    return np.where(host > 0, np.searchsorted(named, host) + 1, 0)


def _rank(kept: Array) -> Array:
    """For each row that is kept, which of them it is."""
    return np.cumsum(kept) - 1
