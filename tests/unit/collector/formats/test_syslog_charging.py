"""FORMATS 2, 5, 6: what ``syslog`` counts of Dovecot and Courier, hazard by hazard."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.formats import Origin, ProgramLines, Setting
from mailtally_collector.formats.syslog.format import SyslogFormat
from tests.servers.framing import rfc3164, rfc5424
from tests.servers.recording import RECORDED
from tests.support.parsed_records import records_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mailtally_collector.formats import Parsed

FORMAT = SyslogFormat(Setting("mail.example.com"))
MODIFIED = Origin(int(datetime(2026, 11, 10, tzinfo=UTC).timestamp()), begins=True)
END = "imap(bob@example.com)<846><Eg>: Disconnected: Logged out in=29 out=399"


def parsed(*lines: str, state: bytes = b"") -> Parsed:
    text = "".join(f"{line}\n" for line in lines)
    return FORMAT.parse(text.encode(), state, MODIFIED)[0]


def said(*bodies: str, program: str = "dovecot") -> Parsed:
    return parsed(*(f"Nov  8 09:01:02 mx {program}: {body}" for body in bodies))


def charged(found: Parsed) -> list[tuple[str, str, int]]:
    assert not len(found.rejects)
    return [(one.service.label, one.domain, one.size) for one in records_of(found)]


@pytest.mark.parametrize(
    "line",
    [
        f"Nov  8 09:01:02 mx dovecot: {END}",
        f"Nov 08 09:01:02 mx dovecot[8]: {END}",
        f"<22>Nov  8 09:01:02 mx dovecot: {END}",
        f"Nov  8 09:01:02.123456 mx dovecot: {END}",
        f"Nov  8 09:01:02 <mail.info> mx dovecot: {END}",
        f"2026-11-08T09:01:02Z mx dovecot: {END}",
        f"2026-11-08T10:01:02.123456+01:00 mx dovecot: {END}",
        f"2026-11-08T10:01:02+0100 mx dovecot: {END}",
        f"2026-11-08T09:01:02 mx dovecot: {END}",
        f"<22>1 2026-11-08T09:01:02.5Z mx dovecot 846 - - {END}",
        f'<22>1 2026-11-08T09:01:02.5Z mx dovecot - ID [a@1 k="]\\""][b]  {END}',
        f"<22>1 2026-11-08T09:01:02.5Z mx dovecot - - - \ufeff{END}",
        f"1794128462.123456 mx dovecot: {END}",
    ],
)
def test_each_framing_says_the_same(line: str) -> None:
    (record,) = records_of(parsed(line))
    assert (record.time, record.host, record.size) == (1_794_128_462, "mx", 428)


@pytest.mark.parametrize(
    "stamp", ["Nov 08 09:01:02 ", "2026-11-08 09:01:02.5 ", "2026-11-08 10:01:02 +0100 "]
)
def test_hazard_5_3_10_dovecots_own_stamps(stamp: str) -> None:
    (record,) = records_of(parsed(f"{stamp}{END.replace(': ', ': Info: ', 1)}"))
    assert (record.time, record.host) == (1_794_128_462, "mail.example.com")


def test_a_line_without_framing_is_passed_and_counted_as_such() -> None:
    found = parsed(
        "\tat java.lang", "", '{"log": "x"}', f"dovecot: {END}", "<999>Nov  8 09:01:02 mx"
    )
    assert found.programs == {"no-framing": ProgramLines(passed=5)}
    assert (found.lines, found.passed) == (0, 5)


def test_lines_are_counted_by_program() -> None:
    found = parsed(
        f"Nov  8 09:01:02 mx dovecot: {END}",
        "Nov  8 09:01:02 mx dovecot: imap-login: Login: user=<bob@example.com>",
        "Nov  8 09:01:02 mx dovecot: imap(a b): Logged out in=1 out=2",
        "Nov  8 09:01:02 mx imapd: LOGIN, user=bob@example.com, ip=[::1]",
        "Nov  8 09:01:02 mx postfix/smtpd[1]: connect from x",
    )
    assert found.programs == {
        "dovecot": ProgramLines(counted=1, passed=1, malformed=1),
        "courier": ProgramLines(passed=1),
        "other": ProgramLines(passed=1),
    }
    assert found.rejects.labels() == ["bad-domain"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Nov 31 09:01:02 mx dovecot: x", "bad-timestamp"),
        ("Nov  8 24:01:02 mx dovecot: x", "bad-timestamp"),
        ("2026-02-29T09:01:02Z mx dovecot: x", "bad-timestamp"),
        ("2026-11-08T09:01:02+24:00 mx dovecot: x", "bad-timestamp"),
        ("<22>1 yesterday mx dovecot - - - x", "bad-timestamp"),
        ("Nov  8 09:01:02 m\xe4 dovecot: x", "bad-host"),
        (f"Nov  8 09:01:02 relay/mx dovecot: {END}", "bad-host"),
        ("Nov  8 09:01:02 mx last message repeated 3 times", "unknown-repeat"),
        (f"Nov  8 09:01:02 mx dovecot: message repeated 100001 times: [{END}]", "bad-repeat"),
        ("Nov  8 09:01:02 mx dovecot: imap(): Logged out in=1 out=2", "bad-domain"),
        ("Nov  8 09:01:02 mx dovecot: imap(b@x): Out in=9007199254740991 out=1", "bad-bytes"),
    ],
)
def test_what_is_malformed(line: str, reason: str) -> None:
    assert parsed(line).rejects.labels() == [reason]


def test_other_programs_lines_of_a_host_that_no_record_may_name_are_passed() -> None:
    assert parsed("Nov  8 09:01:02 relay/mx postfix/smtpd[1]: x").passed == 1


@pytest.mark.parametrize(
    "body",
    [
        "imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.7",
        "imap-login: proxy(bob@example.com): Disconnected by server (9s idle, in=29, out=399)",
        "pop3-login: Aborted login in=1 out=2",
        "doveadm(bob@example.com): x in=1 out=2",
        "imap-urlauth(bob@example.com)<1><Eg>: Logged out in=1 out=2",
        "lmtp(bob@example.com)<1><Eg>: sieve: msgid=<in=1 out=2>: stored mail",
        "managesieve(bob@example.com)<1><Eg>: Disconnected: Logged out bytes=1/2",
        "submission(bob@example.com)<1><Eg>: Disconnected: Logged out in=1 out=2",
        "imap(bob@example.com)<1><Eg>: save: box=INBOX, subject=hello in=1 out=999999999",
        "imap(bob@example.com)<1><Eg>: copy from INBOX: box=Trash, msgid=< in=1 out=2 >",
        "imap(bob@example.com)<1><Eg>: Disconnected: Logged out admin=1 logout=2",
        "imap(b@example.com)<8><Eg>: Fatal: master: service(imap): child 8 killed with signal 9",
    ],
)
def test_what_is_not_charged(body: str) -> None:
    assert charged(said(body)) == []


@pytest.mark.parametrize(
    ("user", "domain"),
    [
        ("bob@example.com", "example.com"),
        ("Bob@EXAMPLE.com.", "example.com"),
        ("a b@example.com", "example.com"),
        ("bob (x): y@example.com", "example.com"),
        ("bob in=1 out=2)<7@example.com", "example.com"),
        ("bob@example.com,192.0.2.7", "example.com"),
        ("bob@b\u00fccher.example", "xn--bcher-kva.example"),
        ("bob", "bob"),
        ("bob@[192.0.2.1]", "mx"),
    ],
)
def test_the_account_may_hold_anything(user: str, domain: str) -> None:
    (record,) = records_of(said(f"imap({user})<846><Eg>: Logged out in=29 out=399"))
    assert record.domain == domain


def test_forged_values_in_quoted_text_do_not_count() -> None:
    body = "imap(b@example.com): Disconnected: FETCH in=7000 out=8000 (in=5 bad) in=29 out=399"
    assert charged(said(body)) == [("imap", "example.com", 428)]


def test_hazard_5_3_2_a_session_that_ends_while_it_hibernates_is_imap() -> None:
    body = "imap-hibernate(bob@example.com)<846><Eg>: Disconnected: Connection closed in=24 out=761"
    assert charged(said(body)) == [("imap", "example.com", 785)]


def test_hazard_5_3_5_identical_lines_are_legitimate_and_repeats_hide_them() -> None:
    found = parsed(
        f"Nov  8 09:01:02 mx dovecot: {END}",
        f"Nov  8 09:01:02 mx dovecot: {END}",
        f"Nov  8 09:01:09 mx dovecot: message repeated 2 times: [ {END}]",
        f"Nov  8 09:01:10 mx2 dovecot: {END}",
        "Nov  8 09:02:00 mx last message repeated 3 times",
        "Nov  8 09:03:00 mx syslogd: last message repeated 1 time",
    )
    assert Counter((one.host, one.time - 1_794_128_400) for one in records_of(found)) == {
        ("mx", 62): 2,
        ("mx", 69): 2,
        ("mx2", 70): 1,
        ("mx", 120): 3,
        ("mx", 180): 1,
    }
    assert found.lines == 9
    assert found.programs == {"dovecot": ProgramLines(counted=6)}


def test_a_repeat_of_another_programs_line_is_passed() -> None:
    found = parsed(
        f"Nov  8 09:01:02 mx dovecot: {END}",
        "Nov  8 09:01:03 mx postfix/smtpd[1]: connect from x",
        "Nov  8 09:02:00 mx last message repeated 3 times",
    )
    assert (len(found.columns), found.passed) == (1, 2)


def test_repeats_add_a_bounded_number_of_records_to_a_chunk() -> None:
    lines = [f"Nov  8 09:01:02 mx dovecot: {END}"]
    lines += ["Nov  8 09:02:00 mx last message repeated 100000 times"] * 12
    found = parsed(*lines)
    assert len(found.columns) <= 1_000_001
    assert set(found.rejects.labels()) == {"bad-repeat"}


def test_pop3_counts_what_was_fetched_and_never_the_mailbox() -> None:
    fetched = "pop3(bob@example.com): Logged out top=1/100, retr=2/3000, del=0/5, size=99999"
    wire = f"{fetched}, in=40, out=3200"
    assert charged(said(fetched, wire)) == [
        ("pop3", "example.com", 3100),
        ("pop3", "example.com", 3240),
    ]


def test_courier() -> None:
    who = "user=bob@example.com, ip=[::ffff:192.0.2.1], port=[40000]"
    found = parsed(
        f"Nov  8 09:01:02 mx imapd: LOGOUT, {who}, headers=9, body=9, rcvd=45, sent=323, time=1",
        f"Nov  8 09:01:02 mx imapd-ssl: DISCONNECTED, {who}, rcvd=1, sent=2, time=1",
        f"Nov  8 09:01:02 mx pop3d: LOGOUT, {who}, top=5, retr=700, time=1",
        f"Nov  8 09:01:02 mx imapd: LOGIN FAILED, {who}",
        "Nov  8 09:01:02 mx imapd: LOGOUT, ip=[::1], rcvd=45, sent=323",
        "Nov  8 09:01:02 mx courierd: newmsg,id=1: dns; x",
    )
    assert charged(found) == [
        ("imap", "example.com", 368),
        ("imap", "example.com", 3),
        ("pop3", "example.com", 705),
    ]
    assert found.programs == {"courier": ProgramLines(counted=3, passed=3)}


def test_session_bytes_out() -> None:
    only_out = SyslogFormat(Setting("mail.example.com", session_bytes="out"))
    found, _ = only_out.parse(f"Nov  8 09:01:02 mx dovecot: {END}\n".encode(), b"", MODIFIED)
    assert charged(found) == [("imap", "example.com", 399)]


def as_is(line: bytes) -> bytes:
    return line


@pytest.mark.parametrize("dress", [as_is, rfc3164, rfc5424])
@pytest.mark.parametrize("log", sorted(RECORDED.glob("dovecot-*.log")), ids=lambda path: path.stem)
def test_recorded_sessions_equal_what_the_clients_counted(
    log: Path, dress: Callable[[bytes], bytes]
) -> None:
    truth = json.loads(log.with_suffix(".json").read_text("utf-8"))["truth"]
    expected = {
        (row["service"], row["domain"]): (row["messages"], row["bytes"])
        for row in truth
        if row["direction"] == "access"
    }
    lines = b"".join(dress(line) + b"\n" for line in log.read_bytes().splitlines())
    found, _ = FORMAT.parse(lines, b"", Origin(1_796_400_000, begins=True))
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for service, domain, size in charged(found):
        messages, total = sums.get((service, domain), (0, 0))
        sums[service, domain] = messages + 1, total + size
    assert sums == expected
