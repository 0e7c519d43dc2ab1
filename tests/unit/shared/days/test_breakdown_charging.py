"""What is charged of what was counted."""

from __future__ import annotations

import pytest

from mailtally_shared.days import ChargingPolicy, QmlRow, Sums
from mailtally_shared.errors import Refused
from mailtally_shared.schema import MAX_SUM
from tests.support.day_files_by_row import charge_rows

ROWS = [
    Sums("a.example", "m1.example.com", "m1.example.com", "smtp-in", "rejspam", 1, 10, 10),
    Sums("a.example", "m1.example.com", "m1.example.com", "smtp-in", "success", 2, 200, 200),
    Sums("a.example", "m2.example.com", "m2.example.com", "smtp-out", "success", 3, 3000, 9000),
    Sums("b.example", "m1.example.com", "m1.example.com", "imap", "rejspam", 4, 0, 0),
    Sums("c.example", "m1.example.com", "m1.example.com", "maillist", "success", 5, 50000, 50000),
]


def charged(policy: ChargingPolicy) -> list[QmlRow]:
    return list(charge_rows(ROWS, policy))


def test_by_default_all_bytes_that_crossed_the_wire_are_charged() -> None:
    assert charged(ChargingPolicy()) == [
        QmlRow("a.example", 3210, 6, 0),
        QmlRow("b.example", 0, 4, 0),
        QmlRow("c.example", 50000, 5, 0),
    ]


def test_a_domain_with_nothing_charged_has_no_line() -> None:
    assert charged(ChargingPolicy(charged_statuses=("success",))) == [
        QmlRow("a.example", 3200, 5, 0),
        QmlRow("c.example", 50000, 5, 0),
    ]


def test_transferred_counts_every_attempt() -> None:
    assert charged(ChargingPolicy(quantity="transferred"))[0] == QmlRow("a.example", 9210, 6, 0)


def test_in_out_puts_outgoing_messages_into_hits_html() -> None:
    assert charged(ChargingPolicy(hits="in-out")) == [
        QmlRow("a.example", 3210, 3, 3),
        QmlRow("b.example", 0, 4, 0),
        QmlRow("c.example", 50000, 0, 5),
    ]


def test_a_sum_beyond_63_bits_is_refused() -> None:
    row = Sums(
        "a.example", "m1.example.com", "m1.example.com", "smtp-in", "success", 1, MAX_SUM, MAX_SUM
    )
    with pytest.raises(Refused, match=r"a\.example"):
        list(charge_rows([row, row._replace(host="m2.example.com")], ChargingPolicy()))
