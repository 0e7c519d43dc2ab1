"""What a state and its twin must agree on, after every step."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, cast

from mailtally_shared.audit.conservation import check_lines, check_records
from mailtally_shared.audit.finding import Level
from mailtally_shared.days.hour_rows import HourRows
from mailtally_shared.state.untrusted import text
from tests.models.taking_part import by_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.state.read.books import Books
    from mailtally_shared.state.read.live_day import LiveDay
    from mailtally_shared.state.read.totals import DayTotals
    from tests.models.taking_part import Rows
    from tests.twin.on_redis import OnRedis
    from tests.twin.twin import Twin


def agree(real: OnRedis, twin: Twin) -> None:
    """Fail unless they do, in the totals, in the ledgers and in all sums.

    Every id and host in the state is a collector's: none is taken for one that was made up.
    """
    books = real.books()
    assert books.foreign == 0
    assert _counted(books) == _counted(twin.books())
    _nothing_appears_or_vanishes(books)
    for late in (False, True):
        for day in twin.days(late=late):
            found, expected = real.read(day.day, late=late), twin.read(day.day, late=late)
            assert _figures(found) == _figures(expected)
            assert by_hour(found) == by_hour(expected)
    _held_agree(real, twin)
    for collector, account in twin.accounts.items():
        ahead = cast("list[bytes]", real.state.hkeys(real.keys.ahead(collector)))
        assert set(map(int, ahead)) == account.ahead


def _counted(books: Books) -> Books:
    """Return what is counted, without what collectors and the day writer state of themselves."""
    return replace(
        books,
        ledgers=tuple(replace(each, acknowledged="", lost_hours=()) for each in books.ledgers),
        registered={},
        days=_as_counted(books.days),
        late=_as_counted(books.late),
        has_writer=False,
        stopped={},
        state=None,
    )


def _as_counted(days: Sequence[LiveDay]) -> tuple[LiveDay, ...]:
    return tuple(
        replace(
            day,
            written_changes=None,
            written_revision=None,
            written_at=None,
            stopped_changes=None,
            complete=False,
            missing_hosts=(),
            has_missing=False,
            incomplete=(),
        )
        for day in days
    )


def _figures(totals: DayTotals) -> tuple[Rows, int, int, int]:
    return by_key(totals.rows), totals.messages, totals.bytes, totals.transferred


def by_hour(totals: DayTotals) -> tuple[object, ...]:
    """Return what is known of a day by hour, to be compared."""
    if totals.hours is None:
        return None, totals.hours_whole
    columns = (getattr(totals.hours.rows, each.name).tolist() for each in fields(HourRows))
    return sorted(zip(*columns, strict=True)), totals.hours.whole, totals.hours_whole


def _held_agree(real: OnRedis, twin: Twin) -> None:
    assert real.held() == twin.held()
    names: dict[str, int] = {}
    for each in twin.held():
        holder, day = each.collector_id, each.day
        found = twin.read(day, holder=holder)
        assert _figures(real.read(day, holder=holder)) == _figures(found)
        assert by_hour(real.read(day, holder=holder)) == by_hour(found)
        at_places = {(row.domain, row.collector, row.host) for row in found.rows}
        names[holder] = names.get(holder, 0) + len(at_places)
    kept = cast("dict[bytes, bytes]", real.state.hgetall(real.keys.held_names))
    assert {text(name): int(n) for name, n in kept.items()} == names


def _nothing_appears_or_vanishes(books: Books) -> None:
    """RULES section 6, from the state's own figures."""
    for finding in (check_lines(books.ledgers), check_records(books)):
        assert finding.level is Level.OK, finding.sentence
