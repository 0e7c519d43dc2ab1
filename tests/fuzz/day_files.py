"""What lies in the statistic directory, put there by whomever: qml files, breakdowns, manifests."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from mailtally_shared.day_files import ChargingPolicy, breakdown, charge, manifest, qml
from mailtally_shared.day_files.blocks import breakdown_blocks, qml_blocks
from mailtally_shared.errors import BadFile, Refused
from tests.fuzz.target import Target, one_by_one, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailtally_shared.day_files.blocks import Block

_NUMBERS = (
    *(b"0", b"-1", b"+1", b"1e9", b"0.5", b"0.0009765625", b"9223372036854775807"),
    *(b"9223372036854775808", b"9007199254740992", b"1" * 19, b"1" * 20, b"." + b"5" * 45),
)


def _reason(read: Callable[[bytes], None]) -> Callable[[bytes], str]:
    def check(data: bytes) -> str:
        try:
            read(data)
        except BadFile as error:
            return refusal(error)
        return "taken"

    return check


def read_qml(data: bytes) -> None:
    """Rows that are taken are the same written and read once more."""
    rows = list(qml.parse(BytesIO(data), "day.qml.txt"))
    again = b"".join(qml.render(rows))
    assert list(qml.parse(BytesIO(again), "again")) == rows
    _assert_same(qml_blocks(BytesIO(data), "day.qml.txt"), rows)


def read_breakdown(data: bytes) -> None:
    """The same of a breakdown, which is also charged."""
    rows = list(breakdown.parse(BytesIO(data), "day.qml.csv"))
    again = b"".join(breakdown.render(rows))
    assert list(breakdown.parse(BytesIO(again), "again")) == rows
    _assert_same(breakdown_blocks(BytesIO(data), "day.qml.csv"), rows)
    try:
        assert len(list(charge(rows, ChargingPolicy()))) <= len(rows)
    except Refused:
        return


def _assert_same(blocks: Iterable[Block], rows: Sequence[tuple[Any, ...]]) -> None:
    """What is read in blocks, where a number may be in digits, is what is read row by row."""
    found = [row for block in blocks for row in block]
    assert len(found) == len(rows)
    for one, row in zip(found, rows, strict=True):
        assert tuple(type(it)(text) for it, text in zip(row, one, strict=True)) == tuple(row)


def read_manifest(data: bytes) -> None:
    """The same of a manifest."""
    found = manifest.parse(data, "day.qml.json")
    assert manifest.parse(manifest.render(found), "again") == found


TARGETS = (
    Target(
        "qml",
        one_by_one(_reason(read_qml)),
        tokens=(
            *_NUMBERS,
            *(b"|", b"\n", b"\r\n", b"\r", b"\0", b" ", b"\xff", b"(overflow)", b"d" * 254),
        ),
    ),
    Target(
        "breakdown",
        one_by_one(_reason(read_breakdown)),
        tokens=(
            *_NUMBERS,
            *(b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"smtp-in", b"s" * 300),
            *(b'"a\nb"', b"x" * 140_000),
        ),
    ),
    Target(
        "manifest",
        one_by_one(_reason(read_manifest)),
        tokens=(
            *_NUMBERS,
            *(b"null", b"true", b"[]", b"{}", b'"x"', b"NaN", b"1e400", b'"2026-02-30"'),
            *(b"\\u0000", b"\\ud800", b"\xff", b'"', b"[" * 3000, b'"0001-01-01T00:00:00Z"'),
        ),
    ),
)
