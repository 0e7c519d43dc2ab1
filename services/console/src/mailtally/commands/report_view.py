"""Show a report as a table, as CSV or as JSON (``docs/reference/report.md``)."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, Any

from mailtally.commands.report_cells import (
    Cells,
    aligned,
    charged_as_counted,
    csv_cells,
    csv_titles,
    figure_cells,
    figure_columns,
    fitted,
    name_cells,
    name_titles,
)
from mailtally_shared.reports.summary import Report, ReportedDay, lacking, notes
from mailtally_shared.shown import csv_cell, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from mailtally.commands.report_cells import Column
    from mailtally_shared.reports.grouping import Figures

#: Version of the JSON document.
FORMAT = 1
#: Characters between two columns of a table.
_GAP = 2
_AS_COUNTED = "Charged as counted: all bytes, and one hit per message."
_NOTHING = "No traffic matches."
_NO_HOURS = "No hours of these days are held."
_UNKNOWN = "No data for these days: none of them was counted or loaded."


def print_table(report: Report, console: Console) -> None:
    """Print a table: on a terminal with short figures, otherwise plain and exact."""
    if not console.is_terminal or not report.rows:
        print_plain(report, console.file)
        return
    # Where it does not fit, the terminal breaks its lines: no figure is cut.
    console.print(_table(report, console.width), soft_wrap=True, crop=False)
    said = [_AS_COUNTED] if charged_as_counted(report) else []
    _print(console.file, [*said, *notes(report)])


def print_plain(report: Report, file: IO[str]) -> None:
    """Print a table for a pipe, exact and without styles; it needs nothing of rich."""
    if report.rows:
        _print(file, aligned(_plain_rows(report), len(name_titles(report))))
    else:
        _print(file, [_without_rows(report)])
    _print(file, notes(report))


def _without_rows(report: Report) -> str:
    if not report.days:
        return _UNKNOWN
    return _NOTHING if report.is_known else _NO_HOURS


def write_csv(report: Report, file: IO[str]) -> None:
    """Write the rows as RFC 4180 with a header, exact and without their total."""
    writer = csv.writer(file)
    columns = figure_columns(report)
    writer.writerow(csv_titles(report))
    for names, row in zip(name_cells(report), report.rows, strict=True):
        writer.writerow([*map(csv_cell, names), *csv_cells(columns, row.figures)])


def write_json(report: Report, file: IO[str]) -> None:
    """Write one JSON document with exact integers."""
    titles = name_titles(report)
    rows = [
        dict(zip(titles, names, strict=True)) | _figures(report, row.figures)
        for names, row in zip(name_cells(report), report.rows, strict=True)
    ]
    document = {
        "format": FORMAT,
        "by": list(report.question.by),
        "rows": rows,
        "total": _figures(report, report.total) if report.is_known else None,
        "left_out": report.left_out,
        "days": [_day(day) | _hours(report, day) for day in report.days],
        "warnings": list(report.away.warnings),
        "incomplete": list(lacking(report)),
    }
    json.dump(document, file, indent=2)
    file.write("\n")


def _table(report: Report, width: int) -> Table:
    # Imported for a terminal only: a pipe needs none of it.
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - see above
    from rich.cells import cell_len  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    columns = figure_columns(report, human=True)
    figures = [figure_cells(columns, row.figures, human=True) for row in report.rows]
    total_names, total = _total_row(report, columns, human=True)
    figure_rows = [[column.title for column in columns], *figures, total]
    taken = sum(max(map(len, cells)) for cells in zip(*figure_rows, strict=True))
    name_rows = [name_titles(report), *([*map(printable, names)] for names in name_cells(report))]
    taken += _GAP * (len(columns) + len(total_names)) - 1
    titles, *names = fitted([*name_rows, total_names], width - taken)
    needed = taken + sum(max(map(cell_len, cells)) for cells in zip(titles, *names, strict=True))

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, show_footer=True)
    table.width = needed if needed > width else None
    for title, footer in zip(titles, names.pop(), strict=True):
        table.add_column(title, Text(footer), no_wrap=True)
    for column, footer in zip(columns, total, strict=True):
        table.add_column(column.title, Text(footer), justify="right", no_wrap=True)
    for of_row, cells in zip(names, figures, strict=True):
        table.add_row(*map(Text, of_row + cells))
    return table


def _plain_rows(report: Report) -> list[Cells]:
    columns = figure_columns(report)
    titles = name_titles(report) + [column.title for column in columns]
    rows = [
        [*map(printable, names), *figure_cells(columns, row.figures, human=False)]
        for names, row in zip(name_cells(report), report.rows, strict=True)
    ]
    names, figures = _total_row(report, columns, human=False)
    return [titles, *rows, names + figures]


def _total_row(report: Report, columns: tuple[Column, ...], *, human: bool) -> tuple[Cells, Cells]:
    blanks = [""] * (len(name_titles(report)) - 1)
    return ["total", *blanks], figure_cells(columns, report.total, human=human)


def _figures(report: Report, figures: Figures) -> dict[str, int]:
    columns = figure_columns(report)
    return {column.name: number for column, number in zip(columns, figures, strict=False)}


def _day(day: ReportedDay) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "source": day.source.value,
        "revision": day.revision,
        "complete": day.complete,
        "missing_hosts": list(day.missing_hosts),
        "incomplete": [{"host": host, "reason": reason} for host, reason in day.incomplete],
        "has_breakdown": day.has_breakdown,
        "has_more": day.has_more,
    }


def _hours(report: Report, day: ReportedDay) -> dict[str, str | None]:
    return {"hours": day.hours} if report.question.is_by_hour else {}


def _print(file: IO[str], lines: Iterable[str]) -> None:
    """Print lines literally, without markup and without wrapping."""
    file.writelines(f"{printable(line)}\n" for line in lines)
