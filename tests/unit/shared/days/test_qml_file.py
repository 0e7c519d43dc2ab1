"""The qml file: what is written, what is read, and that nothing is lost between."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days import QmlRow
from mailtally_shared.days.grammar.qml import bytes_of
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import MAX_SUM
from tests.support.day_files_by_row import kilobytes, qml_file, read_qml

COUNTS = st.integers(0, MAX_SUM)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["(not hosted)", "(overflow)", "[192.0.2.1]"]
)
ROWS = st.lists(st.builds(QmlRow, NAMES, COUNTS, COUNTS, COUNTS), unique_by=lambda row: row.name)


def parsed(data: bytes) -> list[QmlRow]:
    return list(read_qml(io.BytesIO(data), "01.02.2026.qml.txt"))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (69, "0.0673828125"), (138, "0.134765625"), (512, "0.5"), (2048, "2")],
)
def test_kilobytes_are_written_as_the_rules_show(count: int, text: str) -> None:
    assert kilobytes(count) == text


@given(COUNTS)
def test_kilobytes_are_exact_and_as_short_as_can_be(count: int) -> None:
    text = kilobytes(count)
    assert Fraction(text) * 1024 == count
    assert "." not in text or not text.endswith("0")
    assert bytes_of(text) == count


@given(st.from_regex(r"[0-9]{1,19}(\.[0-9]{1,40})?", fullmatch=True))
def test_a_rounded_number_goes_to_the_nearest_byte_a_half_to_the_even_one(text: str) -> None:
    assert bytes_of(text) == round(Fraction(text) * 1024)


@pytest.mark.parametrize("text", ["", "1.", ".5", "1e3", "-1", "1" * 20])
def test_what_is_no_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        bytes_of(text)


@pytest.mark.parametrize(("text", "count"), [("0.13", 133), ("0.00048828125", 0), ("007", 7168)])
def test_files_of_other_origin_may_be_rounded(text: str, count: int) -> None:
    assert bytes_of(text) == count


@given(ROWS)
def test_what_is_rendered_is_parsed_back_without_loss(rows: list[QmlRow]) -> None:
    assert parsed(qml_file(rows)) == rows


def test_the_line_of_the_rules() -> None:
    assert qml_file([QmlRow("test.com", 138, 2, 0)]) == b"|test.com|0.134765625|2|0|\n"


def test_header_crlf_blank_lines_and_upper_case_are_accepted() -> None:
    data = (
        b"\r\n|name|xFer(kB)|Hits_All|Hits_HTML|\r\n|A.example|1.50|2|0|\r\n\r\n|b.example|0|0|0|"
    )
    assert parsed(data) == [QmlRow("a.example", 1536, 2, 0), QmlRow("b.example", 0, 0, 0)]


@pytest.mark.parametrize(
    "line",
    [
        b"a.example|1|2|0|",
        b"|a.example|1|2|0",
        b"|a.example|1|2|",
        b"|a.example|1|2|0|0|",
        b"|a.example|-1|2|0|",
        b"|a.example|1e3|2|0|",
        b"|a.example|1.|2|0|",
        b"|a.example|.5|2|0|",
        b"|a.example|1,5|2|0|",
        b"|a.example|1|2.0|0|",
        b"|a.example|+1|2|0|",
        b"|a.example| 1|2|0|",
        b"||1|2|0|",
        b"| a.example|1|2|0|",
        b"|\xc3\xa4.example|1|2|0|",
        b"|a\0.example|1|2|0|",
        b"|a.example|nan|2|0|",
        b"|a.example|" + b"1" * 20 + b"|2|0|",
        b"|a.example|0." + b"1" * 41 + b"|2|0|",
        b"|" + b"a" * 254 + b"|1|2|0|",
        b"|a.example|1|2|0|\r\r",
    ],
)
def test_anything_else_is_a_bad_line_named_by_file_and_number(line: bytes) -> None:
    with pytest.raises(BadFile, match=r"^01\.02\.2026\.qml\.txt, line 2: ") as caught:
        parsed(b"|ok.example|1|1|0|\n" + line + b"\n")
    assert caught.value.reason == "bad-line"


@pytest.mark.parametrize(
    "line", [b"|a.example|9007199254740992|0|0|", b"|a|0|9223372036854775808|0|"]
)
def test_more_than_63_bits_are_refused(line: bytes) -> None:
    with pytest.raises(BadFile) as caught:
        parsed(line)
    assert caught.value.reason == "too-large"


def test_the_header_is_a_header_in_the_first_line_only() -> None:
    with pytest.raises(BadFile):
        parsed(b"|a.example|1|1|0|\n|name|xFer(kB)|Hits_All|Hits_HTML|\n")


def test_a_name_that_stands_twice_is_refused_in_any_case() -> None:
    with pytest.raises(BadFile) as caught:
        parsed(b"|a.example|1|1|0|\n|b.example|1|1|0|\n|A.example|1|1|0|\n")
    assert (caught.value.reason, caught.value.line) == ("duplicate-name", 3)


@given(st.binary(max_size=200) | st.text(alphabet="|ab.019-\r\n ", max_size=80).map(str.encode))
def test_random_bytes_parse_or_raise_bad_file_and_nothing_else(data: bytes) -> None:
    try:
        rows = parsed(data)
    except BadFile:
        return
    assert parsed(qml_file(rows)) == rows
