"""RULES section 1: what a line is, and what is wrong with one that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.formats import StatsParser
from mailtally_shared.schema import Service
from tests.support.parsed_records import records_of
from tests.support.reference_parser import Record

HEAD = b"Jun 20 18:20:14 mail.example.com in[16723]: 1119280814|"
GOOD = HEAD + b"anna@example.net|bob@example.com|69|success"


def record(line: bytes) -> Record:
    parsed = StatsParser().parse(line + b"\n")
    assert parsed.rejects.labels() == []
    (only,) = records_of(parsed)
    return only


def reason(line: bytes) -> str:
    (only,) = StatsParser().parse(line + b"\n").rejects.labels()
    return only


def test_the_two_lines_of_the_manual() -> None:
    chunk = (
        b"Jun 20 18:20:14 mail.example.com in[16723]: 1119280814|test@yahoo.example|"
        b"postmaster@test.example|69|success\n"
        b"Jun 20 18:20:14 mail.example.com out[16724]: 1119280814|info@test.example|"
        b"bob@example.net|5120|success|2\n"
    )
    incoming = Record(
        time=1_119_280_814,
        host="mail.example.com",
        service=Service.SMTP_IN,
        domain="test.example",
        size=69,
        status="success",
        attempts=1,
    )
    outgoing = Record(
        **{**vars(incoming), "service": Service.SMTP_OUT, "size": 5120, "attempts": 2}
    )
    assert records_of(StatsParser().parse(chunk)) == [incoming, outgoing]


@pytest.mark.parametrize("date", [b"Jun  2 18:20:14", b"Jun 02 18:20:14", b"xyz 99 99:99:99"])
def test_only_the_shape_of_a_date_counts(date: bytes) -> None:
    assert record(GOOD.replace(b"Jun 20 18:20:14", date)).time == 1_119_280_814


@pytest.mark.parametrize(
    "date",
    [
        b"Jun 2 18:20:14",
        b"Jun 20 18:20:1",
        b"J1n 20 18:20:14",
        b"Jun 2  18:20:14",
        b"Jun 20 18.20:14",
    ],
)
def test_another_shape_is_a_bad_date(date: bytes) -> None:
    assert reason(GOOD.replace(b"Jun 20 18:20:14", date)) == "bad-date"


def test_the_host_is_the_one_of_the_line_in_lower_case() -> None:
    assert record(GOOD.replace(b"mail.example", b"MX-1_a.Example")).host == "mx-1_a.example.com"
    assert record(GOOD.replace(b"mail.example.com", b"2001:db8::1")).host == "2001:db8::1"


@pytest.mark.parametrize("host", [b"", b"ma!l", b"h" * 256, b"m\xc3\xbc"])
def test_a_host_of_other_bytes_or_lengths_is_bad(host: bytes) -> None:
    assert reason(GOOD.replace(b"mail.example.com", host)) == "bad-host"


def test_a_host_has_up_to_255_bytes() -> None:
    assert record(GOOD.replace(b"mail.example.com", b"h" * 255)).host == "h" * 255


@pytest.mark.parametrize(
    "kind", [b"In[1]: ", b"inn[1]: ", b"in[]: ", b"in[x]: ", b"in[1]:", b"in[1] ", b"", b"out"]
)
def test_anything_but_in_and_out_with_a_number_is_a_bad_type(kind: bytes) -> None:
    assert reason(GOOD.replace(b"in[16723]: ", kind)) == "bad-type"


def test_a_line_that_ends_with_the_host_lacks_the_type() -> None:
    assert reason(b"Jun 20 18:20:14 mail.example.com") == "bad-type"
    assert reason(b"Jun 20 18:20:14 mail.example.com\r") == "bad-type"


@pytest.mark.parametrize("time", [b"0", b"0000000000000000000000001119280814", b"253402214399"])
def test_a_timestamp_is_decimal_and_ends_with_the_year_9999(time: bytes) -> None:
    assert record(GOOD.replace(b"1119280814", time)).time == int(time)


@pytest.mark.parametrize("time", [b"", b"-1", b"1.5", b" 1", b"253402214400", b"9" * 40])
def test_other_timestamps_are_bad(time: bytes) -> None:
    assert reason(GOOD.replace(b"1119280814", time)) == "bad-timestamp"


@pytest.mark.parametrize("rest", [b"", b"a@b|c@d", b"a@b|1|success", b"a@b|1|success|2"])
def test_too_few_fields(rest: bytes) -> None:
    assert reason(HEAD + rest) == "bad-fields"


def test_attempts_are_there_when_the_last_and_the_third_from_the_right_are_digits() -> None:
    with_attempts = record(GOOD + b"|3")
    assert (with_attempts.size, with_attempts.status, with_attempts.attempts) == (69, "success", 3)
    status_of_digits = record(HEAD + b"a@example.net|b@example.com|69|250")
    assert (status_of_digits.status, status_of_digits.attempts) == ("250", 1)
    assert reason(HEAD + b"a@example.net|77|69|250") == "bad-fields"


@pytest.mark.parametrize(
    ("size", "counted"), [(b"0", 0), (b"007", 7), (b"%d" % (2**53 - 1), 2**53 - 1)]
)
def test_bytes_are_decimal(size: bytes, counted: int) -> None:
    assert record(GOOD.replace(b"69", size)).size == counted


@pytest.mark.parametrize("size", [b"", b"-1", b"+1", b"1e3", b" 1", b"%d" % 2**53, b"9" * 40])
def test_bytes_beyond_2_to_the_53_or_not_decimal_are_bad(size: bytes) -> None:
    assert reason(GOOD.replace(b"69", size)) == "bad-bytes"


@given(st.text("0123456789/:", min_size=1, max_size=17))
def test_bytes_of_any_length_are_read_to_the_digit(size: str) -> None:
    line = GOOD.replace(b"69", size.encode())
    if size.isdecimal() and int(size) < 2**53:
        assert record(line).size == int(size)
    else:
        assert reason(line) == "bad-bytes"


@pytest.mark.parametrize("status", ["novel", "Success", "s" * 32, "!~"])
def test_an_unknown_status_is_kept_as_it_is(status: str) -> None:
    assert record(GOOD.replace(b"success", status.encode())).status == status


@pytest.mark.parametrize("status", [b"", b"two words", b"s" * 33, b"caf\xe9", b"\x7f", b"\t"])
def test_a_status_is_one_token_of_up_to_32_ascii_characters(status: bytes) -> None:
    assert reason(GOOD.replace(b"success", status)) == "bad-status"


def test_attempts_up_to_2_to_the_31() -> None:
    assert record(GOOD + b"|0").attempts == 0
    assert record(GOOD + b"|2147483647").attempts == 2**31 - 1
    assert reason(GOOD + b"|2147483648") == "bad-attempts"


def test_bytes_times_attempts_stay_below_2_to_the_63() -> None:
    largest = GOOD.replace(b"69", b"%d" % (2**53 - 1))
    assert record(largest + b"|1024").attempts == 1024
    assert reason(largest + b"|1025") == "bad-attempts"


@pytest.mark.parametrize(
    "sender", [b'"a|b"@example.net', b'"a\\"|b"@example.net', b'"|"@example.net', b'"\\\\"|']
)
def test_a_quoted_pipe_belongs_to_the_address(sender: bytes) -> None:
    line = HEAD + sender + b'|"x|y"@example.com|69|success'
    if sender.endswith(b"|"):  # the quote is closed before it: two pipes outside quotes
        assert reason(line) == "bad-addresses"
    else:
        assert record(line).domain == "example.com"


@pytest.mark.parametrize(
    "addresses", [b"a|b|c@example.com", b'"a|b@example.net|c@example.com', b"a\\|b|c@example.com"]
)
def test_where_the_split_is_not_certain_the_line_is_malformed(addresses: bytes) -> None:
    assert reason(HEAD + addresses + b"|69|success") == "bad-addresses"


def test_a_single_pipe_is_the_split_whatever_the_quotes_say() -> None:
    assert record(HEAD + b'"a|b"@example.com|69|success').domain == "example.com"


def test_a_carriage_return_before_the_line_feed_is_dropped_once() -> None:
    assert record(GOOD + b"\r") == record(GOOD)
    assert reason(GOOD + b"\r\r") == "bad-status"


def test_empty_lines_are_counted() -> None:
    assert StatsParser().parse(b"\n\r\n").rejects.labels() == ["empty", "empty"]


@pytest.mark.parametrize("line", [b"x\0" + GOOD, GOOD + b"\0", GOOD.replace(b"anna", b"an\0a")])
def test_a_nul_in_a_line(line: bytes) -> None:
    assert reason(line) == "nul"
    assert reason(b"\0" + line) == "nul"


@pytest.mark.parametrize("length", [1, 7, 8, 9, 63, 64, 65, 4096, 200_000])
def test_nuls_in_front_of_a_line_are_skipped_and_counted(length: int) -> None:
    chunk = GOOD + b"\n" + bytes(length) + GOOD + b"\nwrong\n" + bytes(length) + b"\r\n"
    parsed = StatsParser().parse(chunk)
    assert len(parsed.columns) == 2
    assert parsed.rejects.labels() == ["bad-date", "empty"]
    assert parsed.nuls == 2 * length
    assert parsed.lines == 4
    assert chunk[parsed.rejects.start[1] :] == b"\r\n"


def test_nuls_in_front_of_each_line_cost_no_more_than_a_pass() -> None:
    parsed = StatsParser().parse((b"\0" * 50 + GOOD + b"\n") * 1000)
    assert (len(parsed.columns), parsed.nuls) == (1000, 50_000)


@pytest.mark.parametrize("length", range(65_530, 65_545))
@pytest.mark.parametrize("before", range(8))
def test_a_line_has_up_to_64_kib_without_its_line_feed(length: int, before: int) -> None:
    line = GOOD.replace(b"anna", b"a" * (length - len(GOOD) + 4))
    assert len(line) == length
    parsed = StatsParser().parse(b"x" * before + b"\n" + line + b"\n")
    assert parsed.rejects.labels()[1:] == (["too-long"] if length > 65_536 else [])


def test_too_long_comes_before_nul_and_nul_before_the_rest() -> None:
    assert reason(b"x" + b"\0" * 65_536) == "too-long"
    assert reason(b"bad date\0") == "nul"


def test_rejects_tell_where_the_line_is_without_its_line_feed() -> None:
    chunk = GOOD + b"\nwrong\r\n" + GOOD.replace(b"@example.com", b"@") + b"\n"
    parsed = StatsParser().parse(chunk)
    lines = [chunk[s:e] for s, e in zip(parsed.rejects.start, parsed.rejects.end, strict=True)]
    assert lines == [b"wrong\r", GOOD.replace(b"@example.com", b"@")]
    assert parsed.rejects.labels() == ["bad-date", "bad-domain"]
    assert parsed.lines == 3
