"""What must be true when the faults are over; each difference is told as a sentence."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, cast

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals
from tests.faults.site import COLLECTORS
from tests.faults.traffic import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailtally_shared.state.client import State
    from tests.faults.site import Site
    from tests.faults.traffic import Key, Truth

Sums = dict["Key", tuple[int, int]]
_KEYS = StateKeys()
_SHOWN = 5  # differences of one kind


def live(site: Site) -> Sums:
    """Messages and bytes in Redis, by day and domain."""
    with connect_state(site.redis.url) as state:
        return _live(state)


def _live(state: State) -> Sums:
    sums: Sums = {}
    for day in DAYS:
        for row in Totals(state, _KEYS).read(day).rows:
            messages, size = sums.get((day, row.domain), (0, 0))
            sums[day, row.domain] = (messages + row.messages, size + row.bytes)
    return sums


def billed(database_url: str) -> Sums:
    """Hits and bytes in the database, by day and domain."""
    query = text("SELECT day, domain, hits_all, bytes FROM mail_traffic_daily")
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    except (OperationalError, ProgrammingError):  # no tables yet
        return {}
    finally:
        engine.dispose()
    days = {day.isoformat(): day for day in DAYS}
    return {(days[str(day)], domain): (hits, size) for day, domain, hits, size in rows}


def is_written(site: Site) -> bool:
    """Whether every day's files hold all that is counted of it."""
    with connect_state(site.redis.url) as state:
        for day in DAYS:
            changes, written = state.hmget(_KEYS.totals.day(day), "changes", "written_changes")
            if changes != written:
                return False
    return True


def differences(site: Site, truth: Truth, collectors: Sequence[str] = COLLECTORS) -> list[str]:
    """Everything that is not as it must be; nothing is under way any more."""
    expected = truth.sums()
    with connect_state(site.redis.url) as state:
        found = [
            *_compare("in Redis", truth.certain(_live(state)), expected),
            *_compare("in the database", truth.certain(billed(site.database_url)), expected),
            *_ledgers(state, truth),
            *_kept_aside(state),
        ]
    return [*found, *_spools(site, collectors), *_said(site)]


def too_much(found: Sums, truth: Truth) -> Iterator[str]:
    """What was counted more often than it was written; some of it may be missing."""
    expected = truth.sums()
    for key, (messages, size) in sorted(truth.certain(found).items()):
        most = expected.get(key, (0, 0))
        if messages > most[0] or size > most[1]:
            yield f"{key[0]} {key[1]} has {messages} messages, and {most[0]} were written."


def lowered(before: Sums, after: Sums) -> Iterator[str]:
    """What is billed now with less than was billed before."""
    for key, (messages, size) in sorted(before.items()):
        now = after.get(key, (0, 0))
        if now[0] < messages or now[1] < size:
            yield f"{key[0]} {key[1]} was billed {messages} messages, and is now {now[0]}."


def _compare(where: str, found: Sums, expected: Mapping[Key, tuple[int, int]]) -> Iterator[str]:
    wrong = [k for k in expected.keys() | found.keys() if found.get(k) != expected.get(k)]
    for day, domain in sorted(wrong)[:_SHOWN]:
        is_, should = found.get((day, domain), (0, 0)), expected.get((day, domain), (0, 0))
        yield (
            f"{day} {domain} has {is_[0]} messages of {is_[1]} bytes {where}, "
            f"but {should[0]} of {should[1]} were written."
        )


def _ledgers(state: State, truth: Truth) -> Iterator[str]:
    """Lines read = records + malformed, over all collectors that ever were."""
    lines = malformed = 0
    for collector in cast("set[bytes]", state.smembers(_KEYS.collectors)):
        ledger = state.hgetall(_KEYS.ledger(collector.decode()))
        for name, value in cast("dict[bytes, bytes]", ledger).items():
            lines += int(value) if name == b"lines" else 0
            malformed += int(value) if name.startswith(b"malformed:") else 0
    surplus, torn = lines - truth.lines, malformed - truth.malformed
    doubtful = len(truth.doubtful) + truth.torn
    if not 0 <= surplus <= doubtful or not 0 <= torn <= doubtful:
        yield (
            f"The ledgers have {lines} lines, {malformed} of them malformed, "
            f"but {truth.lines} and {truth.malformed} were written, and {doubtful} in doubt."
        )


def _kept_aside(state: State) -> Iterator[str]:
    if records := int(cast("bytes | None", state.hget(_KEYS.quarantine_sums, "records")) or 0):
        yield f"{records} records are in quarantine."
    if state.exists(_KEYS.late.days):
        yield "Records came too late, though no day was closed."


def is_shipped(site: Site) -> bool:
    """Whether every batch of every collector is applied."""
    return next(_spools(site, COLLECTORS), None) is None


def _spools(site: Site, collectors: Sequence[str]) -> Iterator[str]:
    for name in collectors:
        path = site.state_dir(name) / "state.sqlite"
        if not path.exists():
            yield f"{path} was never made."
            continue
        database = sqlite3.connect(path)
        query = "SELECT count(*) FROM batches WHERE applied IS NULL"
        (count,) = database.execute(query).fetchone()
        database.close()
        if count:
            yield f"{count} batches of {name} are not applied."


def _said(site: Site) -> Iterator[str]:
    """No service may ever end in a way that its authors did not foresee."""
    for name, process in site.processes.items():
        said = process.log.read_text("utf-8", "replace") if process.log.exists() else ""
        for line in said.splitlines():
            if line.startswith(("Unexpected ", "Exception in thread ")):
                yield f"{name} said: {line}"
