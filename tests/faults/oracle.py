"""What must be true when the faults are over; each difference is told as a sentence."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, cast

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from mailtally_aggregator.totals import Totals
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
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
            *_compare("in Redis", _live(state), expected),
            *_compare("in the database", billed(site.database_url), expected),
            *_ledgers(state, truth),
            *_kept_aside(state),
        ]
    return [*found, *_spools(site, collectors), *_said(site)]


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
    if (lines, malformed) != (truth.lines, truth.malformed):
        yield (
            f"The ledgers have {lines} lines, {malformed} of them malformed, "
            f"but {truth.lines} and {truth.malformed} were written."
        )


def _kept_aside(state: State) -> Iterator[str]:
    if state.exists(_KEYS.quarantine):
        yield f"{state.hlen(_KEYS.quarantine)} batches are in quarantine."
    if state.exists(_KEYS.late.days):
        yield "Records came too late, though no day was closed."


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
