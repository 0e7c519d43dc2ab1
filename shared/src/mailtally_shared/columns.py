"""A batch of records as columns: the one form in which records travel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[Any]

#: Largest message size of a log line (RULES section 1), in bytes.
MAX_SIZE = 2**53 - 1
#: Largest number of attempts of a log line. With it, and MAX_SIZE, a product
#: may still exceed 63 bits; such a line is malformed (``bad-attempts``).
MAX_ATTEMPTS = 2**31 - 1
#: Largest number that a sum may reach anywhere: Redis and SQL count in int64.
MAX_SUM = 2**63 - 1
#: Timestamps end here, exclusive: 9999-12-31 00:00 UTC. Every zone's calendar
#: still has a four-digit year for all of them.
END_OF_TIME = 253_402_214_400


#: The statuses that the original system writes (RULES section 1).
KNOWN_STATUSES = frozenset(
    {
        *("success", "timeout", "rejclam", "rejspam", "manyhops", "mboxoverquota"),
        *("badmime", "bytestooverflow", "partial", "readerr"),
    }
)
#: What a status is called once there are too many unknown ones.
OTHER_STATUS = "other"


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
        """The service of a label; ``ValueError`` for an unknown one."""
        try:
            return _SERVICE_OF_LABEL[label]
        except KeyError:
            raise ValueError(f"unknown service {label!r}") from None


_SERVICE_OF_LABEL = {service.label: service for service in Service}


@dataclass(frozen=True, slots=True)
class Columns:
    """``n`` records, column by column; every array has shape ``(n,)``.

    The names are dictionaries: ``domain[i]`` is an index into ``domains``.
    A dictionary's entries are ASCII without line breaks, its order has no
    meaning, and an entry may be unused.
    """

    time: Array  # int64, Unix seconds, 0 <= time < END_OF_TIME
    size: Array  # int64, bytes as logged, 0 … MAX_SIZE
    attempts: Array  # int64, as logged, 1 where the line has none; 0 … MAX_ATTEMPTS
    service: Array  # uint8, values of Service
    host: Array  # uint16, index into hosts
    status: Array  # uint8, index into statuses
    domain: Array  # uint32, index into domains
    hosts: tuple[str, ...]
    statuses: tuple[str, ...]
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def concatenate(cls, parts: Sequence[Columns]) -> Columns:
        """The records of all parts, in order, under common dictionaries."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        host, hosts = unify([(part.host, part.hosts) for part in parts])
        status, statuses = unify([(part.status, part.statuses) for part in parts])
        domain, domains = unify([(part.domain, part.domains) for part in parts])
        return cls(
            time=np.concatenate([part.time for part in parts]),
            size=np.concatenate([part.size for part in parts]),
            attempts=np.concatenate([part.attempts for part in parts]),
            service=np.concatenate([part.service for part in parts]),
            host=host.astype(np.uint16),
            status=status.astype(np.uint8),
            domain=domain.astype(np.uint32),
            hosts=tuple(hosts),
            statuses=tuple(statuses),
            domains=tuple(domains),
        )

    @classmethod
    def empty(cls) -> Columns:
        """No records at all."""
        none: Array = np.empty(0, np.int64)
        return cls(
            time=none,
            size=none,
            attempts=none,
            service=none.astype(np.uint8),
            host=none.astype(np.uint16),
            status=none.astype(np.uint8),
            domain=none.astype(np.uint32),
            hosts=(),
            statuses=(),
            domains=(),
        )


def unify(parts: Sequence[tuple[Array, Sequence[str]]]) -> tuple[Array, list[str]]:
    """Bring several index columns under one dictionary.

    Args:
        parts: index columns with their dictionaries, whose entries may repeat.

    Returns:
        The columns one after another (int64) as indexes into the distinct names.
    """
    numbers: dict[str, int] = {}
    columns = []
    for index, names in parts:
        mapping = [numbers.setdefault(name, len(numbers)) for name in names]
        columns.append(np.array(mapping, np.int64)[index])
    return (columns[0] if len(columns) == 1 else np.concatenate(columns)), list(numbers)
