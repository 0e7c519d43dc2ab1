"""What the doctor says of logs that cannot be read, or not understood, and of fine ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.audit.host_logs import check_host_logs
from mailtally_shared.state.read.books import Books, Ledger
from mailtally_shared.wire.status import (
    LineCounts,
    LogStatus,
    PatternStatus,
    Sample,
    StatusDocument,
    Trouble,
    render,
)

LOG = "/var/log/stats"
FINE = LineCounts(lines=100, records=90, malformed={"empty": 1})
PATTERN = PatternStatus(pattern="/var/log/stats*", files=1)
SOUND = StatusDocument(patterns=(PATTERN,), logs=(LogStatus(path=LOG, counted=FINE, latest=FINE),))
LEDGER = Ledger("c1", "mail1", lines=100, records=99, malformed={"empty": 1})


def findings(document: StatusDocument | None, ledger: Ledger = LEDGER) -> list[Finding]:
    status = b"" if document is None else render(document).encode()
    found = replace(ledger, status=status)
    return list(check_host_logs(Books(ledgers=(found,), owners={"mail1": "c1"})))


def counted(lines: int, malformed: int, latest: tuple[int, int] | None = None) -> StatusDocument:
    latest = latest or (lines, malformed)
    log = LogStatus(
        path=LOG,
        counted=LineCounts(lines=lines, malformed={"bad-date": malformed}),
        latest=LineCounts(lines=latest[0], malformed={"bad-date": latest[1]}),
    )
    return SOUND.model_copy(update={"logs": (log,)})


@pytest.mark.parametrize(
    "document",
    [None, SOUND, StatusDocument(), counted(100, 5), counted(40, 30), counted(0, 0)],
    ids=["none yet", "sound", "idle", "few malformed", "too few lines", "no lines"],
)
def test_there_is_no_alarm_without_cause(document: StatusDocument | None) -> None:
    assert {finding.level for finding in findings(document)} <= {Level.OK}


def test_a_log_that_cannot_be_read_is_named_with_what_to_do() -> None:
    trouble = Trouble(kind="unreadable", path=LOG, sentence=f"{LOG} cannot be read: no. Let it.")
    (finding,) = findings(SOUND.model_copy(update={"troubles": (trouble,)}))
    assert (finding.check, finding.level) == ("logs of mail1", Level.FAILED)
    assert finding.sentence == trouble.sentence


def test_a_glob_that_matches_nothing_is_warned_of() -> None:
    empty = PatternStatus(pattern="/var/log/none*", files=0)
    found = findings(SOUND.model_copy(update={"patterns": (PATTERN, empty)}))
    assert [(f.check, f.level) for f in found if f.level is not Level.OK] == [
        ("globs of mail1", Level.WARNING)
    ]
    assert "No file matches /var/log/none*." in found[1].sentence


@pytest.mark.parametrize(
    ("document", "level"),
    [
        (counted(5, 5), Level.WARNING),
        (counted(500, 500), Level.FAILED),
        (counted(100_000, 900, latest=(1000, 900)), Level.WARNING),
    ],
    ids=["a few lines", "all", "lately"],
)
def test_a_log_that_is_not_understood_is_named(document: StatusDocument, level: Level) -> None:
    sample = Sample(reason="bad-date", path=LOG, line="2026-11-22T12:00 *@*")
    found = findings(document.model_copy(update={"samples": (sample,)}))
    (alarm,) = [finding for finding in found if finding.level is not Level.OK]
    assert (alarm.check, alarm.level) == ("lines of mail1", level)
    assert LOG in alarm.sentence
    assert sample.line in alarm.sentence


def test_a_host_of_which_nothing_was_ever_understood_is_named_without_a_document() -> None:
    ledger = replace(LEDGER, lines=70, records=0, malformed={"bad-date": 70})
    (alarm,) = findings(None, ledger)
    assert (alarm.level, "All of its 70 lines" in alarm.sentence) == (Level.FAILED, True)


def test_a_document_that_cannot_be_read_is_a_warning_and_no_more() -> None:
    ledger = replace(LEDGER, status=b'{"since": "\\u001b"}')
    (alarm,) = check_host_logs(Books(ledgers=(ledger,), owners={"mail1": "c1"}))
    assert (alarm.level, alarm.sentence.isprintable()) == (Level.WARNING, True)


DOUBT = Trouble(
    kind="doubtful", path=LOG, sentence=f"{LOG} was changed.", since=1763805600, until=1763892000
)


def test_a_changed_log_is_warned_of_with_the_time_of_its_lines() -> None:
    found = findings(SOUND.model_copy(update={"troubles": (DOUBT,)}))
    assert [(f.check, f.level) for f in found] == [
        ("logs of mail1", Level.OK),
        ("changes of mail1", Level.WARNING),
    ]
    assert found[1].sentence == (
        f"Lines of 2025-11-22 10:00 to 2025-11-23 10:00 (UTC) are in doubt. {LOG} was changed."
    )


def test_an_unknown_time_of_a_changed_log_is_called_so_and_any_time_is_shown() -> None:
    unknown = DOUBT.model_copy(update={"since": 0, "until": 2**53 - 1})
    found = findings(SOUND.model_copy(update={"troubles": (unknown,)}))
    assert "Lines of an unknown day to " in found[1].sentence


def test_an_unexpected_rotated_log_is_warned_of_with_the_day_when_it_was_found() -> None:
    appeared = DOUBT.model_copy(update={"kind": "unexpected", "since": 0})
    found = findings(SOUND.model_copy(update={"troubles": (appeared,)}))
    assert found[1].level is Level.WARNING
    assert found[1].sentence == f"2025-11-23 10:00: {LOG} was changed."
