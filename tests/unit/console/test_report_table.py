"""Tables fit a terminal without cutting a figure; CSV has the charge in kilobytes, exactly."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import click
import numpy as np
import pytest
from rich.console import Console

from mailtally.commands.report import question_of
from mailtally.commands.report_cells import fitted, shortened
from mailtally.commands.report_view import print_table, write_csv
from mailtally.terminal import open_console
from mailtally_shared.reports.grouping import Figures, Rows
from mailtally_shared.reports.question import Question
from mailtally_shared.reports.summary import (
    Report,
    ReportedDay,
    Source,
    summarize,
    without_data,
)

DAY = date(2026, 2, 16)
LONG = "a-very-long-name.of-a-department.of-a-site.example.com"
FIGURES = Figures(1000, 2**30, 2**30 + 1, 2**30 + 1, 1000, 0)


def report(*by: str, long: str = LONG) -> Report:
    key = tuple({"day": "2026-02-16", "service": "smtp-in"}.get(name, long) for name in by)
    figures = {name: np.array([value]) for name, value in FIGURES._asdict().items()}
    rows = Rows.of((np.array([name.encode()], "S") for name in key), **figures)
    return summarize(Question(by=by), rows, [ReportedDay(DAY, Source.LOADED)])


def lines_of(found: Report, width: int) -> list[str]:
    screen = io.StringIO()
    print_table(found, Console(force_terminal=True, color_system=None, width=width, file=screen))
    return screen.getvalue().splitlines()


def test_a_long_name_is_shortened_in_the_middle() -> None:
    assert shortened("department.example.com", 11) == "depar…e.com"
    assert shortened("example.com", 11) == "example.com"


def test_the_widest_column_gives_way_first() -> None:
    rows = [["domain", "host"], ["a" * 40, "b" * 14]]
    assert [len(cell) for cell in fitted(rows, 34)[1]] == [20, 14]
    assert [len(cell) for cell in fitted(rows, 26)[1]] == [13, 13]


def test_at_80_columns_a_table_fits_and_has_both_ends_of_a_name() -> None:
    lines = lines_of(report("domain", "service"), 80)
    assert max(map(len, lines)) <= 80
    assert any("a-very-lo" in line and "xample.com  smtp-in" in line for line in lines)


def test_a_table_that_cannot_fit_cuts_no_figure() -> None:
    text = "\n".join(lines_of(report("domain", "day", "collector", "host", "service"), 60))
    assert "2026-02-16" in text
    assert "1.0 GiB" in text
    assert "transferred" in text


@pytest.mark.parametrize("width", [30, 80])
@pytest.mark.parametrize(
    "name", ["\u4f60\u597d" * 20, "\x1b[31m" * 20, "e\u0301" * 60, "[red]x[/]" * 9]
)
def test_a_name_in_wide_or_invisible_characters_cuts_no_figure(name: str, width: int) -> None:
    text = "\n".join(lines_of(report("domain", "host", "collector", long=name), width))
    assert "\x1b" not in text
    for cell in ("messages", "bytes", "transferred", "1,000", "1.0 GiB"):
        assert text.count(cell) >= 1, cell
    assert text.count("1.0 GiB") == 4


def test_a_table_that_just_fits_is_used_to_the_last_character() -> None:
    whole = max(map(len, lines_of(report("domain", "service"), 200)))
    assert LONG in "\n".join(lines_of(report("domain", "service"), whole))
    assert LONG not in "\n".join(lines_of(report("domain", "service"), whole - 1))


def test_csv_has_the_charge_in_kilobytes_next_to_the_bytes() -> None:
    file = io.StringIO()
    write_csv(report("domain"), file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    assert row["charged_bytes"] == str(2**30 + 1)
    assert row["charged_kb"] == "1048576.0009765625"


def test_csv_has_no_kilobytes_where_the_charge_is_not_known() -> None:
    file = io.StringIO()
    write_csv(report("domain", "service"), file)
    assert "charged" not in file.getvalue()


@pytest.mark.parametrize(
    ("month", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("12.2025", date(2025, 12, 1), date(2025, 12, 31)),
        ("this", date(2026, 3, 1), date(2026, 3, 31)),
        ("last", date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_a_month_is_a_span_of_days(month: str, first: date, last: date) -> None:
    question = question_of(terms(month=month), date(2026, 3, 31))
    assert (question.first, question.last) == (first, last)


def test_the_days_of_a_span_that_have_no_data_are_known() -> None:
    month = replace(report("day"), question=Question(first=DAY, last=date(2026, 2, 28)))
    found = without_data(month, date(2026, 2, 18))
    assert found == [date(2026, 2, 17), date(2026, 2, 18)]
    assert without_data(month, date(2026, 2, 10)) == []
    assert len(without_data(month, date(2026, 3, 10))) == 12
    assert not without_data(replace(month, question=Question(first=DAY)), date(2026, 3, 10))
    assert not without_data(replace(month, days=()), date(2026, 3, 10))


@pytest.mark.parametrize("also", [{"month": "13.2026"}, {"month": "last", "day": "today"}])
def test_a_month_that_is_none_or_comes_with_a_day_is_refused(also: dict[str, str]) -> None:
    with pytest.raises(click.UsageError):
        question_of(terms(**also), date(2026, 3, 31))


def terms(**given: str) -> dict[str, object]:
    names = ("day", "first", "last", "month", "order", "top", "live")
    dimensions = ("domain", "collector", "host", "service", "status")
    return {
        **dict.fromkeys(names),
        **dict.fromkeys(dimensions, frozenset()),
        "by": ("domain",),
        **given,
    }


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
def test_output_has_no_styles_where_none_are_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, "dumb")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if it were a terminal
    open_console().print("[bold red]Wrong[/]")
    assert capsys.readouterr().out == "Wrong\n"
