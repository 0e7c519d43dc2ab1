"""Format the results as a table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tools.benchmarks.figures import Figures

#: The peers with a column; the ratios to others are in the results.
_SHOWN = {"mawk": "to mawk", "polars": "Polars", "duckdb": "DuckDB", "goaccess": "GoAccess"}
_HEAD = ("", "records/s", "spread", *_SHOWN.values(), "CPU s/M", "peak MB", "wire B", "start s")


def table(found: Iterable[Figures]) -> str:
    """Return a line per contender; docs/explanation/performance.md explains the columns."""
    return aligned([_HEAD, *(_row(figures) for figures in found)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Format rows of cells: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(figures: Figures) -> tuple[str, ...]:
    wire = figures.extra.get("wire_bytes_per_record")
    return (
        figures.title,
        f"{figures.rate:,.0f}",
        f"{figures.spread:.0%}",
        *(_ratio(figures.ratios.get(name)) for name in _SHOWN),
        f"{figures.cpu:.2f}",
        f"{figures.peak / 2**20:,.0f}",
        _ratio(wire),
        f"{figures.start:.2f}",
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
