"""Whatever comes from outside is shown as one printable line, and no cell is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.shown import csv_cell, listed, one_line, printable, printable_lines

HOSTILE = {
    "escape sequence": "\x1b[2J",
    "title of the window": "\x1b]0;x\x07",
    "eight-bit escape": "\x9b2J",
    "line break": "a\nb\r\n",
    "other line breaks": "a\u2028b\u2029c\x85",
    "writing direction": "\u202egpj.exe\u202c",
    "isolates": "\u2066x\u2069",
    "zero width": "ma\u200bil",
    "nul": "\0",
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_hostile_is_shown_as_it_is(text: str) -> None:
    for shown in (printable(text), one_line(text), csv_cell(text), listed([text])):
        assert shown.isprintable()


@given(st.text() | st.binary())
def test_any_text_is_shown_on_one_line(text: str | bytes) -> None:
    assert printable(text).isprintable()


@given(st.text())
def test_lines_stay_lines(text: str) -> None:
    shown = printable_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))


@given(st.builds("".join, st.tuples(st.sampled_from(["", *"=+-@\t\r"]), st.text())))
def test_a_cell_is_no_formula_and_reads_back_as_shown(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([csv_cell(text), "x"])
    ((cell, _),) = csv.reader(io.StringIO(written.getvalue()))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell == csv_cell(text)


def test_a_name_that_can_be_seen_stays_as_it_is() -> None:
    for name in ("mail1.example.com", "käse.example", "名前", "two words"):
        assert printable(name) == one_line(name) == csv_cell(name) == name


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * 61) == "x" * 60 + "…"


def test_a_long_list_is_cut_and_says_how_many_there_are() -> None:
    assert listed([f"h{n}" for n in range(20_000)], 2) == "h0, h1 and 19,998 more"
    assert listed(["a", "b"], 2) == "a, b"
