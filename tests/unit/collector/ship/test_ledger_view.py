"""What the ledger shows is compared with what it showed before."""

import pytest

from mailtally_collector.ship.ledger import Applied


@pytest.mark.parametrize(
    ("now", "earlier", "covers"),
    [
        (Applied(3, frozenset()), Applied(3, frozenset()), True),
        (Applied(5, frozenset()), Applied(3, frozenset({5})), True),
        (Applied(4, frozenset({6})), Applied(3, frozenset({6})), True),
        (Applied(2, frozenset()), Applied(3, frozenset()), False),
        (Applied(4, frozenset()), Applied(3, frozenset({6})), False),
        (Applied(3, frozenset({7})), Applied(3, frozenset({6})), False),
    ],
)
def test_a_ledger_covers_an_earlier_one_unless_it_lost_something(
    now: Applied, earlier: Applied, *, covers: bool
) -> None:
    assert now.covers(earlier) is covers
