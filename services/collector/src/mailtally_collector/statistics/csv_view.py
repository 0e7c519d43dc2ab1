"""Statistics as one CSV table: the first column says of which table a row is. Pure."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Final

from mailtally_collector.statistics.json_view import document
from mailtally_shared.shown import csv_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailtally_collector.statistics.summary import Summary

#: The columns; a cell that means nothing in a row is empty.
COLUMNS: Final = (
    *("table", "name", "service", "direction", "status", "sender", "recipient"),
    *("messages", "bytes", "wasted", "again"),
)


def write_csv(summary: Summary, file: IO[str]) -> None:
    """The rows after RFC 4180 below a header."""
    writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    for row in _rows(document(summary)):
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> object:
    return csv_cell(value) if isinstance(value, str) else value


def _rows(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in told["traffic"]:
        yield {"table": "traffic", **row}
    for name, row in told["waste"].items():
        yield {"table": "waste", "name": name, **row}
    for row in told["hours"]:
        yield {"table": "hours", "name": row["hour"], **row}
    for reason, lines in told["malformed"].items():
        yield {"table": "malformed", "name": reason, "messages": lines}
    yield from _detail_rows(told["details"] or {})


def _detail_rows(details: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for table in ("domains", "senders", "recipients"):
        for row in details.get(table, {}).get("rows", ()):
            yield {"table": table, **row}
    for row in details.get("largest", ()):
        yield {"table": "largest", "name": row["time"], **row, "messages": 1}
    for row in details.get("sizes", ()):
        yield {"table": "sizes", "name": row["least"], **row}
    for row in details.get("hours_of_day", ()):
        yield {"table": "hours_of_day", "name": row["hour"], **row}
