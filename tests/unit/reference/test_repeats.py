"""FORMATS 2: lines that happened more than once, and lines that are gone."""

from __future__ import annotations

import pytest

from tests.unit.reference.reading import at, hear

BODY = b"imap(bob@example.com): Logged out in=29 out=399"
LINE = b"Nov  8 09:01:02 mx dovecot: " + BODY
OTHER = b"Nov  8 09:01:03 relay dovecot: " + BODY.replace(b"bob", b"ann")


@pytest.mark.parametrize(
    "repeat",
    [
        b"Nov  8 09:02:00 mx last message repeated 3 times",
        b"Nov  8 09:02:00 mx syslogd: last message repeated 3 times",
        b"Nov  8 09:02:00 mx kernel: last message repeated 3 times",
        b"Nov  8 09:02:00 mx dovecot: message repeated 3 times: [ " + BODY + b"]",
        b"Nov  8 09:02:00 mx dovecot: message repeated 3 times: [" + BODY + b"]",
    ],
)
def test_the_previous_line_of_that_host_happened_3_times_more(repeat: bytes) -> None:
    heard, reading = hear(LINE, OTHER, repeat)
    assert [line.body for line in heard if line.host == b"mx"] == [BODY] * 4
    # For the day, the stamp of the repeat line.
    assert heard[-1].time == at("2026-11-08 09:02:00")
    assert reading.lines == 3


def test_a_repeat_of_a_repeat() -> None:
    again = b"Nov  8 09:02:00 mx last message repeated 1 time"
    assert len(hear(LINE, again, again)[0]) == 3


def test_a_repeat_of_what_was_not_read_is_malformed() -> None:
    heard, reading = hear(OTHER, b"Nov  8 09:02:00 mx last message repeated 3 times")
    assert len(heard) == 1
    assert reading.rejects == [(1, "unknown-repeat")]


def test_a_number_of_repeats_has_a_limit() -> None:
    heard, reading = hear(LINE, b"Nov  8 09:02:00 mx last message repeated 99999999 times")
    assert len(heard) == 1
    assert reading.rejects == [(1, "bad-repeat")]


def test_an_inner_body_cut_at_800_bytes_is_the_previous_line_in_full() -> None:
    body = b"imap(bob@example.com): " + b"x" * 900 + b" in=29 out=399"
    line = b"Nov  8 09:01:02 mx dovecot: " + body
    repeat = b"Nov  8 09:02:00 mx dovecot: message repeated 2 times: [ " + body[:799] + b"]"
    assert [one.body for one in hear(line, repeat)[0]] == [body] * 3


def test_an_inner_body_is_taken_as_it_stands_without_the_previous_line() -> None:
    repeat = b"Nov  8 09:02:00 mx dovecot: message repeated 2 times: [ " + BODY + b"]"
    assert [one.body for one in hear(OTHER, repeat)[0][1:]] == [BODY] * 2


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        (b"rsyslogd: imuxsock lost 120 messages from pid 4711 due to rate-limiting", 120),
        (b"rsyslogd-2177: imuxsock lost 5 messages from pid 4711 due to rate-limiting", 5),
        (b"systemd-journald[211]: Suppressed 1204 messages from postfix.service", 1204),
        (b"kernel: audit: 17 message(s) dropped", 17),
        (b"postfix/smtpd[1]: lost 120 messages from pid 4711 due to rate-limiting", 0),
    ],
)
def test_lines_lost_by_syslog_are_counted(line: bytes, lost: int) -> None:
    assert hear(b"Nov  8 09:01:02 mx " + line)[1].lost == lost
