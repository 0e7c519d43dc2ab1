"""What is remembered of qmail's messages: bounded, address-poor, and readable only as a whole."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.formats import Setting
from mailtally_collector.formats.maillog.format import MaillogFormat
from mailtally_shared.errors import Refused
from tests.support.logs import BEGIN, DAY
from tools.samples.maillogs import label_of, play

HOST = "mail.example.com"
FORMAT = MaillogFormat(Setting(HOST))


def lines(*texts: str, at: int = BEGIN) -> bytes:
    return b"".join(f"{label_of(at * 1_000_000)} {text}\n".encode() for text in texts)


def message(number: int, sender: str = "a@example.com") -> str:
    return f"info msg {number}: bytes 100 from <{sender}> qp 1 uid 2"


def start(delivery: int, number: int, recipient: str = "b@example.org") -> str:
    return f"starting delivery {delivery}: msg {number} to remote {recipient}"


def reasons(texts: bytes, state: bytes, setting: Setting) -> list[str]:
    return MaillogFormat(setting).parse(texts, state)[0].rejects.labels()


def test_a_message_is_forgotten_when_nothing_was_heard_of_it_for_too_long() -> None:
    setting = Setting(HOST, max_age=DAY)
    parser = MaillogFormat(setting)
    _, state = parser.parse(lines(message(1), start(1, 1)))
    in_time = lines("delivery 1: success: ok/", at=BEGIN + DAY)
    too_late = lines("delivery 1: success: ok/", at=BEGIN + DAY + 1)
    assert reasons(in_time, state, setting) == []
    assert reasons(too_late, state, setting) == ["unknown-delivery"]
    parsed, left = parser.parse(lines("status: x", "end msg 9", at=BEGIN + DAY + 1), state)
    assert (parsed.forgotten, left) == ({"age": 1}, b"")


def test_age_does_not_depend_on_where_chunks_end() -> None:
    log = [lines(message(1), start(1, 1)), lines("delivery 1: success: ok/", at=BEGIN + 15 * DAY)]
    apart = reasons(log[1], FORMAT.parse(log[0])[1], Setting(HOST))
    assert apart == reasons(b"".join(log), b"", Setting(HOST)) == ["unknown-delivery"]


def test_one_wrong_clock_makes_no_other_message_old() -> None:
    _, state = FORMAT.parse(lines(message(1), start(1, 1)))
    wrong = lines("end msg 5", at=BEGIN + 10**9) + lines("end msg 6")
    parsed, state = FORMAT.parse(wrong, state)
    assert not parsed.forgotten
    assert reasons(lines("delivery 1: success: ok/"), state, Setting(HOST)) == []


def test_of_too_many_those_heard_of_last_stay() -> None:
    parser = MaillogFormat(Setting(HOST, max_entries=30))
    texts = [lines(message(n), start(n, n), at=BEGIN + n) for n in range(50)]
    parsed, state = parser.parse(b"".join(texts))
    assert parsed.forgotten == {"number": 40}
    ends = lines(*(f"delivery {n}: success: ok/" for n in range(50)), at=BEGIN + 50)
    assert parser.parse(ends, state)[0].rejects.labels() == ["unknown-delivery"] * 40


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(1, 60))
def test_the_state_never_outgrows_its_bound(seed: int, most: int) -> None:
    parser, state = MaillogFormat(Setting(HOST, max_entries=most)), b""
    for line in play(15, start=BEGIN, seed=seed).multilog():
        state = parser.parse(line, state)[1]
        assert len(state) <= 40 + most * (40 + 60)


def test_nothing_is_remembered_of_messages_that_ended() -> None:
    texts = (message(1), start(1, 1), "delivery 1: deferral: later/", start(2, 1), "end msg 1")
    assert FORMAT.parse(lines(*texts))[1] == b""


def test_of_a_message_between_deliveries_only_its_domain_is_kept() -> None:
    _, state = FORMAT.parse(
        lines(message(1, "secret@example.com"), start(1, 1, "hidden@far.example"))
    )
    assert (b"secret" in state, b"hidden" in state) == (False, True)
    _, state = FORMAT.parse(lines("delivery 1: success: ok/"), state)
    assert (b"example.com" in state, b"hidden" in state) == (True, False)


def test_a_reused_number_has_no_part_in_what_it_was_before() -> None:
    """Its end was lost: neither the deliveries nor the deferrals are those of the new message."""
    first = (message(1), start(1, 1), "delivery 1: deferral: later/", start(2, 1))
    again = (message(1, "z@example.net"), "delivery 2: success: ok/", start(3, 1))
    parsed, _ = FORMAT.parse(lines(*first, *again, "delivery 3: success: ok/"))
    assert parsed.rejects.labels() == ["unknown-delivery"]
    assert (parsed.columns.domains, parsed.columns.attempts.tolist()) == (("example.net",), [1])


def test_the_same_number_on_two_hosts_is_two_messages() -> None:
    def said(host: str, text: str) -> bytes:
        return f"Sep 14 09:58:09 {host} qmail: 1063526289.292776 {text}\n".encode()

    texts = (message(1), start(1, 1), "delivery 1: success: ok/")
    chunk = b"".join(said(host, text) for text in texts for host in ("m1", "m2"))
    parsed, _ = FORMAT.parse(chunk)
    assert [parsed.columns.hosts[host] for host in parsed.columns.host] == ["m1", "m2"]
    state = b""
    for line in chunk.splitlines(keepends=True):
        parsed, state = FORMAT.parse(line, state)
        assert not parsed.rejects.labels()


def state_of_a_run() -> bytes:
    said = play(30, start=BEGIN, seed=4).syslog()
    return FORMAT.parse(b"".join(said[: len(said) // 2]))[1]


STATE = state_of_a_run()


@given(st.integers(0, len(STATE) - 1))
def test_a_state_that_is_cut_short_is_refused(length: int) -> None:
    if length == 0:
        return
    with pytest.raises(Refused, match="cannot be read"):
        FORMAT.parse(lines("end msg 1"), STATE[:length])


@given(st.integers(0, len(STATE) - 1), st.integers(0, 255))
def test_a_damaged_state_is_refused_or_read_but_breaks_nothing(place: int, byte: int) -> None:
    damaged = STATE[:place] + bytes([byte]) + STATE[place + 1 :]
    with suppress(Refused):
        FORMAT.parse(lines("end msg 1", "delivery 1: success: ok/"), damaged)


def test_an_empty_chunk_changes_nothing() -> None:
    parsed, state = FORMAT.parse(b"", STATE)
    assert (parsed.lines, state) == (0, STATE)


def test_a_chunk_has_to_end_with_a_line_feed() -> None:
    with pytest.raises(ValueError, match="line feed"):
        FORMAT.parse(b"@4000000038c3eeb027f6b0a4 end msg 1")
