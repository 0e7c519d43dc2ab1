"""A report as a table of texts: for people, or exact for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mailtally.report.question import Dimension

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.report.figures import Figures, Key
    from mailtally.report.summary import Report

Cells: TypeAlias = list[str]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP = 1024
#: From here on a size is rounded to 1024 of its unit.
_ROUNDS_UP = 1023.95


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
    """The figures that the report can tell; they are the first ones of ``Figures``.

    People are spared a charge that repeats what was counted.
    """
    if human and charged_as_counted(report):
        return _COUNTED
    return _COUNTED + _CHARGED if report.question.shows_charged else _COUNTED


def charged_as_counted(report: Report) -> bool:
    """Whether the charge tells nothing new: all bytes as logged, all messages hits."""
    return report.question.shows_charged and all(
        figures[3:] == (figures.bytes, figures.messages, 0)
        for figures in (report.total, *(row.figures for row in report.rows))
    )


def name_titles(report: Report) -> Cells:
    """The titles of what stands before the figures: the key, and the source of a day."""
    return [*report.question.by, *(("source",) if Dimension.DAY in report.question.by else ())]


def name_cells(report: Report) -> Iterator[Cells]:
    """The names of each row, below ``name_titles``."""
    for key, source in _sourced(report):
        yield [*key, *((source,) if source else ())]


def figure_cells(report: Report, figures: Figures, *, human: bool) -> Cells:
    """The texts of some figures, below ``figure_columns``: exact, or short for people."""
    columns = figure_columns(report, human=human)
    return [
        _human(number, column) if human else str(number)
        for number, column in zip(figures, columns, strict=False)
    ]


def human_size(size: int) -> str:
    """A number of bytes in the unit that suits it, 1024 of one in the next: ``1.5 KiB``."""
    if size < _STEP:
        return f"{size} B"
    power, rest = 0, float(size)
    while rest >= _ROUNDS_UP and power < len(_UNITS) - 1:
        power, rest = power + 1, rest / _STEP
    return f"{rest:,.1f} {_UNITS[power]}"


def aligned(rows: list[Cells], names: int) -> Iterator[str]:
    """Lines of columns padded with blanks; the first ``names`` are names, the rest numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<"] * names + [">"] * (len(widths) - names)
    line = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    for row in rows:
        yield line.format(*row).rstrip()


def _sourced(report: Report) -> Iterator[tuple[Key, str | None]]:
    by = report.question.by
    place = by.index(Dimension.DAY) if Dimension.DAY in by else None
    sources = report.sources()
    for row in report.rows:
        yield row.key, None if place is None else sources[row.key[place]].value


def _human(number: int, column: Column) -> str:
    return human_size(number) if column.is_size else f"{number:,}"
