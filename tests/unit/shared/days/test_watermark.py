"""A day is written when everybody has passed it, or at the deadline, and again when it changes."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from mailtally_shared.calendar import Calendar
from mailtally_shared.days.watermark import DayPolicy, DayState, Gap, due_days, due_late, patience
from mailtally_shared.schema import END_OF_TIME

CALENDAR = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 16)
END = CALENDAR.end_of(DAY)
POLICY = DayPolicy(grace=900, deadline=6 * 3600, restate_after=60, restate_at_most=900)
FRESH = DayState(DAY, changes=5, since=END - 80_000, changed_at=END - 1)
WRITTEN = replace(FRESH, written_changes=5, written_at=END + 1000, complete=True)


def due(state: DayState, watermarks: dict[str, float], now: float) -> list[tuple[str, ...]]:
    return [found.missing for found in due_days([state], watermarks, CALENDAR, POLICY, now)]


def test_a_day_that_everybody_has_passed_is_due_complete() -> None:
    assert due(FRESH, {"mail1": END + 900, "mail2": END + 5000}, END + 5000) == [()]


def test_a_day_waits_for_the_slowest_collector_and_the_grace() -> None:
    assert due(FRESH, {"mail1": END + 899, "mail2": END + 5000}, END + 5000) == []


def test_at_the_deadline_a_day_is_due_without_the_missing_hosts() -> None:
    watermarks = {"mail2": 0.0, "mail1": END + 900, "mail3": END - 1}
    assert due(FRESH, watermarks, END + POLICY.deadline) == [("mail2", "mail3")]


def test_a_written_day_that_did_not_change_is_not_due() -> None:
    assert due(WRITTEN, {"mail1": END + 900}, END + 10_000_000) == []


def test_an_incomplete_day_is_due_again_once_it_is_complete() -> None:
    incomplete = replace(WRITTEN, complete=False)
    assert due(incomplete, {"mail1": END}, END + POLICY.deadline + 1) == []
    assert due(incomplete, {"mail1": END + 900}, END + POLICY.deadline + 1) == [()]


def test_late_lines_restate_a_day_once_they_are_quiet() -> None:
    changed = replace(WRITTEN, changes=6, changed_at=END + 2000, written_at=END + 1990)
    watermarks = {"mail1": END + 9000.0}
    assert due(changed, watermarks, END + 2059) == []
    assert due(changed, watermarks, END + 2060) == [()]


def test_lines_that_keep_coming_late_do_not_hold_a_restatement_up_for_ever() -> None:
    changed = replace(WRITTEN, changes=6, changed_at=END + 2899)
    watermarks = {"mail1": END + 9000.0}
    assert due(changed, watermarks, END + 1899) == []
    assert due(changed, watermarks, END + 2900) == [()]


def test_a_changed_day_is_restated_at_once_when_every_host_has_read_to_its_end() -> None:
    changed = replace(WRITTEN, changes=6, changed_at=END + 2000, written_at=END + 1990)
    ended, now = float(END_OF_TIME), END + 2001
    for other, is_due in ((ended, True), (END + 1990.0, False), (0.0, False)):
        watermarks = {"mail1": ended, "mail2": other}
        policy = patience(POLICY, watermarks)
        found = due_days([changed], watermarks, CALENDAR, policy, now)
        assert [each.state.day for each in found] == [DAY] * is_due
        assert [each.day for each in due_late([changed], policy, now)] == [DAY] * is_due
    assert patience(POLICY, {}) == POLICY


def test_a_current_day_is_not_due() -> None:
    assert due(FRESH, {"mail1": END - 100}, END - 90) == []


def test_without_any_collector_a_past_day_is_due() -> None:
    assert due(FRESH, {}, END + 1) == [()]


def test_days_are_due_oldest_first() -> None:
    days = [replace(FRESH, day=date(2026, 2, d)) for d in (16, 14, 15)]
    found = due_days(days, {}, CALENDAR, POLICY, END + 1)
    assert [d.state.day.day for d in found] == [14, 15, 16]


def test_an_old_day_that_is_only_now_read_in_is_given_its_time() -> None:
    read_in_later = replace(FRESH, since=END + 1_000_000)
    assert due(read_in_later, {"mail1": 0.0}, END + 1_000_001) == []
    assert due(read_in_later, {"mail1": 0.0}, END + 1_000_000 + POLICY.deadline) == [("mail1",)]


def test_a_day_that_was_noted_by_a_clock_ahead_is_written_at_its_own_deadline() -> None:
    noted_ahead = replace(FRESH, since=END + 10**9)
    assert due(noted_ahead, {"mail1": 0.0}, END + POLICY.deadline) == [("mail1",)]


def test_no_host_has_read_further_than_up_to_now() -> None:
    assert due(FRESH, {"mail1": END + 10.0**6}, END - 1) == []


GAP = Gap("mail1", "It cannot be read.", since=0.0)
NAMED = (("mail1", "It cannot be read."),)
PASSED = {"mail1": END + 900.0}


def with_gaps(state: DayState, *gaps: Gap) -> list[tuple[bool, tuple[Gap, ...]]]:
    found = due_days([state], PASSED, CALENDAR, POLICY, END + 1000, gaps=gaps)
    return [(each.complete, each.gaps) for each in found]


def test_a_day_with_a_gap_is_written_in_time_and_not_as_complete() -> None:
    assert with_gaps(FRESH, GAP) == [(False, (GAP,))]
    assert with_gaps(FRESH) == [(True, ())]


def test_a_day_with_a_gap_is_written_once_more_when_the_gap_is_gone() -> None:
    written = replace(WRITTEN, complete=False, incomplete=NAMED)
    assert with_gaps(written, GAP) == []
    assert with_gaps(written) == [(True, ())]


def test_a_day_that_lacked_a_host_is_written_when_only_a_gap_is_left() -> None:
    written = replace(WRITTEN, complete=False, incomplete=NAMED, has_missing=True)
    assert with_gaps(written, GAP) == [(False, (GAP,))]


def test_a_day_that_was_complete_is_written_again_when_a_gap_becomes_known() -> None:
    assert with_gaps(WRITTEN) == []
    due_at = END + 1000 - POLICY.restate_after
    assert with_gaps(replace(WRITTEN, written_at=due_at), GAP) == [(False, (GAP,))]
    assert with_gaps(replace(WRITTEN, written_at=due_at + 1), GAP) == []


def test_other_gaps_than_a_day_was_written_with_restate_it_now_and_then() -> None:
    other = Gap("mail2", "It cannot be read.", since=0.0)
    written = replace(WRITTEN, complete=False, incomplete=NAMED)
    due_at = END + 1000 - POLICY.restate_at_most
    assert with_gaps(replace(written, written_at=due_at + 1), GAP, other) == []
    assert with_gaps(replace(written, written_at=due_at), GAP, other) == [(False, (GAP, other))]


def test_a_gap_touches_only_days_in_which_its_lines_were_logged() -> None:
    start = CALENDAR.end_of(DAY) - 86_400
    for gap in (Gap("mail1", "x", float(END)), Gap("mail1", "x", 0.0, float(start))):
        assert with_gaps(FRESH, gap) == [(True, ())]
    for gap in (Gap("mail1", "x", END - 1.0), Gap("mail1", "x", 0.0, start + 1.0)):
        assert with_gaps(FRESH, gap) == [(False, (gap,))]
