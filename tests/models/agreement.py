"""What a state and the model of it must agree on, after every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.foreign import text
from mailtally_aggregator.held import held
from mailtally_aggregator.totals import Totals
from tests.models.taking_part import by_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.models.plain_ledger import PlainLedger


def agree(state: State, keys: StateKeys, model: PlainLedger, collectors: Iterable[str]) -> None:
    """Fail unless they do, in the totals, in the ledger and in all sums.

    Every id and host in the state is a collector's: none is taken for one that was made up.
    """
    assert read_books(state, keys).foreign == 0
    _totals_agree(state, keys, model)
    for collector in collectors:
        _ledgers_agree(state, keys, model, collector)
    _held_agree(state, keys, model)
    _nothing_appears_or_vanishes(state, keys, model)


def _held_agree(state: State, keys: StateKeys, model: PlainLedger) -> None:
    found = {(each.collector_id, each.day): each.messages for each in held(state, keys)}
    expected = model.held()
    assert found == {key: sum(row[0] for row in rows.values()) for key, rows in expected.items()}
    names = dict.fromkeys({holder for holder, _ in expected}, 0)
    for (holder, day), rows in expected.items():
        assert by_key(Totals(state, keys).read(day, keys.held(holder)).rows) == rows
        names[holder] += len({(domain, host) for domain, host, *_ in rows})
    counted = {text(name): int(n) for name, n in _fields(state, keys.held_names).items()}
    assert counted == names


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
    kept = sum(map(int, _fields(state, keys.held_records).values()))
    dropped = sum(map(int, _fields(state, keys.held_dropped).values()))
    assert dropped == model.dropped
    counted = sum(totals.read(*day).messages for day in days)
    assert taken == retired + counted + kept + dropped


def _fields(state: State, key: str) -> dict[bytes, bytes]:
    return cast("dict[bytes, bytes]", state.hgetall(key))
