"""A day read from its hash in the state."""

from __future__ import annotations

from datetime import date

from mailtally.commands.report_cells import figure_cells, figure_columns
from mailtally_shared.reports.grouping import NO_ROWS, Figures
from mailtally_shared.reports.question import Question
from mailtally_shared.reports.summary import summarize
from mailtally_shared.state.read.live_day import LiveDay, live_day

DAY = date(2026, 2, 16)


def test_a_day_that_was_only_counted_was_never_written() -> None:
    day = live_day(DAY, {b"messages": b"1", b"bytes": b"20", b"changes": b"1"})
    assert day == LiveDay(DAY, messages=1, bytes=20, changes=1)
    assert day.is_dirty


def test_a_written_day_knows_its_revision_and_who_was_missing() -> None:
    fields = {b"changes": b"4", b"written_changes": b"4", b"written_revision": b"2"}
    complete = live_day(DAY, fields | {b"complete": b"1", b"missing": b""})
    without = live_day(DAY, fields | {b"complete": b"0", b"missing": b"mail2,mail3"})
    assert (complete.is_dirty, complete.written_revision, complete.complete) == (False, 2, True)
    assert complete.missing_hosts == ()
    assert without.missing_hosts == ("mail2", "mail3")


def test_a_day_without_fields_is_empty_and_not_written_wrong() -> None:
    assert live_day(DAY, {}) == LiveDay(DAY)


def test_programs_get_whole_numbers_and_people_short_ones() -> None:
    report = summarize(Question(by=("host",)), NO_ROWS, [])
    figures = Figures(1234, 2048, 3072)
    columns = figure_columns(report)
    assert figure_cells(columns, figures, human=False) == ["1234", "2048", "3072"]
    assert figure_cells(columns, figures, human=True) == ["1,234", "2.0 KiB", "3.0 KiB"]
