"""Statistics for programs: one JSON document, or one CSV table. Pure."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from mailtally_shared.shown import csv_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailtally_collector.statistics.summary import Summary

#: The columns of CSV: the first says of which table a row is; cells without a meaning are empty.
COLUMNS: Final = (
    *("table", "name", "service", "direction", "status", "sender", "recipient"),
    *("messages", "bytes", "wasted", "again"),
)
#: Tables, where their rows are in the details, and the field that is the column ``name``.
_DETAILS: Final = {"largest": "time", "sizes": "least", "hours_of_day": "hour"}


def document(summary: Summary) -> dict[str, Any]:
    """Return the document, ready for ``json``; times are ISO 8601 with their offset from UTC."""
    found: dict[str, Any] = _plain(summary)
    return found


def write_csv(summary: Summary, file: IO[str]) -> None:
    """Write the rows as RFC 4180 with a header."""
    writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    for row in _rows(document(summary)):
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a summary holds
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "_asdict"):
        fields = value._asdict()
        sums = fields.pop("sums", None)
        plain = {name: _plain(part) for name, part in fields.items()}
        return plain | sums._asdict() if sums else plain
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _cell(value: object) -> object:
    return csv_cell(value) if isinstance(value, str) else value


def _rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in found["traffic"]:
        yield {"table": "traffic", **row}
    for name, row in found["waste"].items():
        yield {"table": "waste", "name": name, **row}
    for row in found["hours"]:
        yield {"table": "hours", "name": row["hour"], **row}
    for reason, lines in found["malformed"].items():
        yield {"table": "malformed", "name": reason, "messages": lines}
    details = found["details"] or {}
    for table in ("domains", "senders", "recipients"):
        for row in details.get(table, {}).get("rows", ()):
            yield {"table": table, **row}
    for table, name in _DETAILS.items():
        for row in details.get(table, ()):
            yield {"table": table, "name": row[name], "messages": 1, **row}
