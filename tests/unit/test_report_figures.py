"""A report's figures: grouped, charged, summed and sorted as asked."""

from __future__ import annotations

import io
import json
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mailtally.report.cells import figure_columns, name_cells
from mailtally.report.figures import Figures, grouped, live_parts, plus, total
from mailtally.report.question import Dimension, Order, Question
from mailtally.report.summary import Away, ReportedDay, Source, lacking, notes, summarize
from mailtally.report.view import print_table, write_json
from mailtally_shared.day_files import ChargingPolicy, Sums, charge
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from mailtally.report.figures import Groups
    from mailtally.report.summary import Report

DAY = date(2026, 2, 16)
ALL = ChargingPolicy()
NAMES = [("a.example", "b.example"), ("m1", "m2"), ("smtp-in", "smtp-out"), ("success", "timeout")]


def any_rows() -> st.SearchStrategy[list[Sums]]:
    counts = st.integers(0, 2**40)
    row = st.builds(Sums, *map(st.sampled_from, NAMES), counts, counts, counts)
    return st.lists(row, unique_by=lambda row: row[:4], max_size=16)


def groups_of(question: Question, rows: list[Sums], policy: ChargingPolicy = ALL) -> Groups:
    return grouped(live_parts(question, DAY, rows, policy))


def bys() -> list[tuple[Dimension, ...]]:
    return [by for size in (1, 2, 5) for by in combinations(Dimension, size)]


@given(any_rows(), st.sampled_from(bys()))
def test_however_it_is_grouped_the_total_is_that_of_the_rows(
    rows: list[Sums], by: tuple[Dimension, ...]
) -> None:
    found = total(groups_of(Question(by=by), rows).values())
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
    charged = {(row.name,): row[1:] for row in charge(sorted(rows), policy)}
    assert {key: figures[3:] for key, figures in found.items() if key in charged} == charged
    assert all(figures[3:] == (0, 0, 0) for key, figures in found.items() if key not in charged)


def test_a_key_holds_the_dimensions_in_the_order_asked_for() -> None:
    row = Sums("a.example", "m1", "smtp-in", "success", 1, 2, 3)
    by = (Dimension.STATUS, Dimension.DAY, Dimension.SERVICE, Dimension.DOMAIN, Dimension.HOST)
    (key,) = groups_of(Question(by=by), [row])
    assert key == ("success", "2026-02-16", "smtp-in", "a.example", "m1")


@pytest.mark.parametrize(
    "question",
    [
        Question(domains=frozenset({"a.example"})),
        Question(hosts=frozenset({"m1"})),
        Question(services=frozenset({"smtp-in"})),
        Question(statuses=frozenset({"success"})),
    ],
)
def test_only_what_is_asked_for_is_counted(question: Question) -> None:
    kept = Sums("a.example", "m1", "smtp-in", "success", 1, 2, 3)
    other = Sums("b.example", "m2", "smtp-out", "timeout", 10, 20, 30)
    assert total(groups_of(question, [kept, other]).values())[:3] == (1, 2, 3)


def test_figures_do_not_end_at_63_bits() -> None:
    largest = Figures(*[2**63 - 1] * 6)
    assert plus(largest, largest) == Figures(*[2**64 - 2] * 6)
    assert total([]) == Figures()


def report_of(order: Order, top: int | None) -> list[str]:
    groups: Groups = {
        ("a",): Figures(3, 10, 40, 5),
        ("b",): Figures(1, 30, 30, 5),
        ("c",): Figures(2, 20, 50, 9),
    }
    report = summarize(Question(order=order, top=top), groups, [])
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
    question = Question(by=(Dimension.DOMAIN, Dimension.DAY))
    groups: Groups = {("a", "2026-02-16"): Figures(), ("a", "2026-02-17"): Figures()}
    days = [ReportedDay(date(2026, 2, 17), Source.LIVE), ReportedDay(DAY, Source.LOADED)]
    report = summarize(question, groups, days)
    assert list(name_cells(report)) == [["a", "2026-02-16", "loaded"], ["a", "2026-02-17", "live"]]
    assert [day.day.day for day in report.days] == [16, 17]


def test_charged_columns_are_there_only_where_the_charge_is_known() -> None:
    def names(question: Question) -> list[str]:
        return [column.name for column in figure_columns(summarize(question, {}, []))]

    assert names(Question())[-3:] == ["charged_bytes", "hits_all", "hits_html"]
    assert names(Question(by=(Dimension.HOST,))) == ["messages", "bytes", "transferred"]


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
    report = summarize(Question(top=1), {("a",): Figures(), ("b",): Figures()}, days)
    assert list(notes(report)) == [
        "Live, as counted so far and not yet billed: 2026-02-05 to 2026-02-06.",
        "Written without mail2, mail3: 2026-02-02.",
        "Counted further since it was loaded; a new revision will follow: 2026-02-03.",
        "Loaded from a bare file, so that only its charge is known: 2026-02-04.",
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
    report = summarize(Question(), {("a",): figures, ("b",): Figures(1, 5, 5, 5, 1, 0)}, [])
    assert len(figure_columns(report, human=True)) == columns
    assert len(figure_columns(report)) == 6


def test_nothing_is_noted_of_days_that_are_simply_loaded() -> None:
    days = [ReportedDay(DAY, Source.LOADED, revision=1, complete=True)]
    assert list(notes(summarize(Question(), {("a",): Figures()}, days))) == []


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
    report = summarize(Question(), {("a",): Figures()}, days, away)
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
    table, document = shown(summarize(Question(), {}, []))
    assert "Nothing is known" in table
    assert document["total"] is None


def test_a_known_day_without_what_was_asked_for_has_a_total_of_zero() -> None:
    table, document = shown(summarize(Question(), {}, [ReportedDay(DAY, Source.LOADED)]))
    assert "Nothing was counted" in table
    assert document["total"]["bytes"] == 0
