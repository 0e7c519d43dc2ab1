"""Statistics as one JSON document, after ``docs/statistics.schema.json``. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mailtally_collector.statistics.summary import at
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from mailtally_collector.statistics.largest import Message
    from mailtally_collector.statistics.measures import Sums
    from mailtally_collector.statistics.summary import Details, MalformedRow, Names, Summary

#: Of the document.
FORMAT: Final = 1


def document(summary: Summary) -> dict[str, Any]:
    """The whole of it, ready for ``json``; times are ISO 8601 with their offset from UTC."""
    question = summary.question
    return {
        "format": FORMAT,
        "files": list(question.files),
        "timezone": question.zone.key,
        "filters": _filters(summary),
        "lines": summary.lines,
        "records": summary.records,
        "malformed": summary.malformed,
        "first": summary.span[0].isoformat() if summary.span else None,
        "last": summary.span[1].isoformat() if summary.span else None,
        "total": _sums(summary.total),
        "traffic": [
            {"service": row.service, "direction": row.direction, "status": row.status}
            | _sums(row.sums)
            for row in summary.traffic
        ],
        "waste": {
            waste.value: {"messages": sums.messages, "bytes": sums.bytes}
            for waste, sums in summary.waste.items()
        },
        "hours": [{"hour": row.start.isoformat()} | _sums(row.sums) for row in summary.hours],
        "details": _details(summary, summary.details) if summary.details else None,
    }


def _filters(summary: Summary) -> dict[str, Any]:
    selection = summary.question.selection
    return {
        "services": [service.label for service in sorted(selection.services)],
        "domains": sorted(selection.domains),
        "statuses": sorted(selection.statuses),
        "since": _moment(selection.since),
        "until": _moment(selection.until),
    }


def _moment(time: int | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat()


def _sums(sums: Sums) -> dict[str, int]:
    return sums._asdict()


def _details(summary: Summary, details: Details) -> dict[str, Any]:
    return {
        "by": summary.question.by,
        "domains": _names(details.domains),
        "senders": _names(details.senders),
        "recipients": _names(details.recipients),
        "largest": [_message(message, summary) for message in details.largest],
        "sizes": [
            {"least": row.least, "below": row.below} | _sums(row.sums) for row in details.sizes
        ],
        "hours_of_day": [
            {"hour": hour} | _sums(sums) for hour, sums in enumerate(details.hours_of_day)
        ],
        "malformed": [_malformed(row) for row in details.malformed],
    }


def _names(names: Names) -> dict[str, Any]:
    return {
        "distinct": names.distinct,
        "may_lack": names.may_lack,
        "rows": [{"name": name} | _sums(sums) for name, sums in names.rows],
    }


def _message(message: Message, summary: Summary) -> dict[str, Any]:
    return {
        "bytes": message.size,
        "time": at(message.time, summary.question.zone).isoformat(),
        "host": message.host,
        "service": message.service.label,
        "direction": "out" if message.outgoing else "in",
        "status": message.status,
        "sender": printable(message.sender),
        "recipient": printable(message.recipient),
    }


def _malformed(row: MalformedRow) -> dict[str, Any]:
    return {
        "reason": row.reason,
        "lines": row.lines,
        "examples": [example._asdict() for example in row.examples],
    }
