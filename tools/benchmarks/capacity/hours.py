"""The part ``hours``: what counting by hour costs the aggregator and Redis.

The same batches of one day are committed with hours off and on: *live*, some twenty thousand
records a commit, and as a *backlog*, a million records a commit, each of another part of the day.
The day writer's turn follows every few commits. Ratios are those of on to off.
"""

from __future__ import annotations

import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally_aggregator.days.hours_turn import HoursTurn
from mailtally_aggregator.opening import open_state
from mailtally_collector.ship.ledger import Ledger, Registration
from mailtally_collector.spool.state_db import new_id
from mailtally_shared.calendar import Calendar
from mailtally_shared.columns import Columns
from mailtally_shared.rows import Rows, fold
from mailtally_shared.schema import Service
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import StateKeys, host_mark
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.wire.announcement import BatchHeader
from tools.benchmarks.capacity.redis_figures import memory_used
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.benchmarks.scale import Scale

_DAY, _HOST, _HOUR = 1_771_200_000, "bench", 3600
_CALENDAR = Calendar(ZoneInfo("Europe/Berlin"))
_KEYS = StateKeys()
_HOSTS = ("mail1.example.net", "mail2.example.net", "mail3.example.net")
_STATUSES = ("success", "failure", "deferred")
_DOMAINS = (1000, 20_000)
#: Commits from one turn of the day writer to the next.
_TURN = 5


class Load(NamedTuple):
    """Commits over a day, and the number of records of each."""

    name: str
    commits: int
    records: int


#: Of 5,000,000 lines a day; more lines make more commits.
LOADS = (Load("live", 250, 20_000), Load("backlog", 24, 1_000_000))


@dataclass(frozen=True, slots=True)
class Cost:
    """What all commits of a load cost, in processor seconds and bytes."""

    ours: float
    redis: float
    memory: int
    file: int
    hours: int  # bytes of the list of hours
    parts: int


def measure(scale: Scale) -> dict[str, Any]:
    """Return the medians by number of domains and load, with hours off and on in turns."""
    found: dict[str, Any] = {}
    share = min(1.0, scale.lines / 5_000_000)
    for domains in _DOMAINS:
        for load in LOADS:
            commits = max(2, int(load.commits * share))
            batches = [_rows(domains, load, commits, each) for each in range(commits)]
            runs: dict[bool, list[Cost]] = {False: [], True: []}
            for _ in range(scale.repeat):
                for hours, costs in runs.items():
                    costs.append(_once(batches, hours=hours))
            medians = {
                "on" if hours else "off": {
                    name: median(getattr(cost, name) for cost in costs) for name in Cost.__slots__
                }
                for hours, costs in runs.items()
            }
            name = f"{domains:,} domains, {load.name}"
            found[name] = {"records": commits * load.records, **medians}
    return found


def shown(found: dict[str, Any]) -> str:
    """Return a table with a line per load."""
    head: tuple[str, ...] = (
        "",
        *("Redis CPU s off", "on", "times"),
        *("memory MB off", "on", "times"),
    )
    head += ("of it hours", "file times", "aggregator CPU s off", "on", "parts")
    rows = [head]
    for name, costs in found.items():
        off, on = costs["off"], costs["on"]
        rows.append(
            (
                name,
                *(f"{off['redis']:.2f}", f"{on['redis']:.2f}", _ratio(on, off, "redis")),
                *(_megabytes(off["memory"]), _megabytes(on["memory"]), _ratio(on, off, "memory")),
                _megabytes(on["hours"]),
                _ratio(on, off, "file"),
                *(f"{off['ours']:.2f}", f"{on['ours']:.2f}"),
                f"{on['parts']:.0f}",
            )
        )
    return aligned(rows)


def _ratio(on: dict[str, float], off: dict[str, float], name: str) -> str:
    return f"{on[name] / max(off[name], 1e-9):.2f}"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f}"


def _rows(domains: int, load: Load, commits: int, number: int) -> Rows:
    """Return the folded records of one commit.

    They are of three hosts, five services and three statuses; domains have Zipf frequencies.
    """
    random = np.random.default_rng(number)
    weights = 1 / np.arange(1, domains + 1)
    length = 86_400 // commits
    start = _DAY - _HOUR + number * length  # midnight of the zone
    drawn = random.choice(domains, load.records, p=weights / weights.sum())
    named, domain = np.unique(drawn, return_inverse=True)
    records = Columns(
        time=start + random.integers(0, length, load.records),
        size=random.lognormal(9, 1.5, load.records).astype(np.int64),
        attempts=np.where(random.random(load.records) < 0.02, 2, 1).astype(np.int64),  # noqa: PLR2004 - few are repeated
        service=random.integers(0, len(Service), load.records).astype(np.uint8),
        host=random.integers(0, len(_HOSTS), load.records).astype(np.uint16),
        status=random.choice(3, load.records, p=(0.9, 0.06, 0.04)).astype(np.uint8),
        domain=domain.astype(np.uint32),
        hosts=_HOSTS,
        statuses=_STATUSES,
        domains=tuple(f"customer-{number:05d}.example.com" for number in named.tolist()),
    )
    return fold(Rows.of(records, _HOUR))


def _once(batches: Sequence[Rows], *, hours: bool) -> Cost:
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        place = Path(temp)
        with EmbeddedRedis(place / "data") as server:
            state = connect_state(server.state_url, timeout=60)
            open_state(state, _KEYS, place / "statistic")
            who = Registration(_HOST, new_id(host_mark(_HOST)), 1, "0" * 32)
            Ledger(state, _KEYS).register(who, None, None, "benchmark")
            memory, redis, ours = memory_used(state), _redis_cpu(state), _own_cpu()
            _commit_all(state, who, batches, hours=hours)
            return Cost(
                ours=_own_cpu() - ours,
                redis=_redis_cpu(state) - redis,
                memory=memory_used(state) - memory,
                file=int(_info(state, "persistence")["aof_current_size"]),
                **_hours_kept(state),
            )


def _commit_all(state: State, who: Registration, batches: Sequence[Rows], *, hours: bool) -> None:
    committer = Committer(state, _KEYS, _CALENDAR, hours=hours)
    totals, lease = Totals(state, _KEYS), Lease(state, _KEYS, 3600)
    turn = HoursTurn(totals=totals, keys=_KEYS, lease=lease, calendar=_CALENDAR)
    lease.hold()
    for number, rows in enumerate(batches, 1):
        records = int(rows.messages.sum())
        header = BatchHeader(
            collector_id=who.collector_id,
            epoch=who.epoch,
            nonce=who.nonce,
            host=who.host,
            seq=number,
            lines=records,
            records=records,
            rows=len(rows),
            watermark=0,
            progress="{}",
            payload_key=_KEYS.payload(who.collector_id, number, "0" * 32),
            payload_bytes=1,
            checksum="0" * 32,
        )
        applied = committer.apply([Batch(header, rows)], [], time.time()).applied
        if len(applied) != 1:
            raise AssertionError(f"batch {number} was not applied")
        if number % _TURN == 0:
            turn.compact(totals.days())


def _hours_kept(state: State) -> dict[str, int]:
    found = [_KEYS.totals.hours(day.day) for day in Totals(state, _KEYS).days()]
    sizes = [state.memory_usage(key, samples=0) or 0 for key in found]
    return {"hours": sum(sizes), "parts": sum(int(state.llen(key)) for key in found)}


def _redis_cpu(state: State) -> float:
    found = _info(state, "cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _info(state: State, section: str) -> dict[str, Any]:
    return state.info(section)
