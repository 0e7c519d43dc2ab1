"""FORMATS 15: one log has the lines of several programs; and whatever is in it, it adds up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.log import read_log
from tests.reference.programs import all_programs
from tests.reference.settings import Settings
from tests.unit.reference import test_courier as courier
from tests.unit.reference import test_opensmtpd as opensmtpd
from tests.unit.reference import test_sendmail as sendmail
from tests.unit.reference.postfix_lines import ARRIVED, SUBMITTED, line, of, removed
from tests.unit.reference.reading import shorts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference.outcome import Reading

DEFAULTS = Settings(host=b"mx")
DEFERRED = of("smtp", "to=<x@example.net>", "none", status="deferred", said="connect to x: no")
MAIL_LOG = [
    *(ARRIVED + of("lmtp", "to=<bob@example.com>", "mx[private/lmtp]")).splitlines(),
    "Nov  8 09:01:02 mx dovecot: imap(bob@example.com)<8><E>: Logged out in=29 out=399",
    *(SUBMITTED + DEFERRED).splitlines(),
    "Nov  8 09:01:02 mx dovecot: message repeated 2 times: [ imap(a@b.example): x in=1 out=2]",
    *of("smtp", "to=<x@example.net>", "mx.example.net[192.0.2.25]:25").splitlines(),
    *removed("4D2F1A0C5E").splitlines(),
    "Nov  8 09:01:02 mx exim[7]: 1vHd3O-000Abc-5T <= a@sender.example H=x [192.0.2.1] P=smtp S=77",
    "Nov  8 09:01:02 mx exim[7]: 1vHd3O-000Abc-5T => bob@example.com R=v T=mail_spool",
    f"Nov  8 09:01:02 mx imapd: LOGOUT, {courier.WHO}, rcvd=45, sent=323",
    f"Nov  8 09:01:02 mx sm-mta[9]: {sendmail.arrived()}",
    f"Nov  8 09:01:02 mx sm-mta[9]: {sendmail.to('<x@example.net>')}",
    *(f"Nov  8 09:01:02 mx smtpd[9]: {body}" for body in (*opensmtpd.RECEIVED, opensmtpd.mda())),
    "Nov  8 09:01:02 mx CRON[9]: pam_unix(cron:session): session opened for user root",
]


def read_all(lines: list[bytes]) -> Reading:
    return read_log(DEFAULTS, lines, all_programs(DEFAULTS))


def iso(line: str) -> str:
    return line.replace("Nov  8 09:01:02", "2026-11-08T09:01:02.123456+00:00")


def five(line: str) -> str:
    """Return a line as rsyslog writes RFC 5424: the program's name cut at its slash."""
    found = re.fullmatch(r"Nov  8 09:01:02 mx ([^/\[:]+)[^\[: ]*(?:\[(\d+)\])?: (.*)", line)
    assert found is not None
    return f"<22>1 2026-11-08T09:01:02.1Z mx {found[1]} {found[2] or '-'} - -  {found[3]}"


def journal(line: str) -> str:
    found = re.fullmatch(r"Nov  8 09:01:02 mx ([^\[: ]+)(?:\[(\d+)\])?: (.*)", line)
    assert found is not None
    fields = {"SYSLOG_IDENTIFIER": found[1], "SYSLOG_PID": found[2] or "", "MESSAGE": found[3]}
    return json.dumps(fields | {"__REALTIME_TIMESTAMP": "1794128462123456", "_HOSTNAME": "mx"})


def docker(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": "2026-11-09T00:00:00Z"})


def cri(line: str) -> str:
    return f"2026-11-09T00:00:00.1Z stderr F {line}"


def test_postfix_and_dovecot_and_the_others_in_one_log() -> None:
    reading = read_all([line.encode() for line in MAIL_LOG])
    assert [(service, domain, size) for service, domain, size, *_ in shorts(reading)] == [
        ("smtp-in", "example.com", 1200),
        ("imap", "example.com", 428),
        ("imap", "b.example", 3),
        ("imap", "b.example", 3),
        ("smtp-out", "sender.example", 1200),
        ("smtp-in", "example.com", 77),
        ("imap", "example.com", 368),
        ("smtp-out", "sender.example", 1140),
        ("smtp-in", "example.com", 1200),
    ]
    assert (reading.ended, reading.lines) == (8, len(MAIL_LOG))


@pytest.mark.parametrize("dress", [iso, five, journal, docker, cri])
def test_the_same_records_in_each_clothing(dress: Callable[[str], str]) -> None:
    plain = read_all([line.encode() for line in MAIL_LOG])
    dressed = read_all([dress(line).encode() for line in MAIL_LOG])
    assert dressed == plain


def test_a_hop_from_one_program_to_another_on_one_machine() -> None:
    onward = of(
        "smtp",
        "to=<bob@example.com>",
        "mx[192.0.2.3]:26",
        said="250 OK id=1vHd3O-000Abc-5T",
    )
    exim = (
        "Nov  8 09:01:02 mx exim[7]: 1vHd3O-000Abc-5T {}\n".format(
            "<= a@sender.example H=mx [192.0.2.3] P=esmtp S=77"
        )
        + "Nov  8 09:01:02 mx exim[7]: 1vHd3O-000Abc-5T => bob@example.com R=v T=mail_spool\n"
    )
    first, rest = exim.splitlines()
    lines = [*ARRIVED.splitlines(), first, *onward.splitlines(), rest]
    assert [record.size for record in read_all([line.encode() for line in lines]).records] == [77]


FRAGMENTS = sorted({part for line in MAIL_LOG for part in re.split(r"(?<=[ ,=<>\[\]])", line)})
hostile = st.lists(st.sampled_from([*FRAGMENTS, "<", ">", '"', "\\", "9" * 5000]), max_size=30)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(MAIL_LOG), hostile.map("".join)), max_size=30))
def test_whatever_is_in_a_log_it_adds_up(lines: list[str]) -> None:
    reading = read_all([line.encode() for line in lines])
    assert reading.lines == len(lines) == reading.ended + reading.passed + reading.malformed


@settings(max_examples=60)
@given(st.sampled_from(MAIL_LOG), st.data())
def test_a_line_cut_anywhere_is_taken_or_refused(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    extra = data.draw(st.sampled_from(["", "9" * 5000, '"', ">", "\xff"]))
    whole = [line.encode() for line in MAIL_LOG]
    reading = read_all([*whole, (text[:cut] + extra + text[cut:]).encode(), text[:cut].encode()])
    assert reading.lines == reading.ended + reading.passed + reading.malformed


def test_19_1_to_5_one_filtered_message_of_three_recipients_with_retries() -> None:
    """Sum of all naive mistakes at once: 1 size a try, 2 both passages, 4 nrcpt, 5 to=."""
    name = "9F9F9F9F9F"
    again = line("qmgr", f"{name}: from=<a@sender.example>, size=1400, nrcpt=9 (queue active)")
    deferred = of("smtp", "to=<x@example.net>", "none", status="deferred", name=name)
    passed = of(
        "smtp", "to=<bob@example.com>", "127.0.0.1[127.0.0.1]:10024", said=f"queued as {name}"
    )
    text = (
        ARRIVED
        + line("smtpd", f"{name}: client=localhost[127.0.0.1], orig_queue_id=4D2F1A0C5E")
        + again
        + passed * 3
        + of("virtual", "to=<b@isp.example>, orig_to=<i@customer.example>", "virtual", name=name)
        + of("virtual", "to=<c@isp.example>", "virtual", name=name)
        + (deferred + again) * 7
        + of("smtp", "to=<x@example.net>", "mx.example.net[192.0.2.25]:25", name=name)
    )
    assert shorts(read_all([line.encode() for line in text.splitlines()])) == [
        ("smtp-in", "customer.example", 1400, "success", 1),
        ("smtp-in", "isp.example", 1400, "success", 1),
        ("smtp-out", "sender.example", 1400, "success", 8),
    ]
