"""The breakdown CSV."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days import Sums
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import KEY, MAX_SUM, Service
from tests.support.day_files_by_row import breakdown_file, read_breakdown

COUNTS = st.integers(0, MAX_SUM)
TOKENS = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=32)
SUMS = st.builds(
    Sums,
    TOKENS,
    TOKENS,
    TOKENS,
    st.sampled_from([s.label for s in Service]),
    TOKENS,
    COUNTS,
    COUNTS,
    COUNTS,
)
LINE = b"a.example,mail.example.com,mail.example.com,smtp-in,success,2,138,138\r\n"
HEADER = b"domain,collector,host,service,status,messages,bytes,transferred\r\n"


def parsed(data: bytes) -> list[Sums]:
    return list(read_breakdown(io.BytesIO(data), "x.csv"))


@given(st.lists(SUMS, unique_by=lambda row: row[: len(KEY)]).map(sorted))
def test_what_is_rendered_is_parsed_back_and_any_csv_reader_agrees(rows: list[Sums]) -> None:
    data = breakdown_file(rows)
    assert parsed(data) == rows
    plain = list(csv.DictReader(data.decode().splitlines()))
    assert plain == [{k: str(v) for k, v in row._asdict().items()} for row in rows]


def test_lines_end_as_rfc_4180_says() -> None:
    row = Sums(
        "a.example", "mail.example.com", "mail.example.com", "smtp-in", "success", 2, 138, 138
    )
    assert breakdown_file([row]) == HEADER + LINE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad-line"),
        (b"domain,host\r\n", "bad-line"),
        (HEADER + LINE[:-4] + b"\r\n" + b"x", "bad-line"),
        (HEADER + LINE.replace(b",138,", b",-1,"), "bad-line"),
        (HEADER + LINE.replace(b",138,", b",1_0,"), "bad-line"),
        (HEADER + LINE.replace(b",138,", b",9223372036854775808,"), "bad-line"),
        (HEADER + LINE.replace(b"smtp-in", b"uucp"), "bad-line"),
        (HEADER + LINE.replace(b"success", b""), "bad-line"),
        (HEADER + LINE.replace(b"success", b'"suc'), "bad-line"),
        (HEADER + LINE.replace(b"a.ex", b"\xff.ex"), "bad-line"),
        (HEADER + LINE + LINE, "unsorted"),
        (HEADER + LINE.replace(b"a.", b"b.") + LINE, "unsorted"),
    ],
)
def test_what_render_does_not_write_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadFile) as caught:
        parsed(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_random_bytes_raise_bad_file_and_nothing_else(data: bytes) -> None:
    for start in (b"", HEADER):
        with suppress(BadFile):
            parsed(start + data)


def test_names_as_long_as_can_be_are_read() -> None:
    longest = Sums("d" * 253, "c" * 255, "h" * 255, "smtp-out", "s" * 32, 1, 2, 3)
    day = [longest, longest._replace(domain="e")]
    assert list(read_breakdown(io.BytesIO(breakdown_file(day)))) == day
