"""The record of the hours that each batch touched, kept after the batch itself is deleted.

A row is an hour and a run of consecutive batches that all have records of it. So a month of batches
takes a few rows per hour, and no hour is listed for a batch that did not touch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from mailtally_collector.spool.state_db import StateDb

#: The first and the last of consecutive numbers.
Range = tuple[int, int]

HOUR = 3600

_TABLE = (
    "CREATE TABLE IF NOT EXISTS touched (hour INTEGER, first INTEGER, last INTEGER, "
    "noted REAL NOT NULL, PRIMARY KEY (hour, first)) WITHOUT ROWID"
)


class Touched:
    """The hours, since 1970 in UTC, of the batches of one state directory."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        db.rows(_TABLE)

    def write(
        self, connection: sqlite3.Connection, seq: int, hours: Iterable[int], now: float
    ) -> None:
        """Note the hours that batch ``seq`` touches, within a transaction."""
        for hour in hours:
            longer = connection.execute(
                "UPDATE touched SET last = ?, noted = ? WHERE hour = ? AND last = ?",
                (seq, now, hour, seq - 1),
            )
            if not longer.rowcount:
                row = (hour, seq, seq, now)
                connection.execute("INSERT OR REPLACE INTO touched VALUES (?, ?, ?, ?)", row)

    def by(self, batches: Sequence[Range]) -> dict[int, str]:
        """Return each hour that some batches touched, with their numbers: ``51-79,85``."""
        found: dict[int, list[str]] = {}
        query = (
            "SELECT hour, max(first, ?), min(last, ?) FROM touched "
            "WHERE first <= ? AND last >= ? ORDER BY hour, first"
        )
        for first, last in batches:
            for hour, begin, end in self._db.rows(query, first, last, last, first):
                found.setdefault(hour, []).append(f"{begin}-{end}" if end > begin else f"{begin}")
        return {hour: ",".join(runs) for hour, runs in sorted(found.items())}

    def prune(self, connection: sqlite3.Connection, before: float) -> None:
        """Delete what was noted before a time in Unix seconds."""
        connection.execute("DELETE FROM touched WHERE noted < ?", (before,))


def gaps(first: int, last: int, present: Iterable[int]) -> tuple[Range, ...]:
    """Return the numbers from ``first`` to ``last`` that are not ``present``, as ranges."""
    found, expected = [], first
    for number in sorted({number for number in present if first <= number <= last}):
        if number > expected:
            found.append((expected, number - 1))
        expected = number + 1
    if expected <= last:
        found.append((expected, last))
    return tuple(found)


def passed(hwm: int, ahead: Iterable[int], lost: Iterable[Range]) -> int:
    """Return the last number without a gap before it once lost batches are passed."""
    applied, ends = set(ahead), dict(lost)
    while True:
        following = hwm + 1
        if following in ends:
            hwm = ends[following]
        elif following in applied:
            hwm = following
        else:
            return hwm
