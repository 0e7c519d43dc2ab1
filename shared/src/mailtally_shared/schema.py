"""The accounting model, declared once: what is counted under which key, and its limits. Pure.

``Sums`` is the declaration. Its text fields are the dimensions of a day's rows, its whole numbers
the measures; from them are made the state's keys, the breakdown's columns, the tables and what a
report may group by. ``docs/how-to/develop/add-a-dimension.md`` follows a new one through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, NamedTuple, get_args, get_origin, get_type_hints

#: Largest message size of a log line (RULES section 1), in bytes.
MAX_SIZE = 2**53 - 1
#: Largest number of attempts of a log line. With it, and MAX_SIZE, a product
#: may still exceed 63 bits; such a line is malformed (``bad-attempts``).
MAX_ATTEMPTS = 2**31 - 1
#: Largest value of any sum: Redis and SQL count in int64.
MAX_SUM = 2**63 - 1
#: Lines of one batch: far more than a collector sends, and far fewer than would let the sum of many
#: batches exceed 63 bits.
MAX_LINES = 2**40
#: Rows of one batch, which take memory: twice the most that a collector may be set to send.
MAX_ROWS = 2**21
#: End of valid timestamps, exclusive: 9999-12-31 00:00 UTC. In every time zone they
#: still fall in a four-digit year.
END_OF_TIME = 253_402_214_400
#: Form of a mail host's name, as its collector may register it.
HOST_NAME = r"[a-z0-9._:-]{1,255}"

#: The statuses that the original system writes (RULES section 1).
KNOWN_STATUSES = frozenset(
    {
        *("success", "timeout", "rejclam", "rejspam", "manyhops", "mboxoverquota"),
        *("badmime", "bytestooverflow", "partial", "readerr"),
    }
)
#: The status under which unknown ones are counted once there are too many of them.
OTHER_STATUS = "other"


def host_name(name: str) -> str:
    """Return the name of a mail host; raise ``ValueError`` for one that no collector can have."""
    if not re.fullmatch(HOST_NAME, name):
        raise ValueError(
            "expected the name of a mail host: lowercase letters, digits and . _ : - only"
        )
    return name


class Service(IntEnum):
    """The service of a record (RULES section 2); the values travel in batches."""

    SMTP_IN = 0
    SMTP_OUT = 1
    POP3 = 2
    IMAP = 3
    MAILLIST = 4

    @property
    def label(self) -> str:
        """The name in files, tables and reports, e.g. ``smtp-in``."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def from_label(cls, label: str) -> Service:
        """Return the service of a label; raise ``ValueError`` for an unknown one."""
        try:
            return _SERVICE_OF_LABEL[label]
        except KeyError:
            raise ValueError(f"unknown service {label!r}") from None


_SERVICE_OF_LABEL = {service.label: service for service in Service}


@dataclass(frozen=True)
class Dimension:
    """A dimension of the totals.

    Attributes:
        longest: bytes of its longest name; the tables are as wide.
        is_of_place: it tells the hashes of a day in the state apart; names are fields of a hash,
            all further dimensions a part of each field's value.
    """

    longest: int
    is_of_place: bool = False


class Sums(NamedTuple):
    """What was counted under one key of a day: a line of the breakdown.

    Tuples sort by key, which is the order of the file. The first dimension is the name that is
    charged; the key's others are in the order of ``KIND``.
    """

    domain: Annotated[str, Dimension(253)]
    #: The registered host of the collector that reported it; no other can change it.
    collector: Annotated[str, Dimension(255, is_of_place=True)]
    #: The host that the log line names, whichever collector read it.
    host: Annotated[str, Dimension(255, is_of_place=True)]
    service: Annotated[str, Dimension(16)]  # Service.label
    status: Annotated[str, Dimension(32)]
    messages: int
    bytes: int  # as logged
    transferred: int  # bytes times attempts


def _declared() -> dict[str, Dimension]:
    hints = get_type_hints(Sums, include_extras=True)
    return {
        name: next(note for note in get_args(hint) if isinstance(note, Dimension))
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
    }


#: The key of a day's row, in order, and each dimension.
DIMENSIONS = _declared()
KEY = tuple(DIMENSIONS)
#: What is added up, in order.
MEASURES = Sums._fields[len(KEY) :]
#: The key without the charged name, which nearly all rows of a day share with others.
KIND = KEY[1:]
#: The part of it that tells the hashes of a day apart, and the part within their values.
PLACE = tuple(name for name in KIND if DIMENSIONS[name].is_of_place)
ENTRY = tuple(name for name in KIND if not DIMENSIONS[name].is_of_place)

#: The dimensions of a row apart from the charged name, in the order of ``KIND``.
Kind = tuple[str, ...]
#: Separates the names of a place; no name of a host contains it.
_BETWEEN = "|"
#: The index in a ``Kind``.
COLLECTOR, SERVICE, STATUS = (KIND.index(name) for name in ("collector", "service", "status"))


def place_of(*names: str) -> str:
    """Return the place of names in the order of ``PLACE``, as the state spells it."""
    return _BETWEEN.join(names)


def names_of(place: str) -> tuple[str, ...]:
    """Return the names of a place, in the order of ``PLACE``."""
    return tuple(place.split(_BETWEEN))
