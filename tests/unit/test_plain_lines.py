"""Reading whole pieces of day files: the same rows, the same errors as reading row by row."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.columns import Service
from mailtally_shared.day_files import ChargingPolicy, Sums, breakdown, charge, qml
from mailtally_shared.day_files.agreement import plain_totals
from mailtally_shared.day_files.blocks import breakdown_blocks, qml_blocks
from mailtally_shared.day_files.rows import QmlTotals, SumsTotals
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailtally_shared.day_files.blocks import Block

NAMES = st.text("ab.-", min_size=1, max_size=4) | st.sampled_from(
    ["(not hosted)", "A.example", 'quo"te', "com,ma", "back\\slash", " blank", "blank ", "a|b"]
)
COUNTS = st.integers(0, 5000) | st.sampled_from([10**12 - 1, 10**12, 2**63 - 1])
SUMS = st.builds(
    Sums,
    NAMES,
    st.sampled_from(["m1.example.com", "m2.example.com", 'm"3']),
    st.sampled_from([service.label for service in Service]),
    st.sampled_from(["success", "timeout"]),
    COUNTS,
    COUNTS,
    COUNTS,
)
DAYS = st.lists(SUMS, max_size=30, unique_by=lambda row: row[:4]).map(sorted)
POLICIES = st.builds(
    ChargingPolicy,
    charged_statuses=st.sampled_from(["all", ("success",), ()]),
    quantity=st.sampled_from(["bytes", "transferred"]),
    hits=st.sampled_from(["all", "in-out"]),
)
QML = b"|a.example|1.5|2|0|\n|b.example|0|3|1|\n"
CSV = (
    b"domain,host,service,status,messages,bytes,transferred\r\n"
    b"a.example,m1.example.com,smtp-in,success,2,1536,1536\r\n"
    b"b.example,m1.example.com,smtp-in,success,3,0,0\r\n"
    b"b.example,m1.example.com,smtp-out,success,1,0,0\r\n"
)


def outcome(rows: Callable[[], Iterable[tuple[Any, ...]]]) -> object:
    """The rows before an error, and the error; counts as numbers."""
    found: list[tuple[Any, ...]] = []
    try:
        found.extend(tuple(row) for row in rows())
    except BadFile as error:
        return error.reason, str(error)
    return [
        tuple(int(v) if isinstance(v, str) and v.isdigit() and at else v for at, v in enumerate(r))
        for r in found
    ]


def in_pieces(
    blocks: Callable[..., Iterator[Block]], data: bytes
) -> Callable[[], Iterable[tuple[Any, ...]]]:
    return lambda: (row for block in blocks(io.BytesIO(data), "x") for row in block)


def row_by_row(
    parse: Callable[..., Iterable[tuple[Any, ...]]], data: bytes
) -> Callable[[], Iterable[tuple[Any, ...]]]:
    return lambda: parse(io.BytesIO(data), "x")


def assert_same(data: bytes) -> None:
    assert outcome(in_pieces(qml_blocks, data)) == outcome(row_by_row(qml.parse, data))
    assert outcome(in_pieces(breakdown_blocks, data)) == outcome(row_by_row(breakdown.parse, data))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines a piece, so that small files have edges inside."""
    monkeypatch.setattr("mailtally_shared.day_files.blocks._PIECE", 100)


@given(DAYS)
def test_whatever_is_written_reads_alike(day: list[Sums]) -> None:
    assert_same(b"".join(breakdown.render(day)))


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


def agreed(day: list[Sums], policy: ChargingPolicy, txt: bytes) -> object:
    csv = io.BytesIO(b"".join(breakdown.render(day)))
    return plain_totals(csv, io.BytesIO(txt), policy)


@given(DAYS.filter(lambda day: sum(max(row[4:]) for row in day) < 2**63), POLICIES)
def test_agreement_means_that_every_row_of_the_qml_file_is_the_breakdowns(
    day: list[Sums], policy: ChargingPolicy
) -> None:
    rows = list(charge(day, policy))
    counted, charged = SumsTotals(), QmlTotals()
    txt = b"".join(qml.render(charged.through(rows)))
    list(counted.through(day))
    found = agreed(day, policy, txt)
    plain = all(
        row.domain == row.domain.lower().strip(" ")
        and not set('",|') & set("".join(row[:4]))
        and max(row[4:]) < 10**12
        for row in day
    )
    assert found == ((counted, charged) if plain else None)
    assert plain is False or list(qml.parse(io.BytesIO(txt), "x")) == rows


@pytest.mark.parametrize(
    "txt",
    [
        QML[:-1],
        QML + b"\n",
        QML + b"|c.example|0|0|0|\n",
        QML[:20],
        QML.replace(b"1.5", b"1.50"),
        QML.replace(b"1.5", b"1.6"),
        QML.replace(b"|2|", b"|1|"),
        QML.replace(b"\n", b"\r\n"),
    ],
)
def test_any_other_qml_file_leaves_the_question_open(txt: bytes) -> None:
    policy = ChargingPolicy(hits="in-out")
    assert plain_totals(io.BytesIO(CSV), io.BytesIO(QML), policy) is not None
    assert plain_totals(io.BytesIO(CSV), io.BytesIO(txt), policy) is None


def test_a_domain_of_many_rows_is_added_up_across_pieces_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = [Sums("a.example", f"m{n:03}", "imap", "success", 1, 1024, 0) for n in range(100)]
    everything = ChargingPolicy()
    assert agreed(day, everything, b"|a.example|100|100|0|\n") is not None
    monkeypatch.setattr("mailtally_shared.day_files.agreement._MOST_HELD", 50)
    assert agreed(day, everything, b"|a.example|100|100|0|\n") is None
