"""The columnar parser and the plain reference agree: record by record, reason by reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.formats import Reason, StatsParser
from tests.support import reference_parser as reference
from tests.support import traffic_lines
from tests.support.parsed_records import records_of, rejects_of

PARSER = StatsParser()
#: Five times the profile's: this is the test that finds what no one thought of.
EXAMPLES = 5 * settings().max_examples


def assert_agree(chunk: bytes) -> None:
    parsed = PARSER.parse(chunk)
    records, rejects = reference.parse(chunk)
    assert records_of(parsed) == records
    assert rejects_of(parsed) == rejects
    assert parsed.lines == len(records) + len(rejects) == chunk.count(b"\n")


@settings(max_examples=EXAMPLES)
@given(traffic_lines.chunks)
def test_lines_made_by_the_grammar_and_damaged(chunk: bytes) -> None:
    assert_agree(chunk)


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=300))
def test_any_bytes(noise: bytes) -> None:
    assert_agree(noise + b"\n")


@given(st.lists(traffic_lines.long_lines, min_size=1, max_size=2))
def test_lines_about_as_long_as_allowed(lines: list[bytes]) -> None:
    assert_agree(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize("length", range(64))
def test_every_cut_of_a_good_line_after_a_good_line(length: int) -> None:
    line = b"Jun 20 18:20:14 mail.example.com out[16724]: 1119280814|a@b.example|c@d.example|1|ok|2"
    assert_agree(line + b"\n" + line[: 2 * length] + b"\n")


HEAD = b"Jun 20 18:20:14 mail.example.com out[16724]: 1119280814|"
LINE = HEAD + b"a@b.example|c@d.example|1|success\n"


@pytest.mark.parametrize("place", range(len(HEAD)))
def test_a_head_that_is_usual_but_for_one_byte(place: int) -> None:
    """Usual heads are read in a way of their own; nothing else may slip through there."""
    for byte in b"\x00\n\r 019:;/A[]|@\x80\xff":
        other = LINE[:place] + bytes([byte]) + LINE[place + 1 :]
        assert_agree(LINE + other + LINE)


@pytest.mark.parametrize("pid", [b"", b"1", b"1234567", b"12345678", b"123456789"])
@pytest.mark.parametrize("time", [b"1", b"111928081", b"11192808141", b"253402214399"])
def test_a_head_with_numbers_of_other_lengths(pid: bytes, time: bytes) -> None:
    other = LINE.replace(b"16724", pid).replace(b"1119280814", time)
    assert_agree(LINE + other + LINE)


def test_a_line_of_nuls_is_not_the_day_before_there_was_one() -> None:
    nuls = b"\x00" * 8 + LINE[8:]
    assert_agree(nuls + LINE.replace(b"mail", b"other") + nuls)
    assert_agree(LINE.replace(b"out[", b"on[") + nuls)


@given(st.binary(min_size=1, max_size=600))
def test_the_dictionaries_are_ascii_and_distinct(noise: bytes) -> None:
    names = b"".join(
        b"Jun 20 18:20:14 h in[1]: 1|a@b|c@" + name.replace(b"\n", b"") + b"|1|success\n"
        for name in noise.split(b"e")
    )
    domains = PARSER.parse(names).columns.domains
    assert len(set(domains)) == len(domains)
    assert all(domain.isascii() and domain == domain.lower() for domain in domains)


def test_the_reasons_that_a_parser_can_give_are_all_met() -> None:
    """A guard of the examples above: the strategies' parts reach each reason."""
    good = b"Jun 20 18:20:14 h in[1]: 1|a@b|c@example.com|1|success"
    bad = (
        b"x" * 65_537, b"x\0", b"", b"x", good.replace(b"h", b"!"), good.replace(b"in", b"on"),
        good.replace(b" 1|", b" |"), b"Jun 20 18:20:14 h in[1]: 1|2", good.replace(b"|1|", b"|x|"),
        good.replace(b"success", b""), good + b"|2147483648", good.replace(b"a@b", b"a|b"),
        good.replace(b"c@", b"c"),
    )  # fmt: skip
    parsed = PARSER.parse(b"\n".join(bad) + b"\n")
    expected = [r for r in Reason if r < Reason.TOO_MANY_HOSTS]  # beyond: not this parser's
    assert parsed.rejects.reason.tolist() == expected
