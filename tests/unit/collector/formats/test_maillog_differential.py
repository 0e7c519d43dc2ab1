"""The compiled parser of qmail's log and the plain reference agree, however the log is cut."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.formats import Setting
from mailtally_collector.formats.maillog.format import MaillogFormat
from tests.support import maillog_lines
from tests.support.logs import BEGIN
from tests.support.parsed_records import records_of, rejects_of
from tests.support.reference_maillog import Reference
from tools.samples.maillogs import play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.reference_parser import Record

HOST = "mail.example.com"
FORMAT = MaillogFormat(Setting(HOST))
EXAMPLES = 3 * settings().max_examples


def assert_agree(chunks: Iterable[bytes]) -> None:
    reference, state, passed = Reference(HOST.encode()), b"", 0
    for chunk in chunks:
        parsed, state = FORMAT.parse(chunk, state)
        records, rejects = reference.parse(chunk)
        passed += parsed.passed
        assert records_of(parsed) == records
        assert rejects_of(parsed) == rejects
        assert parsed.lines == len(records) + len(rejects)
    assert passed == reference.passed


@settings(max_examples=EXAMPLES)
@given(maillog_lines.chunks)
def test_one_chunk(lines: list[bytes]) -> None:
    assert_agree([b"".join(lines)])


@settings(max_examples=EXAMPLES)
@given(maillog_lines.chunks)
def test_a_chunk_a_line(lines: list[bytes]) -> None:
    assert_agree(lines)


@given(st.lists(maillog_lines.chunks, min_size=2, max_size=5))
def test_several_chunks(parts: list[list[bytes]]) -> None:
    assert_agree([b"".join(lines) for lines in parts])


@given(st.binary(max_size=300))
def test_any_bytes(noise: bytes) -> None:
    assert_agree([noise + b"\n"])


def test_nuls_in_front_of_lines_are_skipped_and_counted() -> None:
    event = b"@4000000038c3eeb027f6b0a4 new msg 1\n"
    chunk = bytes(7) + event + bytes(70_000) + event + b"\0x\n" + event + b"x\0" + event
    assert_agree([chunk, chunk])
    parsed, _ = FORMAT.parse(chunk)
    assert parsed.nuls == 70_008
    assert parsed.rejects.labels() == ["bad-date", "nul"]


@pytest.mark.parametrize("length", range(0, 130, 3))
def test_every_cut_of_a_good_line(length: int) -> None:
    head = b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.292776 "
    line = head + b"info msg 53: bytes 1234 from <user@example.com> qp 20345 uid 501"
    assert_agree([line[:length] + b"\n", b"@4000000038c3eeb027f6b0a4 "[:length] + b"\n"])


@pytest.mark.parametrize(
    "line",
    [
        b".5 end msg 1",
        b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.3 end msg 1",
        b"Sep 14 09:58:09 mail.example.com qmail: 1063526289",
        b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.",
        b"Sep 14 09:58:09 mail.example.com qmail: 10635262891.2 end msg 1",
        b"Sep 14 09:58:09 mail.example.com qmail: 1063526289 end msg 1",
        b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.2+end msg 1",
        b"Sep 14 09:58:09 other.example.com qmail: 1063526289.2 end msg 1",
    ],
)
def test_a_line_after_one_with_the_same_stamp_or_nearly(line: bytes) -> None:
    info = b"info msg 1: bytes 5 from <> qp 1 uid 2\n"
    before = b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.2 " + info
    start = b"starting delivery 1: msg 1 to remote a@b.example\n"
    stamp = b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.9 "
    end = b"delivery 1: success: ok/\n"
    assert_agree(
        [line + b"\n" + before + line + b"\n" + stamp + start + line + b"\n" + stamp + end]
    )


def told(chunks: Iterable[bytes]) -> list[Record]:
    state, records = b"", []
    for chunk in chunks:
        parsed, state = FORMAT.parse(chunk, state)
        assert not len(parsed.rejects)
        records += records_of(parsed)
    assert state == b"", "the queue is empty in the end"
    return records


def cut(lines: list[bytes], at: list[int]) -> list[bytes]:
    edges = [0, *sorted(at), len(lines)]
    return [b"".join(lines[a:b]) for a, b in itertools.pairwise(edges)]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 500), max_size=6))
def test_both_clothes_of_a_run_cut_anywhere_tell_what_was_delivered(
    seed: int, places: list[int]
) -> None:
    run = play(60, start=BEGIN, seed=seed)
    truth = run.truth
    records = told(cut(run.syslog(), places))
    assert records == told(cut(run.multilog(), places))
    assert [(r.time, r.size, r.attempts, r.service, r.status, r.domain) for r in records] == [
        (time, size, attempts, service, truth.statuses[status], truth.domains[domain])
        for time, size, attempts, service, status, domain in zip(
            truth.time.tolist(),
            truth.size.tolist(),
            truth.attempts.tolist(),
            truth.service.tolist(),
            truth.status.tolist(),
            truth.domain.tolist(),
            strict=True,
        )
    ]
    assert {r.host for r in records} <= {HOST}


def test_a_state_per_line_is_the_same_as_none_at_all() -> None:
    run = play(40, start=BEGIN, seed=3)
    assert told(run.syslog()) == told([b"".join(run.syslog())])
