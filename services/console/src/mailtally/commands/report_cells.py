"""Format a report as a table of texts: short for people, or exact for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mailtally_shared.days.grammar.qml import kilobytes
from mailtally_shared.reports.grouping import Figures
from mailtally_shared.reports.question import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.reports.grouping import Key
    from mailtally_shared.reports.summary import Report

Cells: TypeAlias = list[str]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP = 1024
#: A size from here on would round to 1024 of its unit.
_ROUNDS_UP = 1023.95
#: The charge in the unit of the qml file, in CSV next to the bytes.
CHARGED_KB = "charged_kb"
_ELLIPSIS = "…"
#: A name is not shortened to less than this many characters.
_SHORTEST = 12


class Column(NamedTuple):
    """One column of figures."""

    name: str  # in CSV and JSON
    title: str  # above a table
    is_size: bool


_COUNTED = (
    Column("messages", "messages", is_size=False),
    Column("bytes", "bytes", is_size=True),
    Column("transferred", "transferred", is_size=True),
)
_CHARGED = (
    Column("charged_bytes", "charged", is_size=True),
    Column("hits_all", "hits", is_size=False),
    Column("hits_html", "html", is_size=False),
)


def figure_columns(report: Report, *, human: bool = False) -> tuple[Column, ...]:
    """Return the columns of figures in a report, which are the first ones of ``Figures``.

    With ``human``, a charge that equals what was counted is omitted.
    """
    if human and charged_as_counted(report):
        return _COUNTED
    return _COUNTED + _CHARGED if report.question.shows_charged else _COUNTED


def charged_as_counted(report: Report) -> bool:
    """Return whether the charge equals what was counted: all bytes, and a hit a message."""
    total, columns = report.total, dict(zip(Figures._fields, report.rows.figures, strict=True))
    return (
        report.question.shows_charged
        and total[3:] == (total.bytes, total.messages, 0)
        and not columns["hits_html"].any()
        and bool((columns["charged_bytes"] == columns["bytes"]).all())
        and bool((columns["hits_all"] == columns["messages"]).all())
    )


def name_titles(report: Report) -> Cells:
    """Return the titles of the columns before the figures: key, and source of a day."""
    return [*report.question.by, *(("source",) if DAY in report.question.by else ())]


def name_cells(report: Report) -> Iterator[Cells]:
    """Yield the cells of each row for ``name_titles``."""
    for key, source in _sourced(report):
        yield [*key, *((source,) if source else ())]


def figure_cells(columns: tuple[Column, ...], figures: Figures, *, human: bool) -> Cells:
    """Return the cells of some figures for ``figure_columns``: exact, or short for people."""
    return [
        _human(number, column) if human else str(number)
        for number, column in zip(figures, columns, strict=False)
    ]


def csv_titles(report: Report) -> Cells:
    """Return the header of the CSV: names, exact figures and, where it is known, the kB charged."""
    titles = name_titles(report) + [column.name for column in figure_columns(report)]
    return [*titles, CHARGED_KB] if report.question.shows_charged else titles


def csv_cells(columns: tuple[Column, ...], figures: Figures) -> Cells:
    """Return the cells of some figures for ``csv_titles``, all of them exact."""
    cells = figure_cells(columns, figures, human=False)
    is_charged = len(columns) > len(_COUNTED)
    return [*cells, kilobytes(figures.charged_bytes)] if is_charged else cells


def fitted(rows: list[Cells], room: int) -> list[Cells]:
    """Shorten names in the middle so that their columns fit into ``room`` characters, if they can.

    The widest column gives way first: what few rows need is taken from the longest names.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) > room and max(widths) > _SHORTEST:
        widths[widths.index(max(widths))] -= 1
    return [
        [shortened(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows
    ]


def shortened(name: str, width: int) -> str:
    """Return a name with its middle left out if it is longer than ``width``."""
    if len(name) <= width:
        return name
    end = (width - len(_ELLIPSIS)) // 2
    return name[: width - len(_ELLIPSIS) - end] + _ELLIPSIS + name[len(name) - end :]


def human_size(size: int) -> str:
    """Format a number of bytes in a suitable binary unit: ``1.5 KiB``."""
    if size < _STEP:
        return f"{size} B"
    power, rest = 0, float(size)
    while rest >= _ROUNDS_UP and power < len(_UNITS) - 1:
        power, rest = power + 1, rest / _STEP
    return f"{rest:,.1f} {_UNITS[power]}"


def aligned(rows: list[Cells], names: int) -> Iterator[str]:
    """Yield lines of padded columns; the first ``names`` are names, the rest numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<"] * names + [">"] * (len(widths) - names)
    line = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    for row in rows:
        yield line.format(*row).rstrip()


def _sourced(report: Report) -> Iterator[tuple[Key, str | None]]:
    by = report.question.by
    place = by.index(DAY) if DAY in by else None
    sources = report.sources()
    for row in report.rows:
        yield row.key, None if place is None else sources[row.key[place]].value


def _human(number: int, column: Column) -> str:
    return human_size(number) if column.is_size else f"{number:,}"
