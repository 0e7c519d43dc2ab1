"""The second pass: events become records, with what is remembered of earlier ones.

A delivery that ends for good is a record, if its beginning and its message's size and sender are
known. Its attempts are those deferred before it, and itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.addresses import BRACKET
from mailtally_collector.parse.maillog.events import (
    DEFERRED,
    DONE,
    END,
    INFO,
    LOCAL,
    NEW,
)
from mailtally_collector.parse.maillog.memory import recipient_of, row_for, row_of
from mailtally_collector.parse.measures import BAD_ATTEMPTS
from mailtally_collector.parse.names import index_of
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import AT, byte_at, has, spelled
from mailtally_shared.columns import MAX_SUM, Service

if TYPE_CHECKING:
    from mailtally_collector.parse.maillog.events import Events
    from mailtally_collector.parse.maillog.memory import Memory
    from mailtally_collector.parse.page import Margin, Page

UNKNOWN_DELIVERY: Final = int(Reason.UNKNOWN_DELIVERY)
BAD_DOMAIN: Final = int(Reason.BAD_DOMAIN)
SMTP_IN: Final = int(Service.SMTP_IN)
SMTP_OUT: Final = int(Service.SMTP_OUT)

#: In place of where a name begins: the line's host is charged.
HOST_ITSELF: Final = -1
#: The sender of what qmail tells the postmaster.
DOUBLE_BOUNCE: Final = spelled(b"#@[]")


@compiled
def join_events(  # noqa: PLR0917 - what is read, what is known, what is written to
    data: Bytes,
    count: int,
    events: Events,
    memory: Memory,
    max_age: int,
    page: Page,
    margin: Margin,
    bad: int,
) -> tuple[int, int]:
    """Follow ``count`` events; gives the numbers of records and of malformed lines.

    Args:
        data: What all ranges are of.
        count: Rows of ``events``.
        events: In the order of the log.
        memory: What is known; changed.
        max_age: Seconds after which a message of which nothing was heard is forgotten.
        page: Where records are written.
        margin: Where malformed lines are written, behind those that are there.
        bad: How many are there.
    """
    row = 0
    for k in range(count):
        kind = events.kind[k]
        if kind == DONE:
            failed = read_end(data, k, events, memory, max_age, row, page)
            if failed:
                margin.start[bad] = events.start[k]
                margin.end[bad] = events.end[k]
                margin.reason[bad] = failed
                bad += 1
            else:
                row += 1
        elif kind == INFO:
            learn(data, k, events, memory)
        elif kind in (NEW, END):
            forget(k, events, memory)
        elif kind == DEFERRED:
            defer(k, events, memory, max_age)
        else:
            begin(k, events, memory, max_age)
    return row, bad


@compiled
def forget(k: int, events: Events, memory: Memory) -> None:
    """The number has no message, and what is known of the one it had is out of date."""
    message = row_of(events.host[k], events.number[k], memory.messages)
    if message >= 0:
        memory.messages.known[message] = False


@compiled
def learn(data: Bytes, k: int, events: Events, memory: Memory) -> None:
    """The number has a message of this size and sender."""
    messages = memory.messages
    message = row_for(events.host[k], events.number[k], messages)
    messages.life[message] += 1
    messages.known[message] = True
    messages.size[message] = events.size[k]
    messages.seen[message] = events.time[k]
    start, end = domain_of(data, events.name[k], events.name_end[k])
    messages.name[message] = start
    messages.name_end[message] = end


@compiled
def begin(k: int, events: Events, memory: Memory, max_age: int) -> None:
    """A delivery begins; what had its number before will never end."""
    delivery = row_for(events.host[k], events.number[k], memory.deliveries)
    memory.deliveries.recipient[delivery] = -1
    message = row_of(events.host[k], events.message[k], memory.messages)
    if message < 0 or not is_current(message, events.time[k], memory, max_age):
        return
    memory.messages.seen[message] = events.time[k]
    memory.deliveries.recipient[delivery] = recipient_of(
        message, events.kind[k] == LOCAL, events.name[k], events.name_end[k], memory
    )


@compiled
def defer(k: int, events: Events, memory: Memory, max_age: int) -> None:
    """A delivery ends that counts as an attempt of a later one."""
    recipient = ended(k, events, memory, max_age)
    if recipient >= 0:
        memory.recipients.deferrals[recipient] += 1


@compiled
def read_end(  # noqa: PLR0917 - as ``join_events``
    data: Bytes, k: int, events: Events, memory: Memory, max_age: int, row: int, page: Page
) -> int:
    """A delivery ends for good: write its record. Gives 0, or a reason."""
    recipient = ended(k, events, memory, max_age)
    if recipient < 0:
        return UNKNOWN_DELIVERY
    known, messages = memory.recipients, memory.messages
    message = known.message[recipient]
    attempts = known.deferrals[recipient] + 1
    known.deferrals[recipient] = 0
    if messages.size[message] > MAX_SUM // attempts:
        return BAD_ATTEMPTS
    name, name_end = messages.name[message], messages.name_end[message]
    if known.local[recipient]:
        if known.name[recipient] == known.name_end[recipient]:
            return BAD_DOMAIN  # a sender may be null, a recipient may not
        name, name_end = domain_of(data, known.name[recipient], known.name_end[recipient])
    if name == HOST_ITSELF:
        name, name_end = page.hosts.start[events.host[k]], page.hosts.end[events.host[k]]
    if name == name_end:
        return BAD_DOMAIN
    page.start[row] = events.start[k]
    page.end[row] = events.end[k]
    page.time[row] = events.time[k]
    page.size[row] = messages.size[message]
    page.attempts[row] = attempts
    page.service[row] = SMTP_IN if known.local[recipient] else SMTP_OUT
    page.host[row] = events.host[k]
    page.status[row] = index_of(events.name[k], events.name_end[k], page.statuses)
    page.domain[row] = index_of(name, name_end, page.domains)
    return 0


@compiled
def ended(k: int, events: Events, memory: Memory, max_age: int) -> int:
    """The recipient of a delivery, which ends; -1 where it or its message is not known."""
    delivery = row_of(events.host[k], events.number[k], memory.deliveries)
    if delivery < 0:
        return -1
    recipient: int = memory.deliveries.recipient[delivery]
    memory.deliveries.recipient[delivery] = -1
    if recipient < 0:
        return -1
    message = memory.recipients.message[recipient]
    same_life = memory.recipients.life[recipient] == memory.messages.life[message]
    if not same_life or not is_current(message, events.time[k], memory, max_age):
        return -1
    memory.messages.seen[message] = events.time[k]
    return recipient


@compiled
def is_current(message: int, time: int, memory: Memory, max_age: int) -> bool:
    """Whether the number has a message, and it was heard of lately."""
    return bool(memory.messages.known[message]) and time - memory.messages.seen[message] <= max_age


@compiled
def domain_of(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """What follows the last ``@`` of an address; nothing where there is none.

    For the null sender and an address literal it begins at ``HOST_ITSELF``.
    """
    is_double_bounce = end - start == len(DOUBLE_BOUNCE) and has(data, start, DOUBLE_BOUNCE)
    if start == end or is_double_bounce:
        return HOST_ITSELF, HOST_ITSELF
    at = end - 1
    while at >= start and byte_at(data, at) != AT:
        at -= 1
    if at < start:
        return end, end
    if at + 1 < end and byte_at(data, at + 1) == BRACKET:
        return HOST_ITSELF, HOST_ITSELF
    return at + 1, end
