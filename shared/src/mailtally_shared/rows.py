"""Rows of sums, as columns: the only form in which records travel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_shared.adding import SumOverflowError, added, codes_of, compact
from mailtally_shared.columns import Array, unify
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.columns import Columns

#: The lengths that a step may have, in seconds. Each divides those before it.
STEPS: Final = (3600, 900, 60, 1)
#: The step of a row that is one record: records are not folded.
UNFOLDED: Final = STEPS[-1]


@dataclass(frozen=True, slots=True)
class Rows:
    """``n`` rows, column by column; every array has shape ``(n,)``.

    A row is one record, or several that have the same key: step, host, domain, service and status.
    Two rows may have the same key. The names are dictionaries, as those of ``Columns``.
    """

    step: int  # seconds, one of STEPS
    start: Array  # int64, first second of the step, a multiple of it, 0 <= start < END_OF_TIME
    messages: Array  # int64, records, 1 or more
    bytes: Array  # int64, as logged
    extra: Array  # int64, what repeated attempts add to the bytes; both together at most MAX_SUM
    service: Array  # uint8, values of Service
    host: Array  # uint16, index into hosts
    status: Array  # uint8, index into statuses
    domain: Array  # uint32, index into domains
    hosts: tuple[str, ...]
    statuses: tuple[str, ...]
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def of(cls, columns: Columns, step: int = UNFOLDED) -> Rows:
        """Return each record as a row, in the same order."""
        return cls(
            step=step,
            start=columns.time - columns.time % step,
            messages=np.ones(len(columns), np.int64),
            bytes=columns.size,
            extra=columns.size * (np.maximum(columns.attempts, 1) - 1),
            service=columns.service,
            host=columns.host,
            status=columns.status,
            domain=columns.domain,
            hosts=columns.hosts,
            statuses=columns.statuses,
            domains=columns.domains,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Rows], step: int = UNFOLDED) -> Rows:
        """Return the rows of all parts, in order, under common dictionaries.

        Args:
            parts: rows of the same step.
            step: the step of the result where there are no parts.
        """
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty(step)
        if len({part.step for part in parts}) > 1:
            raise ValueError("Rows of different steps cannot be put together.")
        host, hosts = unify([(part.host, part.hosts) for part in parts])
        status, statuses = unify([(part.status, part.statuses) for part in parts])
        domain, domains = unify([(part.domain, part.domains) for part in parts])
        return cls(
            step=parts[0].step,
            start=np.concatenate([part.start for part in parts]),
            messages=np.concatenate([part.messages for part in parts]),
            bytes=np.concatenate([part.bytes for part in parts]),
            extra=np.concatenate([part.extra for part in parts]),
            service=np.concatenate([part.service for part in parts]),
            host=host.astype(np.uint16),
            status=status.astype(np.uint8),
            domain=domain.astype(np.uint32),
            hosts=tuple(hosts),
            statuses=tuple(statuses),
            domains=tuple(domains),
        )

    @classmethod
    def empty(cls, step: int = UNFOLDED) -> Rows:
        """Return rows of a step, without any."""
        none: Array = np.empty(0, np.int64)
        return cls(
            step=step,
            start=none,
            messages=none,
            bytes=none,
            extra=none,
            service=none.astype(np.uint8),
            host=none.astype(np.uint16),
            status=none.astype(np.uint8),
            domain=none.astype(np.uint32),
            hosts=(),
            statuses=(),
            domains=(),
        )

    def taken(self, which: Array) -> Rows:
        """Return the rows at some indices, or those of which a mask of shape ``(n,)`` is true."""
        return replace(
            self,
            start=self.start[which],
            messages=self.messages[which],
            bytes=self.bytes[which],
            extra=self.extra[which],
            service=self.service[which],
            host=self.host[which],
            status=self.status[which],
            domain=self.domain[which],
        )


def arranged(rows: Rows) -> Rows:
    """Return the rows sorted as ``fold`` does, without adding any up."""
    if not len(rows):
        return rows
    numbers = rows.start // rows.step
    columns = (rows.domain, rows.host, rows.status, rows.service, numbers - numbers.min())
    order: Array = np.arange(len(rows))
    for column in columns:
        # By counting, where 16 bits suffice: several times as fast as comparing.
        narrow = column.astype(np.uint16) if int(column.max()) < 2**16 else column
        order = order[np.argsort(narrow[order], kind="stable")]
    return rows.taken(order)


def fold(rows: Rows) -> Rows:
    """Return the sums of each key as one row, sorted so that they compress well.

    Rows whose sums would come near 63 bits are returned as they are.
    """
    if not len(rows):
        return rows
    first = int(rows.start.min()) // rows.step
    steps, step = compact(rows.start // rows.step - first)
    shape = (len(steps), len(Service), len(rows.statuses), len(rows.hosts))
    kinds, kind = compact(codes_of((step, rows.service, rows.status, rows.host), shape), shape)
    names = len(rows.domains)
    keys, key = compact(kind * names + rows.domain, (len(kinds), names))
    at, domain = np.divmod(keys, names)
    step, service, status, host = np.unravel_index(kinds[at], shape)
    try:
        return replace(
            rows,
            start=(steps[step] + first) * rows.step,
            messages=added(key, rows.messages, len(keys)),
            bytes=added(key, rows.bytes, len(keys)),
            extra=added(key, rows.extra, len(keys)),
            service=service.astype(np.uint8),
            host=host.astype(np.uint16),
            status=status.astype(np.uint8),
            domain=domain.astype(np.uint32),
        )
    except SumOverflowError:
        return rows
