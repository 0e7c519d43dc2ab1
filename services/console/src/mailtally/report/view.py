"""Shows a report: as a table, as CSV, as JSON (``docs/report.md``)."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mailtally.report.cells import (
    Cells,
    aligned,
    charged_as_counted,
    figure_cells,
    figure_columns,
    name_cells,
    name_titles,
)
from mailtally.report.question import Dimension
from mailtally.report.summary import Report, ReportedDay, lacking, notes
from mailtally_shared.shown import csv_cell, printable

if TYPE_CHECKING:
    from rich.console import Console

    from mailtally.report.figures import Figures

#: Of the JSON document.
FORMAT = 1
_AS_COUNTED = "Charged as counted: all bytes, and a hit a message."
_NOTHING = "Nothing was counted of what was asked for."
_UNKNOWN = "Nothing is known of the days asked for: none of them was counted or loaded."


def print_table(report: Report, console: Console) -> None:
    """A table for people; on a terminal with short figures, otherwise plain and exact."""
    if not report.rows:
        _print(console, _NOTHING if report.days else _UNKNOWN)
    elif console.is_terminal:
        console.print(_table(report))
        if charged_as_counted(report):
            _print(console, _AS_COUNTED)
    else:
        lines = aligned(_plain_rows(report), len(name_titles(report)))
        # Past rich, which takes its time over each line.
        console.file.writelines(f"{line}\n" for line in lines)
    for note in notes(report):
        _print(console, note)


def write_csv(report: Report, file: IO[str]) -> None:
    """The rows after RFC 4180 below a header, exact and without their total."""
    writer = csv.writer(file)
    writer.writerow(name_titles(report) + [column.name for column in figure_columns(report)])
    for names, row in zip(name_cells(report), report.rows, strict=True):
        cells = list(map(csv_cell, names))
        writer.writerow(cells + figure_cells(report, row.figures, human=False))


def write_json(report: Report, file: IO[str]) -> None:
    """One document; its numbers are exact integers."""
    titles = name_titles(report)
    rows = [
        dict(zip(titles, names, strict=True)) | _figures(report, row.figures)
        for names, row in zip(name_cells(report), report.rows, strict=True)
    ]
    document = {
        "format": FORMAT,
        "by": list(report.question.by),
        "rows": rows,
        "total": _figures(report, report.total) if report.days else None,
        "left_out": report.left_out,
        "days": [_day(day) for day in report.days],
        "warnings": list(report.away.warnings),
        "incomplete": list(lacking(report)),
    }
    json.dump(document, file, indent=2)
    file.write("\n")


def _table(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, show_footer=True)
    names, figures = _total_row(report, human=True)
    for title, footer in zip(name_titles(report), names, strict=True):
        table.add_column(title, Text(footer), overflow="fold", no_wrap=title == Dimension.DAY)
    columns = figure_columns(report, human=True)
    for column, footer in zip(columns, figures, strict=True):
        table.add_column(column.title, Text(footer), justify="right", no_wrap=True)
    for row_names, row in zip(name_cells(report), report.rows, strict=True):
        cells = row_names + figure_cells(report, row.figures, human=True)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _plain_rows(report: Report) -> list[Cells]:
    titles = name_titles(report) + [column.title for column in figure_columns(report)]
    rows = [
        [*map(printable, names), *figure_cells(report, row.figures, human=False)]
        for names, row in zip(name_cells(report), report.rows, strict=True)
    ]
    names, figures = _total_row(report, human=False)
    return [titles, *rows, names + figures]


def _total_row(report: Report, *, human: bool) -> tuple[Cells, Cells]:
    blanks = [""] * (len(name_titles(report)) - 1)
    return ["total", *blanks], figure_cells(report, report.total, human=human)


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


def _print(console: Console, line: str) -> None:
    """A line as it is: whatever it holds is no markup, and no width breaks it."""
    console.print(Text(printable(line)), soft_wrap=True)
