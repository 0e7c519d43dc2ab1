"""Shows what the doctor found: as a table, or as JSON (``docs/report.md``)."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mailtally.doctor.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

#: Of the JSON document.
FORMAT = 1
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "bold red"}
_WIDEST = max(map(len, Level))


def print_table(findings: Sequence[Finding], console: Console) -> None:
    """A table on a terminal, otherwise a line a check."""
    if console.is_terminal:
        console.print(_table(findings))
        return
    width = max(len(finding.check) for finding in findings)
    for check, level, sentence in findings:
        line = f"{level.value:{_WIDEST}}  {check:{width}}  {sentence}"
        console.print(Text(line), soft_wrap=True)


def write_json(findings: Sequence[Finding], file: IO[str]) -> None:
    """One document."""
    document = {
        "format": FORMAT,
        "worst": worst(findings).value,
        "findings": [finding._asdict() for finding in findings],
    }
    json.dump(document, file, indent=2)
    file.write("\n")


def worst(findings: Sequence[Finding]) -> Level:
    """The level of the whole site."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for title in ("check", "", "what is the case"):
        table.add_column(title, overflow="fold")
    for check, level, sentence in findings:
        table.add_row(Text(check), Text(level.value, _STYLES[level]), Text(sentence))
    return table
