"""What a parser made of a chunk, a record at a time, with all names written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.formats import Reason
from mailtally_shared.schema import Service
from tests.support.reference_parser import Record, Reject

if TYPE_CHECKING:
    from mailtally_collector.formats import Parsed


def records_of(parsed: Parsed) -> list[Record]:
    columns = parsed.columns
    return [
        Record(
            time=time,
            host=columns.hosts[host],
            service=Service(service),
            domain=columns.domains[domain],
            size=size,
            status=columns.statuses[status],
            attempts=attempts,
        )
        for time, host, service, domain, size, status, attempts in zip(
            columns.time.tolist(),
            columns.host.tolist(),
            columns.service.tolist(),
            columns.domain.tolist(),
            columns.size.tolist(),
            columns.status.tolist(),
            columns.attempts.tolist(),
            strict=True,
        )
    ]


def rejects_of(parsed: Parsed) -> list[Reject]:
    rejects = parsed.rejects
    return [
        Reject(start, end, Reason(reason))
        for start, end, reason in zip(
            rejects.start.tolist(), rejects.end.tolist(), rejects.reason.tolist(), strict=True
        )
    ]
