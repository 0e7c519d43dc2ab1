"""The matcher takes what a pattern describes, and nothing else: as regular expressions do."""

from __future__ import annotations

import re
from ctypes import byref
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_kernel import (
    ANY,
    DIGITS,
    LETTERS,
    Address,
    After,
    Ahead,
    AtEnd,
    Before,
    Bytes,
    Dated,
    Event,
    Field,
    Gives,
    Hex,
    Kept,
    Last,
    Maybe,
    Must,
    Number,
    Offset,
    OneOf,
    Program,
    Rest,
    Set,
    Shared,
    Stamp,
    Structured,
    Text,
    UpTo,
    UpToLast,
    Value,
    Within,
)
from mailtally_kernel.interface import Op, Step
from mailtally_kernel.library import library

BAD = 16
NO_SPACE = ANY.replace(b" ", b"")
END = Gives(Event.LEARN)

#: Postfix: the delivery line of a message, its optional parts skipped.
DELIVERY = Program(
    (
        *(Kept(Field.MESSAGE, Bytes(DIGITS + LETTERS, 6)), Text(b": to=<")),
        *(Kept(Field.RECIPIENT, Address()), Text(b">, ")),
        Maybe(Text(b"orig_to=<"), Address(), Text(b">, ")),
        *(Text(b"relay="), UpTo(b", status="), Text(b", status=")),
        OneOf(
            (Kept(Field.STATUS, Text(b"sent")), Text(b" ("), Gives(Event.FINISH)),
            (Kept(Field.STATUS, Text(b"bounced")), Text(b" ("), Gives(Event.FINISH)),
            (OneOf((Text(b"deferred"),), (Text(b"SOFTBOUNCE"),)), Gives(Event.DEFER)),
        ),
    )
)
#: Dovecot: a session's end; its values follow the last free text.
SESSION = Program(
    (
        *(Text(b"imap("), Kept(Field.SENDER, UpTo(b"): ")), Text(b"): ")),
        *(UpToLast(b" in="), Text(b" in="), Number(Field.SIZE, 2**53)),
        *(Text(b" out="), Number(Field.TIME, 2**53), END),
    )
)


def outcome_of(program: Program, line: bytes) -> int:
    return program.match(line)[0]


@pytest.mark.parametrize(
    ("line", "recipient", "status"),
    [
        (
            b"<a@b.example>, relay=mx[192.0.2.1]:25, delay=1, status=sent (ok)",
            b"a@b.example",
            b"sent",
        ),
        (b'<"a>b, relay=z"@x>, relay=none, status=bounced (no)', b'"a>b, relay=z"@x', b"bounced"),
        (b'<"a\\">b"@x>, relay=none, status=sent (', b'"a\\">b"@x', b"sent"),
        (b"<a>b@x>, relay=none, status=sent (", b"a>b@x", b"sent"),
        (b"<a@x>, orig_to=<root>, relay=local, status=sent (status=bounced)", b"a@x", b"sent"),
    ],
)
def test_a_delivery_of_postfix(line: bytes, recipient: bytes, status: bytes) -> None:
    outcome, _, ranges = DELIVERY.match(b"3F2A91B04C: to=" + line)
    assert outcome == Event.FINISH
    assert ranges[Field.RECIPIENT] == recipient
    assert ranges[Field.STATUS] == status


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"NOQUEUE: reject",
        b'3F2A91B04C: to=<"a@x>, relay=none, status=sent (',
        b"3F2A91B04C: to=<a@x>, relay=none, dsn=2.0.0",
        b"3F2A91B04C: to=<a@x>, relay=none, status=deliverable (",
    ],
)
def test_a_line_of_postfix_that_is_no_delivery_is_passed(line: bytes) -> None:
    assert outcome_of(DELIVERY, line) == Event.PASS


def test_a_deferral_of_postfix() -> None:
    for status in (b"deferred (x)", b"SOFTBOUNCE (x)"):
        line = b"3F2A91B04C: to=<a@x>, relay=none, status=" + status
        assert outcome_of(DELIVERY, line) == Event.DEFER


def test_a_session_of_dovecot_is_read_from_its_last_values() -> None:
    line = b"imap(bob in=1@x): Closed in=7 out=8 (x in=29) in=2 out=399 deleted=0"
    outcome, numbers, ranges = SESSION.match(line)
    assert outcome == Event.LEARN
    assert ranges[Field.SENDER] == b"bob in=1@x"
    assert (numbers[Field.SIZE], numbers[Field.TIME]) == (2, 399)
    assert outcome_of(SESSION, b"imap(b): Closed in= out=3") == Event.PASS


@settings(deadline=None)
@given(st.text("ab1", max_size=8).map(str.encode), st.integers(0, 3), st.integers(0, 3))
def test_bytes_of_a_set_as_many_as_there_are(line: bytes, least: int, more: int) -> None:
    program = Program((Bytes(b"ab", least, least + more), AtEnd(), END))
    expected = re.fullmatch(b"[ab]{%d,%d}" % (least, least + more), line)
    assert (outcome_of(program, line) == Event.LEARN) == bool(expected)


@settings(deadline=None)
@given(st.text("019x", max_size=6).map(str.encode), st.integers(0, 2000))
def test_numbers_up_to_the_largest(line: bytes, most: int) -> None:
    outcome, numbers, _ = Program((Number(Field.SIZE, most), Text(b"x"), END)).match(line)
    found = re.match(b"([0-9]+)x", line)
    expected = found is not None and int(found[1]) <= most
    assert (outcome == Event.LEARN) == expected
    assert not expected or (found and numbers[Field.SIZE] == int(found[1]))


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**58))
def test_hexadecimal_numbers_from_the_bias_on(value: int, bias: int, most: int) -> None:
    program = Program((Hex(Field.TIME, 16, most, bias), END))
    outcome, numbers, _ = program.match(b"%016x" % value)
    assert (outcome == Event.LEARN) == (0 <= value - bias <= most)
    assert outcome != Event.LEARN or numbers[Field.TIME] == value - bias


@settings(deadline=None)
@given(st.text("a> q", max_size=12).map(str.encode))
def test_up_to_a_text_through_a_set(line: bytes) -> None:
    program = Program((Kept(Field.SENDER, UpTo(b"> q", of=NO_SPACE)), Text(b"> q"), END))
    outcome, _, ranges = program.match(line)
    found = re.match(rb"([^ ]*?)> q", line)
    assert (outcome == Event.LEARN) == bool(found)
    assert not found or ranges[Field.SENDER] == found[1]


@settings(deadline=None)
@given(st.text("ab=", max_size=12).map(str.encode))
def test_up_to_the_last_of_a_text(line: bytes) -> None:
    program = Program(
        (Kept(Field.SENDER, UpToLast(b"a=")), Text(b"a="), Kept(Field.STATUS, Rest()), END)
    )
    outcome, _, ranges = program.match(line)
    assert (outcome == Event.LEARN) == (b"a=" in line)
    if b"a=" in line:
        head, _, tail = line.rpartition(b"a=")
        assert (ranges[Field.SENDER], ranges[Field.STATUS]) == (head, tail)


@settings(deadline=None)
@given(st.text("ab", max_size=6).map(str.encode))
def test_alternatives_that_fail_late_begin_again_within_each_other(line: bytes) -> None:
    inner = OneOf((Text(b"a"), Text(b"b"), Text(b"a")), (Text(b"a"), Text(b"b")))
    program = Program(
        (OneOf((inner, Text(b"bb")), (Text(b"ab"), Maybe(Text(b"a"), Text(b"a")))), AtEnd(), END)
    )
    # What was taken is not given back: `aba` hides `ab`.
    taken = {b"ababb", b"abbb", b"ab", b"abaa"}
    assert (outcome_of(program, line) == Event.LEARN) == (line in taken)


@settings(deadline=None)
@given(st.text("01x", max_size=5).map(str.encode))
def test_what_must_be_is_malformed_if_it_is_not(line: bytes) -> None:
    program = Program(
        (
            Text(b"0"),
            Must(BAD, Kept(Field.SIZE, Bytes(DIGITS))),
            Must(BAD + 1, Value(Field.SIZE, 10)),
            Set(Field.WAY, 3),
            END,
        )
    )
    outcome, numbers, _ = program.match(line)
    found = re.match(rb"0([01]+)", line)
    if not line.startswith(b"0"):
        assert outcome == Event.PASS
    elif not found:
        assert outcome == -BAD
    elif int(found[1]) > 10:
        assert outcome == -BAD - 1
    else:
        assert (outcome, numbers[Field.WAY], numbers[Field.SIZE]) == (Event.LEARN, 3, int(found[1]))


@settings(deadline=None)
@given(st.text("a)<1> ", max_size=16).map(str.encode))
def test_the_first_place_at_which_forms_fit(line: bytes) -> None:
    program = Program(
        (Before(Field.SENDER, b")<", Text(b")<"), Bytes(DIGITS), Text(b">")), AtEnd(), END)
    )
    outcome, _, ranges = program.match(line)
    found = re.match(rb"(.*?)\)<[0-9]+>", line)
    assert (outcome == Event.LEARN) == bool(found and found.end() == len(line))
    assert outcome != Event.LEARN or (found and ranges[Field.SENDER] == found[1])


@settings(deadline=None)
@given(st.text("in=1 (", max_size=16).map(str.encode))
def test_the_last_place_at_which_forms_fit(line: bytes) -> None:
    value = Kept(Field.SIZE, Bytes(DIGITS))
    program = Program((Text(b"i"), Last(b"in=", After(b" ("), Text(b"in="), value), END))
    outcome, _, ranges = program.match(line)
    found = [*re.finditer(rb"(?<=[ (])in=([0-9]+)", line)] if line.startswith(b"i") else []
    assert (outcome == Event.LEARN) == bool(found)
    assert not found or ranges[Field.SIZE] == found[-1][1]


@settings(deadline=None)
@given(st.text("ab,", max_size=10).map(str.encode))
def test_within_a_range_the_line_ends_with_it_and_goes_on_after_it(line: bytes) -> None:
    within = Within(Field.SENDER, OneOf((Text(b"ab"), AtEnd()), (Text(b"b"), Text(b"a"), AtEnd())))
    program = Program(
        (
            *(Kept(Field.SENDER, UpTo(b",")), OneOf((within,), (Ahead(Text(b",b")),))),
            *(Text(b","), Kept(Field.STATUS, Rest()), END),
        )
    )
    outcome, _, ranges = program.match(line)
    head, comma, tail = line.partition(b",")
    fits = comma and (head in {b"ab", b"ba"} or tail.startswith(b"b"))
    assert (outcome == Event.LEARN) == bool(fits)
    assert not fits or ranges[Field.STATUS] == tail


@settings(deadline=None)
@given(st.text('[]a "\\-', max_size=10).map(str.encode))
def test_structured_data(line: bytes) -> None:
    element = rb'\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\]'
    program = Program((Structured(), AtEnd(), END))
    expected = re.fullmatch(rb"-|(?:%b)+" % element, line, re.DOTALL)
    assert (outcome_of(program, line) == Event.LEARN) == bool(expected)


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - a clock's face
    st.sampled_from([b"Z", b"+01:30", b"-1145", b"+00:60", b"+24:00", b""]),
)
def test_stamps_with_their_year(at: datetime, offset: bytes) -> None:
    form = (Stamp(b"T"), Kept(Field.INNER, Rest()), Offset(Field.INNER), Dated(), END)
    outcome, numbers, _ = Program(form).match(f"{at:%Y-%m-%dT%H:%M:%S}".encode() + offset)
    if offset in {b"+00:60", b"+24:00"}:
        assert outcome == Event.PASS
    else:
        zone = {b"+01:30": 90, b"-1145": -705}.get(offset, 0)
        expected = at.replace(tzinfo=UTC, microsecond=0) - timedelta(minutes=zone)
        assert (outcome, numbers[Field.TIME]) == (Event.LEARN, int(expected.timestamp()))


@pytest.mark.parametrize(
    "stamp",
    [
        *(b"2026-02-29T00:00:00", b"2026-13-01T00:00:00", b"2026-00-01T00:00:00"),
        *(b"2026-04-31T00:00:00", b"2026-04-00T00:00:00", b"2026-04-01T24:00:00"),
        *(b"2026-04-01T00:60:00", b"2026-04-01T00:00:60", b"0000-01-01T00:00:00"),
    ],
)
def test_stamps_that_no_calendar_has(stamp: bytes) -> None:
    assert outcome_of(Program((Stamp(b"T"), Dated(), END)), stamp) == Event.PASS


def test_a_retry_that_might_not_end_is_refused() -> None:
    search = Last(b"a", Text(b"a"), Text(b"b"))
    program = Program((search, END))
    steps = (Step * program.table.count).from_address(program.table.steps)
    (retry,) = (step for step in steps if step.op == Op.RETRY)
    assert library().mt_is_sound(byref(program.table))
    for field, otherwise in ((retry.field + 1, retry.otherwise), (retry.field, 0), (0, 0)):
        before = retry.field, retry.otherwise
        retry.field, retry.otherwise = field, otherwise
        assert not library().mt_is_sound(byref(program.table))
        retry.field, retry.otherwise = before
    found = steps[retry.otherwise]
    failed, found.otherwise = found.otherwise, retry.otherwise + 1  # to before the retry
    assert not library().mt_is_sound(byref(program.table))
    found.otherwise = failed
    assert library().mt_is_sound(byref(program.table))
    steps[retry.otherwise + 1].field = retry.field
    assert not library().mt_is_sound(byref(program.table))


def test_retries_that_cross_are_refused() -> None:
    program = Program((Last(b"a", Last(b"b", Text(b"b"))), END))
    steps = (Step * program.table.count).from_address(program.table.steps)
    inner, outer = (step for step in steps if step.op == Op.RETRY)
    assert outer.otherwise < inner.otherwise
    assert library().mt_is_sound(byref(program.table))
    steps[inner.otherwise].otherwise = steps[outer.otherwise].otherwise
    of_outer = outer.field, outer.otherwise
    outer.field, outer.otherwise = inner.field, inner.otherwise
    inner.field, inner.otherwise = of_outer
    assert not library().mt_is_sound(byref(program.table))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ((Text(b""),), "empty text"),
        ((Number(Field.SIZE, 2**60),), "larger"),
        ((Shared(Number(Field.SIZE, 5)),), "Number"),
        ((Shared(UpTo(b"x")),), "UpTo"),
        ((Shared(OneOf((Text(b"abcdef"),), (Text(b"abc"),))),), "too far"),
    ],
)
def test_a_pattern_that_cannot_be_compiled_is_refused(pattern: tuple[Text, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Program(pattern)


def test_alternatives_within_alternatives_have_an_end() -> None:
    form: OneOf = OneOf((Text(b"a"), Text(b"b")), (Text(b"a"),))
    for _ in range(Field.END - Field.SCRATCH + 1):
        form = OneOf((form, Text(b"c")), (Text(b"d"),))
    with pytest.raises(ValueError, match="too many"):
        Program((form,))
