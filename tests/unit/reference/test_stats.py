"""RULES 1 in the clothing of FORMATS 2: traffic lines, whatever syslog wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.reference.log import read_log
from tests.reference.stats import Stats
from tests.support import reference_parser, traffic_lines
from tests.unit.reference.reading import DEFAULTS, read, shorts

BODY = "1119280814|info@test.example|bob@example.net|5120|success|2"
OUT = [("smtp-out", "test.example", 5120, "success", 2)]


@pytest.mark.parametrize(
    "clothes",
    [
        "Jun 20 18:20:14 mail.example.com out[16724]: ",
        "<22>Jun 20 18:20:14 mail.example.com out[16724]: ",
        "2026-11-08T09:01:02.123456+01:00 mail.example.com out[16724]: ",
        "<22>1 2026-11-08T09:01:02Z mail.example.com out 16724 - -  ",
        "Jun 20 18:20:14 src@mail1/relay1 out[16724]: ",
        "Jun 20 18:20:14 fe80::1%eth0 out[16724]: ",
    ],
)
def test_in_each_clothing(clothes: str) -> None:
    reading = read(Stats(), (clothes + BODY).encode())
    assert shorts(reading) == OUT
    assert reading.records[0].time == 1119280814


def test_message_repeated() -> None:
    line = f"Jun 20 18:20:14 mail1 out[1]: {BODY}\n"
    repeated = f"Jun 20 18:20:15 mail1 out[1]: message repeated 2 times: [ {BODY}]\n"
    assert shorts(read(Stats(), (line + repeated).encode())) == OUT * 3


def test_a_verp_sender_has_its_hosts_domain() -> None:
    line = "Jun 20 18:20:14 mx out[1]: 1119280814|a-return-1-@lists.example-@[]|b@c.example|7|ok"
    assert [record[1] for record in shorts(read(Stats(), line.encode()))] == ["lists.example"]


def test_reasons_are_those_of_the_format() -> None:
    line = b"Jun 20 18:20:14 mx out[1]: 1119280814|a@b.example|b@c.example|x|success"
    assert read(Stats(), line).rejects == [(0, "bad-bytes")]


@given(traffic_lines.lines)
def test_what_the_reference_of_the_plain_format_takes_is_read_alike(line: bytes) -> None:
    records, _ = reference_parser.parse(line + b"\n")
    reading = read_log(DEFAULTS, [line], [Stats()])
    for record, one in zip(records, reading.records, strict=False):
        assert vars(record) == vars(one)
