"""Reading whole pieces of day files: the same rows, the same errors as reading row by row."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days import ChargingPolicy, QmlRow, Sums, charge
from mailtally_shared.days.charged_rows import first_difference
from mailtally_shared.days.grammar import breakdown, qml
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import KEY, Service
from tests.support.day_files_by_row import (
    breakdown_file,
    charged,
    parsed_breakdown,
    parsed_qml,
    qml_file,
    read_breakdown,
    read_qml,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = st.text("ab.-", min_size=1, max_size=4) | st.sampled_from(
    ["(not hosted)", "A.example", 'quo"te', "com,ma", "back\\slash", " blank", "blank ", "a|b"]
)
COUNTS = st.integers(0, 5000) | st.sampled_from([10**12 - 1, 10**12, 2**63 - 1])
SUMS = st.builds(
    Sums,
    NAMES,
    st.sampled_from(["m1.example.com", "c2.example.com"]),
    st.sampled_from(["m1.example.com", "m2.example.com", 'm"3']),
    st.sampled_from([service.label for service in Service]),
    st.sampled_from(["success", "timeout"]),
    COUNTS,
    COUNTS,
    COUNTS,
)
DAYS = st.lists(SUMS, max_size=30, unique_by=lambda row: row[: len(KEY)]).map(sorted)
POLICIES = st.builds(
    ChargingPolicy,
    charged_statuses=st.sampled_from(["all", ("success",), ()]),
    quantity=st.sampled_from(["bytes", "transferred"]),
    hits=st.sampled_from(["all", "in-out"]),
)
QML = b"|a.example|1.5|2|0|\n|b.example|0|3|1|\n"
CSV = (
    b"domain,collector,host,service,status,messages,bytes,transferred\r\n"
    b"a.example,m1.example.com,m1.example.com,smtp-in,success,2,1536,1536\r\n"
    b"b.example,m1.example.com,m1.example.com,smtp-in,success,3,0,0\r\n"
    b"b.example,m1.example.com,m1.example.com,smtp-out,success,1,0,0\r\n"
)


def outcome(rows: Iterable[tuple[Any, ...]], data: bytes) -> object:
    """The rows, or the error: its reason and its line."""
    try:
        return list(rows)
    except BadFile as error:
        # Quotes may span lines: any of them may be named.
        return error.reason, b'"' in data or error.line


def assert_same(data: bytes) -> None:
    found = outcome(read_qml(io.BytesIO(data)), data)
    assert found == outcome(parsed_qml(io.BytesIO(data)), data)
    found = outcome(read_breakdown(io.BytesIO(data)), data)
    assert found == outcome(parsed_breakdown(io.BytesIO(data)), data)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines a piece, so that small files have edges inside."""
    monkeypatch.setattr("mailtally_shared.days.grammar.text_columns._PIECE", 150)


@given(DAYS)
def test_whatever_is_written_reads_alike(day: list[Sums]) -> None:
    assert_same(breakdown_file(day))


@given(
    st.sampled_from([QML, QML * 9, CSV, CSV + CSV[-46:]]),
    st.integers(0, 400),
    st.sampled_from([b"", b'"', b"\n", b"\r", b"|", b",", b"\xff", b"A", b"9", b" ", b"\0", b".0"]),
    st.sampled_from([0, 1]),
)
def test_one_wrong_byte_anywhere_is_told_alike(
    data: bytes, place: int, what: bytes, replaced: int
) -> None:
    place %= len(data)
    assert_same(data[:place] + what + data[place + replaced :])


@given(st.lists(st.sampled_from(QML.splitlines(keepends=True) + CSV.splitlines(keepends=True))))
def test_any_lines_in_any_order_read_alike(lines: list[bytes]) -> None:
    assert_same(b"".join(lines))


def difference(day: list[Sums], policy: ChargingPolicy, txt: bytes) -> object:
    counted = breakdown.read(io.BytesIO(breakdown_file(day)), "x")
    return first_difference(charge(counted, policy), qml.read(io.BytesIO(txt), "x"))


def largest(row: Sums) -> int:
    return max(row.messages, row.bytes, row.transferred)


@given(DAYS.filter(lambda day: sum(largest(row) for row in day) < 2**63), POLICIES, st.data())
def test_agreement_means_that_every_row_of_the_qml_file_is_the_breakdowns(
    day: list[Sums], policy: ChargingPolicy, data: st.DataObject
) -> None:
    day = [row for row in day if row.domain == row.domain.lower().strip(" ") and "|" not in row[0]]
    rows = list(charged(day, policy))
    assert difference(day, policy, qml_file(rows)) is None
    if rows:
        place = data.draw(st.integers(0, len(rows) - 1))
        other = rows[place]._replace(hits_html=1 - min(rows[place].hits_html, 1))
        txt = qml_file([*rows[:place], other, *rows[place + 1 :]])
        assert difference(day, policy, txt) == [rows[place], other]
        rest = rows[place + 1] if place + 1 < len(rows) else None
        assert difference(day, policy, qml_file(rows[:place])) == [rows[place], None]
        assert difference(day, policy, qml_file(rows[:place] + rows[place + 1 :])) == [
            rows[place],
            rest,
        ]


@pytest.mark.parametrize(
    ("txt", "differs"),
    [
        (QML[:-1], None),
        (QML + b"\n", None),
        (QML + b"|c.example|0|0|0|\n", [None, "c.example"]),
        (QML[:19], ["b.example", None]),
        (QML.replace(b"1.5", b"1.50"), None),
        (QML.replace(b"1.5", b"1.6"), ["a.example", "a.example"]),
        (QML.replace(b"|2|", b"|1|"), ["a.example", "a.example"]),
        (QML.replace(b"\n", b"\r\n"), None),
        (QML.replace(b"a.ex", b"A.ex"), None),
    ],
)
def test_the_same_rows_in_another_spelling_agree(
    txt: bytes, differs: list[str | None] | None
) -> None:
    counted = breakdown.read(io.BytesIO(CSV), "x")
    found = first_difference(
        charge(counted, ChargingPolicy(hits="in-out")), qml.read(io.BytesIO(txt), "x")
    )
    names = [row.name if row else None for row in found] if found else None
    assert names == differs


def test_a_domain_of_many_rows_is_added_up_across_pieces() -> None:
    day = [
        Sums("a.example", f"m{n:03}", f"m{n:03}", "imap", "success", 1, 1024, 0) for n in range(100)
    ]
    assert difference(day, ChargingPolicy(), b"|a.example|100|100|0|\n") is None


@pytest.mark.parametrize("number", [10**12, 10**16, 10**18, 2**63 - 1])
def test_numbers_of_any_length_are_read_as_columns(number: int) -> None:
    row = Sums("a.example", "m1", "m1", "imap", "success", number, number, number)
    assert list(read_breakdown(io.BytesIO(breakdown_file([row])))) == [row]
    charge_of_it = QmlRow("a.example", number, number, number)
    assert list(read_qml(io.BytesIO(qml_file([charge_of_it])))) == [charge_of_it]
