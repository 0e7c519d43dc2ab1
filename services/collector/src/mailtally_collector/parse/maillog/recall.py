"""From what was saved to the memory, before a chunk is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_collector.machine.marks import compiled
from mailtally_collector.parse.maillog.join import HOST_ITSELF
from mailtally_collector.parse.maillog.memory import recipient_of, row_for
from mailtally_collector.parse.names import index_of

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_collector.parse.maillog.memory import Memory
    from mailtally_collector.parse.maillog.state import Saved
    from mailtally_collector.parse.names import Names
    from mailtally_shared.columns import Array


class Recalled(NamedTuple):
    """The saved tables for the machine code, with where each name is in the data."""

    hosts: Array  # int64 (h + 1,): written: the index of each host, the collector's own first
    host_name: Array  # int64 (h,): where it begins
    host_end: Array  # int64 (h,)
    messages: Array  # int64 (m, 4): host, number, size, seen
    message_row: Array  # int64 (m,): written: the row of each message
    message_name: Array  # int64 (m,)
    message_end: Array  # int64 (m,)
    recipients: Array  # int64 (r, 3): message, local, deferrals
    recipient_row: Array  # int64 (r,): written
    recipient_name: Array  # int64 (r,)
    recipient_end: Array  # int64 (r,)
    deliveries: Array  # int64 (d, 3): host, number, recipient


def recalled(saved: Saved, begin: int) -> Recalled:
    """The tables of ``saved``, whose text stands at ``begin`` of the data."""
    lengths = saved.lengths()
    end = begin + np.cumsum(lengths)
    start = end - lengths
    hosts, messages = len(saved.hosts), len(saved.hosts) + len(saved.messages)
    itself = saved.messages[:, 4] == HOST_ITSELF
    return Recalled(
        hosts=np.zeros(hosts + 1, np.int64),
        host_name=start[:hosts],
        host_end=end[:hosts],
        messages=saved.messages[:, :4].astype(np.int64),
        message_row=np.zeros(len(saved.messages), np.int64),
        message_name=np.where(itself, HOST_ITSELF, start[hosts:messages]),
        message_end=np.where(itself, HOST_ITSELF, end[hosts:messages]),
        recipients=saved.recipients[:, :3].astype(np.int64),
        recipient_row=np.zeros(len(saved.recipients), np.int64),
        recipient_name=start[messages:],
        recipient_end=end[messages:],
        deliveries=saved.deliveries.astype(np.int64),
    )


@compiled
def restore(saved: Recalled, hosts: Names, memory: Memory) -> None:
    """Fill an empty memory, and the dictionary of hosts, in which our own is already."""
    for k in range(len(saved.host_name)):
        saved.hosts[k + 1] = index_of(saved.host_name[k], saved.host_end[k], hosts)
    restore_messages(saved, memory)
    restore_recipients(saved, memory)
    for k in range(len(saved.deliveries)):
        host = saved.hosts[saved.deliveries[k, 0]]
        row = row_for(host, saved.deliveries[k, 1], memory.deliveries)
        memory.deliveries.recipient[row] = saved.recipient_row[saved.deliveries[k, 2]]


@compiled
def restore_messages(saved: Recalled, memory: Memory) -> None:
    """Fill the messages."""
    table = memory.messages
    for k in range(len(saved.messages)):
        row = row_for(saved.hosts[saved.messages[k, 0]], saved.messages[k, 1], table)
        saved.message_row[k] = row
        table.known[row] = True
        table.size[row] = saved.messages[k, 2]
        table.seen[row] = saved.messages[k, 3]
        table.name[row] = saved.message_name[k]
        table.name_end[row] = saved.message_end[k]


@compiled
def restore_recipients(saved: Recalled, memory: Memory) -> None:
    """Fill the recipients."""
    for k in range(len(saved.recipients)):
        row = recipient_of(
            saved.message_row[saved.recipients[k, 0]],
            saved.recipients[k, 1] != 0,
            saved.recipient_name[k],
            saved.recipient_end[k],
            memory,
        )
        saved.recipient_row[k] = row
        memory.recipients.deferrals[row] = saved.recipients[k, 2]


@compiled
def gather(data: Bytes, start: Array, end: Array, text: Bytes) -> None:
    """Write the bytes of ranges to ``text``, one range after the other."""
    place = 0
    for k in range(len(start)):
        for i in range(start[k], end[k]):
            text[place] = data[i]
            place += 1
