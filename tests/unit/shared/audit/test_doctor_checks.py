"""What the doctor says of servers, collectors, days and what is kept aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mailtally.commands.doctor import worst
from mailtally_shared.audit.collectors import check_collectors
from mailtally_shared.audit.due_days import check_days
from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.audit.gathered import Server
from mailtally_shared.audit.server import check_server
from mailtally_shared.audit.settings import Names, check_charged
from mailtally_shared.audit.uncounted import check_aside, check_kept_in_state
from mailtally_shared.calendar import Calendar
from mailtally_shared.days import ChargingPolicy
from mailtally_shared.days.directory import Directory
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.state.read.books import Books, Ledger, Quarantine
from mailtally_shared.state.read.live_day import LiveDay
from tests.support.records import NOON

UTC = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 16)
GOOD = Server("7.2", "noeviction", append_only=True, used_memory=10, max_memory=100)
MAIL1 = Ledger("c1", "mail1", hwm=3, watermark=NOON, lines=10, records=9, malformed={"nul": 1})
POLICY = DayPolicy(grace=0)


def books(*ledgers: Ledger, **more: object) -> Books:
    owners = {ledger.host: ledger.collector_id for ledger in ledgers}
    return replace(Books(ledgers=ledgers, owners=owners), **more)  # type: ignore[arg-type]  # by name


def test_a_server_that_keeps_everything_is_fine() -> None:
    assert check_server(GOOD).level is Level.OK
    assert check_server(replace(GOOD, max_memory=0)).level is Level.OK


@pytest.mark.parametrize(
    ("server", "advice"),
    [
        (replace(GOOD, eviction="allkeys-lru"), "set noeviction"),
        (replace(GOOD, append_only=False), "set appendonly yes"),
        (replace(GOOD, used_memory=95), "95% full"),
        (Server(), "maxmemory-policy unknown"),
    ],
)
def test_a_server_that_may_lose_something_is_warned_of(server: Server, advice: str) -> None:
    finding = check_server(server)
    assert (finding.level, advice in finding.sentence) == (Level.WARNING, True)


def test_a_server_that_cannot_write_has_failed() -> None:
    assert check_server(replace(GOOD, last_write_failed=True)).level is Level.FAILED


def collectors(found: Books, *expected: str, now: float = NOON + 5) -> list[Finding]:
    return list(check_collectors(found, expected, 900, now))


def test_a_collector_that_keeps_up_is_told_with_its_lines() -> None:
    (finding,) = collectors(books(MAIL1), "mail1")
    assert (finding.check, finding.level) == ("collector mail1", Level.OK)
    assert finding.sentence == (
        "Read up to 2026-02-16 12:00:00 UTC, 0:00:05 ago; 3 batches applied; "
        "10 lines, 9 records, 1 malformed (nul 1)."
    )


def test_a_collector_that_is_behind_is_warned_of() -> None:
    (finding,) = collectors(books(replace(MAIL1, ahead=2)), now=NOON + 901)
    assert finding.level is Level.WARNING
    assert "2 more beyond a gap" in finding.sentence


def test_a_collector_that_has_just_registered_is_warned_of() -> None:
    (finding,) = collectors(books(Ledger("c1", "mail1")))
    assert (finding.level, "not said yet" in finding.sentence) == (Level.WARNING, True)


def test_a_collector_that_read_to_the_end_is_never_behind() -> None:
    (finding,) = collectors(books(replace(MAIL1, watermark=END_OF_TIME)))
    assert (finding.level, "to the end" in finding.sentence) == (Level.OK, True)


def test_the_lines_of_former_collectors_of_a_host_count_as_its_own() -> None:
    former = replace(MAIL1, collector_id="c0", watermark=0, malformed={"nul": 2, "empty": 7})
    found = replace(books(MAIL1), ledgers=(former, MAIL1))
    (finding,) = collectors(found)
    assert "20 lines, 18 records, 10 malformed (empty 7, nul 3)" in finding.sentence


def test_hosts_that_are_expected_and_were_never_seen_are_named() -> None:
    registered_only = replace(Books(), owners={"mail2": "nobody"})
    found = collectors(registered_only, "mail3")
    assert [finding.check for finding in found] == ["collector mail2", "collector mail3"]
    assert {finding.level for finding in found} == {Level.WARNING}


def days(*found: LiveDay, now: float = NOON, **more: object) -> Finding:
    ledger = replace(MAIL1, watermark=NOON + 2 * 86_400)
    return check_days(books(ledger, days=found, **more), ("mail1",), UTC, POLICY, now)


def test_days_that_are_counted_written_or_changed_lately_are_fine() -> None:
    finding = days(
        LiveDay(DAY, changes=1, changed_at=NOON, written_changes=1, written_at=NOON, complete=True),
        LiveDay(DAY, changes=2, changed_at=NOON, written_changes=1, written_at=NOON, complete=True),
        LiveDay(date(2026, 2, 20), changes=1),
    )
    assert (finding.level, "1 changed since" in finding.sentence) == (Level.OK, True)


@pytest.mark.parametrize(
    ("has_writer", "advice"), [(True, "look again"), (False, "No aggregator is at work")]
)
def test_a_day_that_is_due_and_not_written_is_named(*, has_writer: bool, advice: str) -> None:
    day_over = NOON + 12 * 3600
    waiting = LiveDay(DAY, changes=1)
    assert days(waiting, now=day_over - 1, has_writer=has_writer).level is Level.OK
    finding = days(waiting, now=day_over, has_writer=has_writer)
    assert finding.level is Level.WARNING
    assert "2026-02-16" in finding.sentence
    assert advice in finding.sentence


def test_a_host_never_seen_holds_its_days_open_until_the_deadline() -> None:
    found = books(replace(MAIL1, watermark=END_OF_TIME), days=(LiveDay(DAY, changes=1),))
    before, after = (
        check_days(found, ("mail9",), UTC, DayPolicy(deadline=3600), now)
        for now in (NOON + 13 * 3600 - 1, NOON + 13 * 3600)
    )
    assert (before.level, after.level) == (Level.OK, Level.WARNING)


def test_nothing_aside_is_fine() -> None:
    found = [*check_kept_in_state(Books()), *check_aside(Directory(), NOON)]
    assert {finding.level for finding in found} == {Level.OK}


def test_whatever_is_aside_is_counted_with_its_reasons() -> None:
    found = books(
        quarantine=Quarantine(2, 30, {"bad-checksum": 2}),
        late=(LiveDay(DAY, messages=1234), LiveDay(date(2026, 2, 17))),
    )
    directory = Directory(rejected=("16.02.2026",), strays=("notes",))
    findings = [*check_kept_in_state(found), *check_aside(directory, NOON)]
    assert [finding.level for finding in findings] == [
        Level.FAILED,
        Level.WARNING,
        Level.OK,
        Level.OK,
        Level.WARNING,
        Level.WARNING,
    ]
    quarantine, late, _held, _waiting, rejected, stray = (finding.sentence for finding in findings)
    assert "notes" in stray
    assert "2 batches with 30 records (bad-checksum 2)" in quarantine
    assert "1,234 for 2026-02-16." in late
    assert "16.02.2026" in rejected


@pytest.mark.parametrize(
    ("reasons", "cause"),
    [
        ({"too-many-hosts": 2}, "They are sound, but exceed a limit that a setting names"),
        (
            {"too-many-hosts": 1, "bad-checksum": 1},
            "A collector's release or its disk may be faulty",
        ),
    ],
)
def test_of_sound_batches_in_quarantine_no_disk_is_blamed(
    reasons: dict[str, int], cause: str
) -> None:
    found = books(quarantine=Quarantine(2, 30, reasons))
    (alarm,) = [one for one in check_kept_in_state(found) if one.level is not Level.OK]
    assert cause in alarm.sentence


def test_messages_in_quarantine_without_records_are_a_warning() -> None:
    found = books(quarantine=Quarantine(2, 0, {"bad-header": 2}))
    (alarm,) = [one for one in check_kept_in_state(found) if one.level is not Level.OK]
    assert (alarm.check, alarm.level) == ("quarantine", Level.WARNING)


@pytest.mark.parametrize(("age", "level"), [(60, Level.OK), (7200, Level.WARNING)])
def test_day_files_that_wait_long_for_the_loader_are_warned_of(age: int, level: Level) -> None:
    directory = Directory(waiting=3, waiting_since=NOON - age)
    found = {finding.check: finding for finding in check_aside(directory, NOON)}
    assert found["waiting files"].level is level
    assert "3 day files wait" in found["waiting files"].sentence


@pytest.mark.parametrize("has_writer", [True, False])
def test_a_host_that_is_behind_without_any_aggregator_is_told_so(*, has_writer: bool) -> None:
    (finding,) = collectors(books(MAIL1, has_writer=has_writer), now=NOON + 901)
    assert ("start one" in finding.sentence) is not has_writer


SOME = Names(days=3, statuses=frozenset({"greylisted"}), domains=9)


@pytest.mark.parametrize(
    ("charged", "names", "hosted", "said"),
    [
        ("all", SOME, True, ""),
        (("success", "greylisted"), SOME, True, ""),
        (("sucess",), Names(), True, ""),
        (("sucess",), SOME, False, "did you mean success"),
        (("success",), Names(days=3), False, ""),
        (("success",), Names(days=3), True, "(not hosted)"),
    ],
    ids=["all", "known", "no days", "misspelt", "no list", "list without effect"],
)
def test_what_is_charged_has_to_match_something(
    charged: Any,  # noqa: ANN401 - as a policy takes it
    names: Names,
    hosted: bool,  # noqa: FBT001 - a parameter of the test
    said: str,
) -> None:
    finding = check_charged(ChargingPolicy(charged_statuses=charged), names, hosted=hosted)
    assert (finding.level is Level.WARNING) is bool(said)
    assert said in finding.sentence


def test_the_worst_finding_is_the_sites() -> None:
    levels = [Level.OK, Level.FAILED, Level.WARNING]
    assert worst([Finding("", level, "") for level in levels]) is Level.FAILED
    assert worst([]) is Level.OK
