"""``mailtally report`` on a real Redis and real databases."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from mailtally.commands.report import report
from mailtally.commands.report_view import print_table
from mailtally_shared.billing.queries import open_loaded
from mailtally_shared.days import ChargingPolicy, DayRows, Sums
from mailtally_shared.reports.grouping import grouped, live_parts
from mailtally_shared.reports.question import GROUPS, HOUR, Question
from mailtally_shared.reports.summary import ReportedDay, Source, summarize
from mailtally_shared.schema import MAX_SUM, Service
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.read.totals import Totals
from tests.support.day_sets import put_bare, put_set
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State

DAY = 86_400
OF_DAYS = [name for name in GROUPS if name != HOUR]
MONDAY, TUESDAY = date(2026, 2, 16), date(2026, 2, 17)
MORNING_AFTER = NOON + DAY
MONDAYS = [
    Record(size=1000, attempts=2, service=Service.SMTP_OUT),
    Record(size=69, status="rejspam", host="mail2.example.net"),
    Record(domain="b.example", size=5, service=Service.POP3),
]
TUESDAYS = [Record(time=NOON + DAY, size=24), Record(time=NOON + DAY, domain="c.example", size=7)]


@pytest.fixture
def state(empty_redis: EmbeddedRedis) -> Iterator[State]:
    with connect_state(empty_redis.state_url) as client:
        yield client


@pytest.fixture
def site(
    state: State,
    database_url: str,
    tmp_path: Path,
    empty_redis: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
) -> HandDrivenSite:
    made = HandDrivenSite(state, tmp_path, database_url)
    made.put_into_environment(empty_redis.state_url, monkeypatch)
    return made


@pytest.fixture
def two_days(site: HandDrivenSite) -> HandDrivenSite:
    """Monday is loaded, Tuesday still being counted."""
    site.count(MONDAYS, passed=MORNING_AFTER)
    site.write(MORNING_AFTER)
    site.load(MORNING_AFTER)
    site.count(TUESDAYS, passed=MORNING_AFTER)
    return site


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(report, arguments)
    assert result.exit_code == code, result.output
    return result


def document(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run("--format", "json", *arguments).stdout)
    return read


@pytest.mark.usefixtures("two_days")
def test_loaded_and_live_days_add_up_and_each_has_one_source() -> None:
    found = document("--by", "day,domain")
    rows = [(row["day"], row["domain"], row["source"], row["bytes"]) for row in found["rows"]]
    assert rows == [
        ("2026-02-16", "b.example", "loaded", 5),
        ("2026-02-16", "example.com", "loaded", 1069),
        ("2026-02-17", "c.example", "live", 7),
        ("2026-02-17", "example.com", "live", 24),
    ]
    assert found["total"] == {
        "messages": 5,
        "bytes": 1105,
        "transferred": 2105,
        "charged_bytes": 1105,
        "hits_all": 5,
        "hits_html": 0,
    }
    assert [(day["source"], day["revision"], day["complete"]) for day in found["days"]] == [
        ("loaded", 1, True),
        ("live", None, False),
    ]


@pytest.mark.usefixtures("two_days")
def test_a_table_tells_the_total_and_which_days_are_live() -> None:
    assert run().stdout.splitlines() == [
        "domain       messages  bytes  transferred  charged  hits  html",
        "b.example           1      5            5        5     1     0",
        "c.example           1      7            7        7     1     0",
        "example.com         3   1093         2093     1093     3     0",
        "total               5   1105         2105     1105     5     0",
        "Live, as counted so far and not yet billed: 2026-02-17.",
    ]


@pytest.mark.usefixtures("two_days")
def test_days_of_a_month_without_data_are_named_in_each_format() -> None:
    for shape in ("table", "csv", "json"):
        found = run("--month", "2026-02", "--format", shape)
        assert found.stderr.splitlines() == [
            (
                "Warning: No data for 2026-02-01 to 2026-02-15, 2026-02-18 to 2026-02-28: "
                "nothing was counted or loaded."
            )
        ]
    assert not run().stderr


@pytest.mark.usefixtures("two_days")
def test_csv_is_exact_and_without_a_total() -> None:
    text = run("--by", "host,service,status", "--format", "csv").stdout_bytes.decode()
    assert text.startswith("host,service,status,messages,bytes,transferred\r\n")
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["mail.example.net", "pop3", "success", "1", "5", "5"],
        ["mail.example.net", "smtp-in", "success", "2", "31", "31"],
        ["mail.example.net", "smtp-out", "success", "1", "1000", "2000"],
        ["mail2.example.net", "smtp-in", "rejspam", "1", "69", "69"],
    ]


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (("--day", "2026-02-16"), 1074),
        (("--from", "17.02.2026"), 31),
        (("--to", "2026-02-15"), None),  # days of which nothing is known
        (("--domain", "Example.COM.", "--domain", "c.example"), 1100),
        (("--host", "mail2.example.net"), 69),
        (("--service", "pop3", "--service", "smtp-out"), 1005),
        (("--status", "rejspam"), 69),
        (("--no-live",), 1074),
        (("--live",), 1105),
        (("--top", "1"), 1105),
    ],
)
@pytest.mark.usefixtures("two_days")
def test_filters_reach_both_sources(arguments: tuple[str, ...], size: int | None) -> None:
    total = document(*arguments)["total"]
    assert (total and total["bytes"]) == size


@pytest.mark.usefixtures("two_days")
def test_the_largest_come_first_with_top() -> None:
    found = document("--top", "1")
    assert ([row["domain"] for row in found["rows"]], found["left_out"]) == (["example.com"], 2)


def test_a_loaded_day_stays_as_billed_until_it_is_asked_for_live(
    two_days: HandDrivenSite,
) -> None:
    two_days.count([Record(size=100_000)], passed=MORNING_AFTER)
    monday = ("--day", "2026-02-16")
    billed, live = document(*monday), document("--live", *monday)
    assert billed["total"]["bytes"] == 1074
    assert (billed["days"][0]["source"], billed["days"][0]["has_more"]) == ("loaded", True)
    assert live["total"]["bytes"] == 101_074
    assert live["days"][0]["source"] == "live"


def test_a_day_that_was_written_and_not_loaded_is_live_and_complete(site: HandDrivenSite) -> None:
    site.count(MONDAYS, passed=MORNING_AFTER)
    site.write(MORNING_AFTER)
    (day,) = document("--live")["days"]
    assert (day["source"], day["revision"], day["complete"]) == ("live", 1, True)


def test_a_day_written_without_a_host_says_so(site: HandDrivenSite) -> None:
    put_set(site.statistic_dir, {"a.example": 1}, missing=("mail9",))
    site.load(MORNING_AFTER)
    assert "Written without mail9: 2026-02-01." in run().stdout
    as_csv = run("--format", "csv")
    assert "mail9" not in as_csv.stdout
    assert "Written without mail9: 2026-02-01." in as_csv.stderr


def test_of_a_bare_file_the_charge_is_known(site: HandDrivenSite) -> None:
    put_bare(site.statistic_dir, {"a.example": 2})
    site.load(MORNING_AFTER)
    found = document()
    assert [(row["domain"], row["messages"], row["charged_bytes"]) for row in found["rows"]] == [
        ("a.example", 0, 2048)
    ]
    assert found["days"][0]["has_breakdown"] is False
    assert document("--by", "host")["rows"] == []


def test_what_live_days_are_charged_follows_the_aggregators_policy(
    two_days: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__HITS", "in-out")
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__CHARGED_QUANTITY", "transferred")
    two_days.state.delete(two_days.keys.totals.days)
    two_days.count(
        [Record(time=NOON + 2 * DAY, size=3, attempts=4, service=Service.SMTP_OUT)], passed=0
    )
    (row,) = document("--day", "2026-02-18")["rows"]
    assert (row["charged_bytes"], row["hits_all"], row["hits_html"]) == (12, 0, 1)


def test_sums_over_days_go_beyond_63_bits(site: HandDrivenSite) -> None:
    for day in (MONDAY, TUESDAY):
        key = ("a.example", "m1", "m1", "smtp-in", "success")
        put_set(site.statistic_dir, [Sums(*key, 1, MAX_SUM, MAX_SUM)], day=day)
    site.load(MORNING_AFTER)
    assert document()["total"]["charged_bytes"] == document()["total"]["bytes"] == 2 * MAX_SUM


@pytest.mark.parametrize("by", [by for size in (1, 2, 3) for by in combinations(OF_DAYS, size)])
def test_both_sources_answer_alike(two_days: HandDrivenSite, by: tuple[str, ...]) -> None:
    rows = Totals(two_days.state, two_days.keys).read(MONDAY).rows
    for question in (
        Question(by=by),
        Question(by=by, only={"domain": frozenset({"example.com"})}),
        Question(
            by=by,
            only={"status": frozenset({"success"}), "service": frozenset({"smtp-out"})},
        ),
    ):
        live = list(grouped(live_parts(question, MONDAY, rows, ChargingPolicy())))
        with open_loaded(two_days.database_url) as loaded:
            assert list(grouped(loaded.parts(question, ()))) == live


def test_without_redis_it_shows_what_was_loaded(
    two_days: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_STATE_URL", f"unix://{two_days.data_dir}/nobody.sock")
    result = run("--format", "csv")
    assert "Warning: Redis (the state) does not answer" in result.stderr
    assert len(result.stdout.splitlines()) == 3


def test_without_a_database_it_shows_what_is_live(
    two_days: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = two_days.data_dir / "nowhere.sqlite"
    monkeypatch.setenv("MAILTALLY_DATABASE_URL", f"sqlite:///{nowhere}")
    result = run("--format", "csv")
    assert f"Warning: The database {nowhere} does not exist yet" in result.stderr
    assert len(result.stdout.splitlines()) == 4
    assert not nowhere.exists()


def test_without_either_it_fails_and_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAILTALLY_STATE_URL", raising=False)
    result = run("--data", str(tmp_path), code=1)
    assert "does not exist yet" in result.stderr
    assert "No Redis is configured" in result.stderr


@pytest.mark.usefixtures("site")
def test_nothing_counted_is_said_in_words() -> None:
    result = run()
    unknown = "No data for these days: none of them was counted or loaded.\n"
    assert result.stdout == unknown  # which is not zero
    assert "database" in result.stderr


def test_a_state_of_another_version_is_not_guessed_at(two_days: HandDrivenSite) -> None:
    two_days.state.set(two_days.keys.format, "99")
    result = run("--format", "csv")
    assert "format b'99'" in result.stderr
    assert len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--by", "colour"),
        ("--by", "day,day"),
        ("--by", ""),
        ("--day", "someday"),
        ("--day", "today", "--from", "yesterday"),
        ("--from", "2026-02-02", "--to", "2026-02-01"),
        ("--by", "host", "--sort", "charged"),
        ("--service", "fax"),
        ("--top", "0"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    run(*arguments, code=2)


def test_polling_sees_a_day_change_at_once(two_days: HandDrivenSite) -> None:
    state, keys = two_days.state, two_days.keys
    before = Totals(state, keys).days()[-1]
    two_days.count([Record(time=NOON + DAY, size=50)], passed=MORNING_AFTER)
    after = Totals(state, keys).days()[-1]
    assert (after.messages - before.messages, after.bytes - before.bytes) == (1, 50)
    assert sum(row.messages for row in Totals(state, keys).read(TUESDAY).rows) == after.messages


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_the_table_fits_and_sizes_are_short(width: int) -> None:
    rows = [
        Sums(
            "a-rather-long-name-of-a.department.example.com",
            "[m1]",
            "[m1]",
            "smtp-in",
            "ok",
            9,
            2**40,
            1,
        )
    ]
    found = summarize(
        Question(),
        grouped(live_parts(Question(), MONDAY, DayRows.of(rows), ChargingPolicy())),
        [ReportedDay(MONDAY, Source.LIVE)],
    )
    screen = io.StringIO()
    print_table(found, Console(force_terminal=True, color_system=None, width=width, file=screen))
    table = screen.getvalue().splitlines()[:-1]  # a note may be longer: the terminal breaks it
    assert max(map(len, table)) <= width
    assert any("1.0 TiB" in line and "total" in line for line in table)
