"""What a state and the model of it must agree on, after every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_aggregator.totals import Totals
from tests.models.taking_part import by_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.models.plain_ledger import PlainLedger


def agree(state: State, keys: StateKeys, model: PlainLedger, collectors: Iterable[str]) -> None:
    """Fail unless they do, in the totals, in the ledger and in all sums."""
    _totals_agree(state, keys, model)
    for collector in collectors:
        _ledgers_agree(state, keys, model, collector)
    _nothing_appears_or_vanishes(state, keys, model)


def _totals_agree(state: State, keys: StateKeys, model: PlainLedger) -> None:
    totals = Totals(state, keys)
    for late, book in ((False, keys.totals), (True, keys.late)):
        assert [there.day for there in totals.days(book)] == model.days(late=late)
        for day in model.days(late=late):
            found, rows = totals.read(day, book), model.rows(day, late=late)
            assert by_key(found.rows) == rows
            sums = [sum(column) for column in zip(*rows.values(), strict=True)]
            assert [found.messages, found.bytes, found.transferred] == sums


def _ledgers_agree(state: State, keys: StateKeys, model: PlainLedger, collector: str) -> None:
    ahead = cast("list[bytes]", state.hkeys(keys.ahead(collector)))
    hwm = int(_fields(state, keys.ledger(collector)).get(b"hwm", 0))
    assert hwm == model.hwm(collector)
    assert set(map(int, ahead)) == model.ahead(collector)


def _nothing_appears_or_vanishes(state: State, keys: StateKeys, model: PlainLedger) -> None:
    """RULES section 6, from the state's own figures."""
    members = cast("set[bytes]", state.smembers(keys.collectors))
    ledgers = [_fields(state, keys.ledger(member.decode())) for member in members]
    lines, taken, aside = (
        sum(int(fields.get(name, 0)) for fields in ledgers)
        for name in (b"lines", b"records", b"quarantined")
    )
    assert lines == taken + aside
    assert aside == sum(model.quarantined.values())
    retired = int(_fields(state, keys.retired).get(b"messages", 0))
    assert retired == model.retired()
    totals = Totals(state, keys)
    days = [(there.day, book) for book in (keys.totals, keys.late) for there in totals.days(book)]
    assert taken == retired + sum(totals.read(*day).messages for day in days)


def _fields(state: State, key: str) -> dict[bytes, bytes]:
    return cast("dict[bytes, bytes]", state.hgetall(key))
