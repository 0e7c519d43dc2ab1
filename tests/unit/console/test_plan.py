"""The capacity model: what it says must follow from the costs, and make sense."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mailtally.commands.plan.capacity import WISE, capacity
from mailtally.commands.plan.command import plan
from mailtally.commands.plan.costs import KINDS, MEASURED
from mailtally.commands.plan.distinct import distinct
from mailtally.commands.plan.load import BATCH, DAY, GROUP_RECORDS, Question, load
from mailtally.commands.plan.view import as_json, as_lines, spelled
from mailtally.commands.plan.walls import walls
from tests.support import scaling_page

WORLD = 376e9


def question(rate: float = 1000.0, **changes: float) -> Question:
    asked = Question(
        hosts=3, spread=3, rate=rate, daily=rate * DAY, domains=1000, days=35, aggregators=2
    )
    return replace(asked, **changes)  # type: ignore[arg-type]  # whole numbers are given as such


def test_the_shares_of_services_and_statuses_are_a_whole() -> None:
    assert sum(KINDS) == pytest.approx(1)


@pytest.mark.parametrize(("domains", "measured"), [(1000, 67_222), (30_000, 289_579)])
def test_the_keys_of_a_million_records_are_those_that_were_measured(
    domains: int, measured: int
) -> None:
    """Three hosts and three days, as ``python -m tools.benchmarks stages`` counts them."""
    assert 9 * distinct(1e6 / 9, domains, KINDS) == pytest.approx(measured, rel=0.02)


@given(records=st.floats(0, 1e12), domains=st.integers(1, 10**8))
def test_there_are_no_more_keys_than_records_or_than_can_be(records: float, domains: int) -> None:
    keys = distinct(records, domains, KINDS)
    assert 0 <= keys <= min(records, domains * len(KINDS)) * (1 + 1e-9) + 1e-300


@given(records=st.floats(0, 1e9), domains=st.integers(1, 10**6))
def test_more_records_have_no_fewer_keys(records: float, domains: int) -> None:
    assert distinct(records * 2, domains, KINDS) >= distinct(records, domains, KINDS) * (1 - 1e-9)


def test_few_records_travel_in_small_batches_and_many_in_full_ones() -> None:
    assert load(question(3), MEASURED, KINDS).batch == 1
    assert load(question(3000), MEASURED, KINDS).batch == pytest.approx(200)
    assert load(question(1e7), MEASURED, KINDS).batch == BATCH


def test_a_host_that_lingers_longer_sends_fewer_batches() -> None:
    prompt, patient = (load(question(30_000, linger=s), MEASURED, KINDS) for s in (0.2, 2.0))
    assert patient.batches == pytest.approx(prompt.batches / 10)
    assert patient.redis < prompt.redis


def test_groups_grow_to_their_limit_and_make_a_record_cheaper() -> None:
    calm, busy = (load(question(rate), MEASURED, KINDS) for rate in (30_000, 5e6))
    behind = load(question(5e6), MEASURED, KINDS, behind=True)
    assert calm.group < busy.group <= behind.group == GROUP_RECORDS
    assert calm.keys / 30_000 > busy.keys / 5e6 >= behind.keys / 5e6


def test_costs_add_up_to_the_load() -> None:
    """One record a batch, one batch a second, one key each: nothing is shared."""
    found = load(question(1.0, hosts=1, spread=1, aggregators=1), MEASURED, KINDS)
    assert found.collector == pytest.approx(
        MEASURED.collector_ns / 1e9 + MEASURED.collector_ms / 1e3
    )
    assert found.redis == pytest.approx(
        MEASURED.redis_ms / 1e3 + found.keys * MEASURED.redis_key_us / 1e6
    )
    assert found.keys == pytest.approx(1, rel=0.02)


def test_a_domain_on_fewer_hosts_has_fewer_rows() -> None:
    wide = capacity(question(1e6, hosts=30, spread=30), MEASURED, KINDS)
    narrow = capacity(question(1e6, hosts=30, spread=1), MEASURED, KINDS)
    assert narrow.rows < wide.rows / 10
    assert narrow.redis_memory < wide.redis_memory / 10


def test_what_is_needed_is_enough() -> None:
    found = capacity(question(1e7), MEASURED, KINDS)
    behind = load(question(1e7), MEASURED, KINDS, behind=True)
    assert behind.aggregators / found.aggregators <= WISE
    assert behind.redis / found.states <= WISE
    assert capacity(question(1.0), MEASURED, KINDS).aggregators == 1


def test_memory_and_database_grow_with_what_is_kept() -> None:
    week, month = (capacity(question(days=days), MEASURED, KINDS) for days in (7, 28))
    assert month.redis_memory == pytest.approx(4 * week.redis_memory)
    assert month.database == week.database


def test_walls_are_told_in_the_order_in_which_they_are_reached() -> None:
    found = walls(question(), MEASURED, KINDS)
    rates = [one.rate for one in found]
    assert rates == sorted(rates)
    assert {one.wall.name for one in found} >= {"Redis's thread", "aggregators"}


def test_more_aggregators_move_their_wall_and_no_other() -> None:
    few, many = (
        {one.wall.name: one.rate for one in walls(question(aggregators=n), MEASURED, KINDS)}
        for n in (1, 50)
    )
    assert many["aggregators"] > 2 * few["aggregators"]
    assert many["Redis's thread"] == pytest.approx(few["Redis's thread"], rel=0.01)


def test_a_wall_that_is_passed_is_said_to_be() -> None:
    asked = question(1e8)
    text = as_lines(asked, capacity(asked, MEASURED, KINDS), walls(asked, MEASURED, KINDS))
    assert "(passed)" in text
    assert "states needed" in text
    calm = question(10)
    text = as_lines(calm, capacity(calm, MEASURED, KINDS), walls(calm, MEASURED, KINDS))
    assert "(passed)" not in text
    assert "one is enough" in text


def test_json_holds_the_question_the_figures_and_the_walls() -> None:
    asked = question()
    found = json.loads(as_json(asked, capacity(asked, MEASURED, KINDS), []))
    assert found["question"]["hosts"] == 3
    assert found["capacity"]["load"]["redis"] > 0
    assert found["walls"] == []


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(0, "0 B"), (999.9, "1000 B"), (1234, "1.23 kB"), (63.6e12, "63.6 TB"), (1e20, "100000 PB")],
)
def test_a_quantity_is_spelled_with_its_prefix(quantity: float, text: str) -> None:
    assert spelled(quantity, "B") == text


@pytest.mark.parametrize("shape", ["table", "json"])
def test_the_command_answers(shape: str) -> None:
    done = CliRunner().invoke(plan, ["--mails-per-day", str(WORLD), "--format", shape])
    assert done.exit_code == 0, done.output
    assert "Redis" in done.output


def test_a_second_and_a_day_ask_the_same() -> None:
    by_day = CliRunner().invoke(plan, ["--mails-per-day", "86400000"])
    by_second = CliRunner().invoke(plan, ["--records-per-second", "1000"])
    assert by_day.output == by_second.output


def test_a_peak_is_in_the_load_and_not_in_what_is_kept() -> None:
    options = ["--records-per-second", "1000", "--format", "json"]
    mean, peak = (
        json.loads(CliRunner().invoke(plan, [*options, "--peak", text]).output)
        for text in ("1", "3")
    )
    assert peak["question"]["rate"] == 3 * mean["question"]["rate"]
    assert peak["capacity"]["rows"] == mean["capacity"]["rows"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--mails-per-day", "1", "--records-per-second", "1"],
        ["--mails-per-day", "0"],
        ["--mails-per-day", "-5"],
        ["--mails-per-day", "nan"],
        ["--mails-per-day", "inf"],
        ["--mails-per-day", "many"],
        ["--records-per-second", "0"],
        ["--mails-per-day", "1000", "--hosts", "0"],
        ["--mails-per-day", "1000", "--domains", "0"],
        ["--mails-per-day", "1000", "--days", "0"],
        ["--mails-per-day", "1000", "--aggregators", "0"],
        ["--mails-per-day", "1000", "--peak", "0.5"],
        ["--mails-per-day", "1000", "--linger", "0"],
    ],
)
def test_nonsense_is_refused(options: list[str]) -> None:
    done = CliRunner().invoke(plan, options)
    assert done.exit_code == 2, done.output
    assert "Error" in done.output


def test_the_examples_on_the_scaling_page_are_what_the_command_says() -> None:
    text = scaling_page.PAGE.read_text("utf-8")
    assert text.count("$ mailtally plan") >= 4
    assert scaling_page.page(text) == text, "run `python -m tests.support.scaling_page`"
