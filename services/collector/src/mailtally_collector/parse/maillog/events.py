"""The events of a chunk: what each line of qmail's says, before it is known what it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.parse.words import Words, words_of

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_collector.parse.names import Names
    from mailtally_shared.columns import Array

#: Kinds of events. A line that is none of them is passed over.
PASSED: Final = 0
NEW: Final = 1  # a message number begins anew
INFO: Final = 2  # its size and sender
LOCAL: Final = 3  # a delivery to a mailbox of this host begins
REMOTE: Final = 4  # a delivery to another host begins
DONE: Final = 5  # a delivery ends in success or failure
DEFERRED: Final = 6  # a delivery ends, and will be tried again
END: Final = 7  # a message number is free


class Recent(NamedTuple):
    """The last stamp of syslog's, up to its seconds, and what it says."""

    start: Array  # int64 (1,): where it stands
    end: Array  # int64 (1,)
    host: Array  # int64 (1,)
    time: Array  # int64 (1,)


class Events(NamedTuple):
    """Rows for up to ``n`` events; a row that turns out to be none is written over by the next."""

    start: Array  # int64 (n,): offset of the line
    end: Array  # int64 (n,): its end, without the line feed
    kind: Array  # uint8 (n,)
    host: Array  # uint32 (n,): index into hosts
    time: Array  # int64 (n,): Unix seconds
    number: Array  # int64 (n,): of the delivery, or of the message where there is none
    message: Array  # int64 (n,): LOCAL, REMOTE: the message's number
    size: Array  # int64 (n,): INFO: bytes
    name: Array  # int64 (n,): INFO: sender; LOCAL, REMOTE: recipient; DONE: status
    name_end: Array  # int64 (n,)
    hosts: Names
    recent: Recent
    data: Bytes
    words: Words  # of the data

    @classmethod
    def blank(cls, rows: int, data: Bytes, hosts: Names) -> Events:
        """Room for the events of ``rows`` lines."""
        start, end, time, number, message, size, name, name_end = (
            np.empty(rows, np.int64) for _ in range(8)
        )
        return cls(
            start=start,
            end=end,
            kind=np.empty(rows, np.uint8),
            host=np.empty(rows, np.uint32),
            time=time,
            number=number,
            message=message,
            size=size,
            name=name,
            name_end=name_end,
            hosts=hosts,
            recent=Recent(*(np.zeros(1, np.int64) for _ in range(4))),
            data=data,
            words=words_of(data),
        )
