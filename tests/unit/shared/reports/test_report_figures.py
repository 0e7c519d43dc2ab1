"""A report's figures: grouped, charged, summed and sorted as asked."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections import Counter
from contextlib import nullcontext
from datetime import date
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mailtally.commands.report_cells import figure_columns, name_cells
from mailtally.commands.report_view import print_table, write_json
from mailtally_shared.days import ChargingPolicy, DayRows, Sums
from mailtally_shared.errors import Unavailable
from mailtally_shared.reports import grouping
from mailtally_shared.reports.answer import answer
from mailtally_shared.reports.grouping import NO_ROWS, Figures, Rows, grouped, live_parts
from mailtally_shared.reports.question import GROUPS, HOUR, Order, Question
from mailtally_shared.reports.summary import Away, ReportedDay, Source, lacking, notes, summarize
from mailtally_shared.state.read.live_day import LiveDay
from tests.support.day_files_by_row import charged as charged_by_row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mailtally_shared.days.hour_rows import Hours
    from mailtally_shared.reports.summary import Report

Groups = dict[tuple[str, ...], Figures]

DAY = date(2026, 2, 16)
ALL = ChargingPolicy()
NAMES = [
    ("a.example", "b.example"),
    ("c1", "c2"),
    ("m1", "m2"),
    ("smtp-in", "smtp-out"),
    ("success", "timeout"),
]


def any_rows() -> st.SearchStrategy[list[Sums]]:
    counts = st.integers(0, 2**40)
    row = st.builds(Sums, *map(st.sampled_from, NAMES), counts, counts, counts)
    return st.lists(row, unique_by=lambda row: row[:5], max_size=16)


def rows_of(groups: Groups) -> Rows:
    if not groups:
        return NO_ROWS
    names = (np.array(column, "S") for column in zip(*groups, strict=True))
    figures = map(np.array, zip(*groups.values(), strict=True))
    return Rows.of(names, **dict(zip(Figures._fields, figures, strict=True)))


def groups_of(question: Question, rows: list[Sums], policy: ChargingPolicy = ALL) -> Groups:
    return dict(grouped(live_parts(question, DAY, DayRows.of(rows), policy)))


def bys() -> list[tuple[str, ...]]:
    groups = [name for name in GROUPS if name != HOUR]
    return [by for size in (1, 2, len(groups)) for by in combinations(groups, size)]


@given(any_rows(), st.sampled_from(bys()))
def test_however_it_is_grouped_the_total_is_that_of_the_rows(
    rows: list[Sums], by: tuple[str, ...]
) -> None:
    found = rows_of(groups_of(Question(by=by), rows)).total()
    assert found.messages == sum(row.messages for row in rows)
    assert found.bytes == sum(row.bytes for row in rows)
    assert found.transferred == sum(row.transferred for row in rows)


@given(any_rows(), st.sampled_from(["bytes", "transferred"]), st.sampled_from(["all", "in-out"]))
def test_a_live_domain_is_charged_what_its_file_will_say(
    rows: list[Sums], quantity: str, hits: str
) -> None:
    policy = ChargingPolicy.model_validate(
        {"charged_statuses": ("success",), "quantity": quantity, "hits": hits}
    )
    found = groups_of(Question(), rows, policy)
    charged = {(row.name,): row[1:] for row in charged_by_row(sorted(rows), policy)}
    assert {key: figures[3:] for key, figures in found.items() if key in charged} == charged
    assert all(figures[3:] == (0, 0, 0) for key, figures in found.items() if key not in charged)


def test_a_key_holds_the_dimensions_in_the_order_asked_for() -> None:
    row = Sums("a.example", "m1", "m1", "smtp-in", "success", 1, 2, 3)
    by = ("status", "day", "service", "domain", "host")
    (key,) = groups_of(Question(by=by), [row])
    assert key == ("success", "2026-02-16", "smtp-in", "a.example", "m1")


@pytest.mark.parametrize(
    "question",
    [
        Question(only={"domain": frozenset({"a.example"})}),
        Question(only={"host": frozenset({"m1"})}),
        Question(only={"service": frozenset({"smtp-in"})}),
        Question(only={"status": frozenset({"success"})}),
    ],
)
def test_only_what_is_asked_for_is_counted(question: Question) -> None:
    kept = Sums("a.example", "m1", "m1", "smtp-in", "success", 1, 2, 3)
    other = Sums("b.example", "m2", "m2", "smtp-out", "timeout", 10, 20, 30)
    assert rows_of(groups_of(question, [kept, other])).total()[:3] == (1, 2, 3)


def test_figures_do_not_end_at_63_bits() -> None:
    largest = rows_of({("a",): Figures(*[2**63 - 1] * 6)})
    both = grouped([largest, largest])
    assert list(both) == [(("a",), Figures(*[2**64 - 2] * 6))]
    assert grouped([both, largest]).total() == Figures(*[3 * (2**63 - 1)] * 6)
    assert NO_ROWS.total() == Figures()


@given(st.lists(any_rows(), max_size=4), st.sampled_from(bys()))
def test_parts_are_added_up_by_key_however_many_are_held(
    days: list[list[Sums]], by: tuple[str, ...]
) -> None:
    question, expected = Question(by=by), Counter[tuple[str, ...]]()
    parts = [part for rows in days for part in live_parts(question, DAY, DayRows.of(rows), ALL)]
    for key, figures in chain.from_iterable(parts):
        expected[key] += figures.bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "_MOST_GATHERED", 3)
        found = grouped(parts)
    assert [row.key for row in found] == sorted(expected)
    assert {row.key: row.figures.bytes for row in found} == expected


def report_of(order: Order, top: int | None) -> list[str]:
    groups: Groups = {
        ("a",): Figures(3, 10, 40, 5),
        ("b",): Figures(1, 30, 30, 5),
        ("c",): Figures(2, 20, 50, 9),
    }
    report = summarize(Question(order=order, top=top), rows_of(groups), [])
    assert report.total == Figures(6, 60, 120, 19)
    return [row.key[0] for row in report.rows]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (Order.KEY, "abc"),
        (Order.MESSAGES, "acb"),
        (Order.BYTES, "bca"),
        (Order.TRANSFERRED, "cab"),
        (Order.CHARGED, "cab"),
    ],
)
def test_rows_are_sorted_and_cut_but_the_total_is_of_all(order: Order, names: str) -> None:
    assert report_of(order, None) == list(names)
    assert report_of(order, 2) == list(names[:2])


def test_each_row_of_a_day_says_where_it_comes_from() -> None:
    question = Question(by=("domain", "day"))
    groups: Groups = {("a", "2026-02-16"): Figures(), ("a", "2026-02-17"): Figures()}
    days = [ReportedDay(date(2026, 2, 17), Source.LIVE), ReportedDay(DAY, Source.LOADED)]
    report = summarize(question, rows_of(groups), days)
    assert list(name_cells(report)) == [["a", "2026-02-16", "loaded"], ["a", "2026-02-17", "live"]]
    assert [day.day.day for day in report.days] == [16, 17]


def test_charged_columns_are_there_only_where_the_charge_is_known() -> None:
    def names(question: Question) -> list[str]:
        return [column.name for column in figure_columns(summarize(question, NO_ROWS, []))]

    assert names(Question())[-3:] == ["charged_bytes", "hits_all", "hits_html"]
    assert names(Question(by=("host",))) == ["messages", "bytes", "transferred"]


def test_the_notes_name_every_day_that_is_not_simply_loaded() -> None:
    def day(number: int, **facts: object) -> ReportedDay:
        source = facts.pop("source", Source.LOADED)
        return ReportedDay(DAY.replace(day=number), source, **facts)  # type: ignore[arg-type]  # by name

    days = [
        day(1, complete=True),
        day(2, missing_hosts=("mail2", "mail3")),
        day(3, has_more=True),
        day(4, has_breakdown=False),
        day(5, source=Source.LIVE),
        day(6, source=Source.LIVE),
    ]
    report = summarize(Question(top=1), rows_of({("a",): Figures(), ("b",): Figures()}), days)
    assert list(notes(report)) == [
        "Live, as counted so far and not yet billed: 2026-02-05 to 2026-02-06.",
        "Written without mail2, mail3: 2026-02-02.",
        "More was counted since it was loaded; a new revision will follow: 2026-02-03.",
        "Loaded from a bare file; only the charge is known: 2026-02-04.",
        "1 more row is in the total.",
    ]


@pytest.mark.parametrize(
    ("figures", "columns"),
    [
        (Figures(1, 9, 18, 9, 1, 0), 3),
        (Figures(1, 9, 18, 18, 1, 0), 6),
        (Figures(2, 9, 18, 9, 1, 1), 6),
    ],
)
def test_people_are_spared_a_charge_that_repeats_what_was_counted(
    figures: Figures, columns: int
) -> None:
    report = summarize(
        Question(), rows_of({("a",): figures, ("b",): Figures(1, 5, 5, 5, 1, 0)}), []
    )
    assert len(figure_columns(report, human=True)) == columns
    assert len(figure_columns(report)) == 6


def test_nothing_is_noted_of_days_that_are_simply_loaded() -> None:
    days = [ReportedDay(DAY, Source.LOADED, revision=1, complete=True)]
    assert list(notes(summarize(Question(), rows_of({("a",): Figures()}), days))) == []


def test_what_the_total_lacks_stands_below_it() -> None:
    gap = ("mail1", "/log cannot be read.")
    days = [
        ReportedDay(DAY, Source.LIVE, incomplete=(gap,)),
        ReportedDay(DAY.replace(day=17), Source.LIVE, incomplete=(gap,)),
        ReportedDay(DAY.replace(day=18), Source.LOADED, complete=False),
        ReportedDay(DAY.replace(day=19), Source.LOADED, complete=True),
    ]
    away = Away()
    away.warnings.append("Nothing was loaded yet.")
    away.lost(Unavailable("Redis is away."))
    report = summarize(Question(), rows_of({("a",): Figures()}), days, away)
    assert list(lacking(report)) == [
        "Incomplete: Redis is away.",
        "Incomplete: 2026-02-16 to 2026-02-17 without some lines of mail1: /log cannot be read.",
        "Incomplete: logs could not be read, see the manifests: 2026-02-18.",
    ]
    assert set(lacking(report)) < set(notes(report))


def shown(report: Report) -> tuple[str, dict[str, Any]]:
    table, document = io.StringIO(), io.StringIO()
    print_table(report, Console(file=table))
    write_json(report, document)
    return table.getvalue(), json.loads(document.getvalue())


def test_of_days_of_which_nothing_is_known_no_total_is_shown() -> None:
    table, document = shown(summarize(Question(), NO_ROWS, []))
    assert "No data for these days" in table
    assert document["total"] is None


def test_a_known_day_without_what_was_asked_for_has_a_total_of_zero() -> None:
    table, document = shown(summarize(Question(), NO_ROWS, [ReportedDay(DAY, Source.LOADED)]))
    assert "No traffic matches" in table
    assert document["total"]["bytes"] == 0


class _Live:
    """A state with one day of many domains."""

    def __init__(self, rows: DayRows) -> None:
        self._rows = rows

    def days(self) -> list[LiveDay]:
        return [LiveDay(DAY, changes=1)]

    def rows(self, _day: date) -> DayRows:
        return self._rows

    def hours(self, _day: date) -> Hours | None:
        return None

    def gaps(self, _day: date) -> tuple[tuple[str, str], ...]:
        return ()


class _Empty:
    """A database without any day."""

    def days(self, _question: Question) -> list[ReportedDay]:
        return []

    def parts(self, _question: Question, _without: Collection[date]) -> Iterable[Rows]:
        return ()


@pytest.mark.parametrize("by", [("domain",), ("host",)])
def test_an_answer_takes_little_more_than_its_columns(by: tuple[str, ...]) -> None:
    count = 20_000
    rows = DayRows.of(
        Sums(f"{number:08}", "m1", "m1", "imap", "ok", 1, 1000 + number, 1000 + number)
        for number in range(count)
    )
    question = Question(by=by, order=Order.BYTES, top=10)
    billing, counted = nullcontext(_Empty()), nullcontext(_Live(rows))
    answer(question, billing=billing, counted=counted, policy=ALL)  # tables that are made once
    tracemalloc.start()
    try:
        report = answer(question, billing=billing, counted=counted, policy=ALL)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.total.messages == count
    # As objects, a row of one name and six figures takes some 600 bytes.
    assert most < 300 * count
