"""Columns cut out of text hold what Python finds line by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days.grammar.text_columns import MOST_DIGITS, Text, bare, decimals, padded

DIGITS = st.text("0123456789", min_size=1, max_size=MOST_DIGITS)
ROWS = st.lists(st.tuples(st.text("ab -", min_size=0, max_size=40), DIGITS), min_size=1)


def text_of(rows: list[tuple[str, str]]) -> Text:
    return Text("".join(f"{name}|{digits}\n" for name, digits in rows).encode())


def begins(cuts: np.ndarray) -> np.ndarray:
    return np.append(0, cuts[:-1, -1] + 1)


@given(ROWS)
def test_every_line_gives_its_cells_and_its_number(rows: list[tuple[str, str]]) -> None:
    text = text_of(rows)
    cuts = text.cuts(b"|", 2)
    assert cuts is not None
    cells = text.cells(begins(cuts), cuts[:, 0])
    assert cells.itemsize % 8 == 0
    assert cells.tolist() == [name.encode() for name, _ in rows]
    numbers = text.numbers(cuts[:, 0] + 1, cuts[:, 1], MOST_DIGITS)
    assert numbers is not None
    assert numbers.tolist() == [int(digits) for _, digits in rows]


@given(ROWS, st.integers(0), st.integers(0, 255).filter(lambda byte: not 48 <= byte <= 57))
def test_any_byte_but_a_digit_makes_a_column_none_of_numbers(
    rows: list[tuple[str, str]], place: int, byte: int
) -> None:
    data = bytearray("".join(digits for _, digits in rows).encode())
    data[place % len(data)] = byte
    ends = np.cumsum([len(digits) for _, digits in rows])
    assert Text(bytes(data)).numbers(np.append(0, ends[:-1]), ends, MOST_DIGITS) is None


@pytest.mark.parametrize("digits", ["", "1234567"])
def test_a_number_has_a_digit_and_no_more_than_are_allowed(digits: str) -> None:
    text = text_of([("a", "1"), ("b", digits)])
    cuts = text.cuts(b"|", 2)
    assert cuts is not None
    assert text.numbers(cuts[:, 0] + 1, cuts[:, 1], 6) is None


@pytest.mark.parametrize("data", [b"", b"a|1", b"a|1\nb", b"a\nb|1|2\n", b"a|1\n\n", b"a|b|1\n"])
def test_lines_with_another_number_of_marks_are_not_cut(data: bytes) -> None:
    assert Text(data).cuts(b"|", 2) is None


@given(st.lists(st.integers(0, 10**MOST_DIGITS - 1), min_size=1))
def test_numbers_written_as_columns_are_read_as_columns(numbers: list[int]) -> None:
    text = Text(bare(padded([decimals(np.array(numbers, np.int64)), b"\n"])))
    cuts = text.cuts(b"\n", 1)
    assert cuts is not None
    found = text.numbers(begins(cuts), cuts[:, 0], MOST_DIGITS)
    assert found is not None
    assert found.tolist() == numbers
