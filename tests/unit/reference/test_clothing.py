"""FORMATS 2: each clothing, decided per line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.outcome import Line
from tests.unit.reference.reading import at, hear

if TYPE_CHECKING:
    from tests.reference.settings import Settings

NINE = at("2026-11-08 09:01:02")
BODY = b"4D2F1A0C5E: removed"
POSTFIX = Line(NINE, b"mx.example.com", b"postfix/qmgr", b"123", BODY)

SAME_LINE = {
    "rfc3164": b"Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: " + BODY,
    "rfc3164 zero-padded": b"Nov 08 09:01:02 mx.example.com postfix/qmgr[123]: " + BODY,
    "rfc3164 with PRI": b"<22>Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: " + BODY,
    "rfc3164 with a fraction": b"Nov  8 09:01:02.123456 mx.example.com postfix/qmgr[123]: " + BODY,
    "iso": b"2026-11-08T09:01:02.123456+00:00 mx.example.com postfix/qmgr[123]: " + BODY,
    "iso Z": b"2026-11-08T09:01:02Z mx.example.com postfix/qmgr[123]: " + BODY,
    "iso elsewhere": b"2026-11-08T10:01:02+0100 mx.example.com postfix/qmgr[123]: " + BODY,
    "iso half hours west": b"2026-11-08T05:31:02-03:30 mx.example.com postfix/qmgr[123]: " + BODY,
    "iso with PRI": b"<22>2026-11-08T09:01:02Z mx.example.com postfix/qmgr[123]: " + BODY,
    "short-full": b"Sun 2026-11-08 09:01:02 UTC mx.example.com postfix/qmgr[123]: " + BODY,
    "short-unix": b"1794128462.123456 mx.example.com postfix/qmgr[123]: " + BODY,
    "facility": b"Nov  8 09:01:02 mx.example.com <mail.info> postfix/qmgr[123]: " + BODY,
    "facility before the host": b"Nov  8 09:01:02 <2.6> mx.example.com postfix/qmgr[123]: " + BODY,
    "host in capitals": b"Nov  8 09:01:02 MX.example.com postfix/qmgr[123]: " + BODY,
    "carriage return": b"Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: " + BODY + b"\r",
    "after a hole": b"\0\0Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: " + BODY,
}
FIVE = b"<22>1 2026-11-08T09:01:02.123Z mx.example.com postfix/qmgr 123 - "
SAME_LINE |= {
    "rfc5424": FIVE + b"- " + BODY,
    "rfc5424 two blanks": FIVE + b"-  " + BODY,
    "rfc5424 with a BOM": FIVE + b"- \xef\xbb\xbf" + BODY,
    "rfc5424 with data": FIVE + rb'[sd@1 k="a \] b" m="\""][other x="y"] ' + BODY,
}


def journal(**fields: object) -> bytes:
    usual: dict[str, object] = {
        "MESSAGE": BODY.decode(),
        "SYSLOG_PID": "123",
        "SYSLOG_IDENTIFIER": "postfix/qmgr",
        "_HOSTNAME": "mx.example.com",
        "__REALTIME_TIMESTAMP": "1794128462123456",
    }
    return json.dumps(usual | fields).encode()


def docker(text: str, stream: str = "stdout") -> bytes:
    time = "2026-11-08T09:01:02.123456789Z"
    return json.dumps({"log": text, "stream": stream, "time": time}).encode()


SAME_LINE |= {
    "journal": journal(),
    "journal bytes": journal(MESSAGE=list(BODY)),
    "journal field set twice": journal(SYSLOG_IDENTIFIER=["postfix/qmgr", "x"]),
    "docker": docker("Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: 4D2F1A0C5E: removed\n"),
    "cri": b"2026-11-08T09:05:00.1Z stdout F Nov  8 09:01:02 mx.example.com postfix/qmgr[123]: "
    + BODY,
}


@pytest.mark.parametrize("line", SAME_LINE.values(), ids=SAME_LINE)
def test_one_line_in_each_clothing(line: bytes) -> None:
    heard, reading = hear(line)
    assert heard == [POSTFIX]
    assert reading.rejects == []


def test_one_file_may_change_clothes_in_the_middle() -> None:
    heard, _ = hear(*SAME_LINE.values())
    assert heard == [POSTFIX] * len(SAME_LINE)


def test_fraction_of_0_to_9_digits() -> None:
    lines = [
        b"2026-11-08T09:01:02." + b"9" * digits + b"Z mx.example.com postfix/qmgr[123]: " + BODY
        for digits in range(10)
    ]
    assert hear(*lines)[0] == [POSTFIX] * 10


def test_rsyslog_cuts_app_name_at_the_first_slash() -> None:
    line = b"<22>1 2026-11-08T09:01:02.123Z mx.example.com postfix 123 - -  " + BODY
    assert hear(line)[0] == [Line(NINE, b"mx.example.com", b"postfix", b"123", BODY)]


def test_absent_fields_of_rfc5424() -> None:
    line = b"<22>1 2026-11-08T09:01:02.123Z - - - - - hello"
    assert hear(line)[0] == [Line(NINE, b"mail.example.com", b"", b"", b"hello")]


def test_a_stamp_absent_in_rfc5424_is_malformed() -> None:
    assert hear(b"<22>1 - mx.example.com postfix 123 - - hello")[1].rejects == [
        (0, "bad-timestamp")
    ]


def test_zone_names_other_than_utc_are_refused_unless_the_log_zones(berlin: Settings) -> None:
    line = b"Sun 2026-11-08 10:01:02 CET mx.example.com postfix/qmgr[123]: " + BODY
    assert hear(line)[1].rejects == [(0, "bad-timestamp")]
    assert hear(line, settings=berlin)[0] == [POSTFIX]


@pytest.mark.parametrize(
    ("tag", "program", "pid", "body"),
    [
        (b"imapd: LOGOUT, user=a", b"imapd", b"", b"LOGOUT, user=a"),
        (b"postfix/10025/smtpd[9]: x", b"postfix/10025/smtpd", b"9", b"x"),
        (b"a-b.c_d@e[not-a-number]:  x", b"a-b.c_d@e", b"not-a-number", b" x"),
        (b"exim4[7]:x", b"exim4", b"7", b"x"),
        (b"last message repeated", b"", b"", b"last message repeated"),
    ],
)
def test_a_tag_is_up_to_the_first_bracket_or_colon(
    tag: bytes, program: bytes, pid: bytes, body: bytes
) -> None:
    heard, _ = hear(b"Nov  8 09:01:02 mx.example.com " + tag)
    assert heard == [Line(NINE, b"mx.example.com", program, pid, body)]


def test_a_host_is_up_to_255_printable_characters() -> None:
    for host in (b"src@mail1/relay1", b"fe80::1%eth0", b"h" * 255):
        assert hear(b"Nov  8 09:01:02 " + host + b" a: b")[0][0].host == host
    for host in (b"h" * 256, b"h\xc3\xa9"):
        assert hear(b"Nov  8 09:01:02 " + host + b" a: b")[1].rejects == [(0, "bad-host")]


def test_continuations_are_passed() -> None:
    lines = [b"\tat java.lang", b"  more", b"no clothes at all", b"", b"{ a body"]
    heard, reading = hear(*lines)
    assert heard == []
    assert (reading.lines, reading.passed) == (5, 5)


@pytest.mark.parametrize(
    "line",
    [
        b"Nov 31 09:01:02 mx.example.com a: b",
        b"Nov  8 24:01:02 mx.example.com a: b",
        b"2026-02-29T09:01:02Z mx.example.com a: b",
        b"2026-11-08T09:01:02+01:60 mx.example.com a: b",
        b"1969-12-31T23:59:59Z mx.example.com a: b",
        b"@0000000000000000000000ff info msg",
    ],
)
def test_a_stamp_of_no_calendar_is_malformed(line: bytes) -> None:
    assert hear(line)[1].rejects == [(0, "bad-timestamp")]


def test_a_message_of_the_journal_that_was_cut_is_malformed_never_passed() -> None:
    assert hear(journal(MESSAGE=None))[1].rejects == [(0, "message-cut")]


def test_the_journal_without_an_identifier_has_the_command() -> None:
    assert hear(journal(SYSLOG_IDENTIFIER=None, _COMM="exim4"))[0][0].program == b"exim4"


def test_a_message_of_the_journal_keeps_its_bytes() -> None:
    assert hear(journal(MESSAGE=[255, 65]))[0][0].body == b"\xffA"


def test_docker_without_a_stamp_inside_has_its_own_and_the_collectors_host() -> None:
    heard, _ = hear(docker("postfix/qmgr[123]: 4D2F1A0C5E: removed\r\n"))
    assert heard == [Line(NINE, b"mail.example.com", b"postfix/qmgr", b"123", BODY)]


def test_docker_cuts_lines_which_go_on_in_their_stream() -> None:
    heard, reading = hear(
        docker("postfix/qmgr[123]: 4D2F1A"),
        docker("postfix/qmgr[124]: 4D2F1A0C5E: removed\n", "stderr"),
        docker("0C5E: removed\n"),
    )
    assert [(line.pid, line.body) for line in heard] == [(b"124", BODY), (b"123", BODY)]
    assert reading.passed == 3


def test_cri_goes_on_after_p() -> None:
    heard, _ = hear(
        b"2026-11-08T09:01:02.123456789Z stdout P postfix/qmgr[123]: 4D2F1A",
        b"2026-11-08T09:01:02.123456789Z stdout F 0C5E: removed",
    )
    assert [line.body for line in heard] == [BODY]


def test_a_line_put_together_has_a_limit() -> None:
    pieces = [docker("a" * 16_384)] * 5
    assert hear(*pieces, docker("\n"))[1].rejects == [(5, "too-long")]


@pytest.mark.parametrize(
    ("stamp", "rest"),
    [
        (b"@40000000690f0a5800000000 ", b"new msg 1"),
        (b"2026-11-08 09:01:02.123456789 ", b"new msg 1"),
        (b"2026-11-08 09:01:02 ", b"1vHd3O-0000000Abcd-0001 Completed"),
        (b"2026-11-08 10:01:02.123 +0100 ", b"[77] 1vHd3O-0000000Abcd-0001 Completed"),
    ],
)
def test_none_the_line_has_a_stamp_and_no_host(stamp: bytes, rest: bytes) -> None:
    heard, _ = hear(stamp + rest)
    assert [(line.host, line.program, line.body) for line in heard] == [
        (b"mail.example.com", b"", rest)
    ]


def test_tai64n_is_ten_seconds_ahead_of_unix() -> None:
    label = b"@%x00000000 new msg 1" % (2**62 + 10 + NINE)
    assert hear(label)[0][0].time == NINE


@pytest.mark.parametrize(
    "stamp", [b"Nov 08 09:01:02 ", b"2026-11-08T09:01:02Z ", b"2026-11-08 09:01:02.123456 "]
)
def test_hazard_5_3_10_dovecots_own_stamp_looks_like_iso_clothing(stamp: bytes) -> None:
    body = b"imap(bob@example.com)<1><s>: Info: Disconnected: Logged out in=1 out=2"
    heard, _ = hear(stamp + body)
    assert heard == [Line(NINE, b"mail.example.com", b"dovecot", b"", body)]


@given(st.binary(max_size=200))
def test_any_bytes_are_counted_once(noise: bytes) -> None:
    _, reading = hear(noise)
    assert reading.lines == reading.passed + reading.malformed == 1
