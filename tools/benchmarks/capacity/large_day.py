"""The part ``day``: write and load a day of many domains, compared with the fastest way.

=========  ==========================================  ==========================================
           mailtally                                   the barest way
=========  ==========================================  ==========================================
written    a day as read from the state, in columns,   the bytes of those files, ready in memory
           to the day's three files
loaded     read, checked, and in one transaction put   the same rows into the same tables, ready
           into the tables, the load recorded          in the driver's form, in one transaction
=========  ==========================================  ==========================================

Both sync what they write, and begin with empty tables. They run in turns; medians count.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from mailtally_loader.upsert import load
from mailtally_shared.days import DayFacts, DayNames, read_day, write_day
from mailtally_shared.days.day_rows import DayRows
from tools.benchmarks.capacity.databases import Database, databases
from tools.benchmarks.capacity.domains import large_rows
from tools.benchmarks.figures import spread
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.benchmarks.scale import Scale

_HOST = "mail.example.com"
_DAY = datetime.fromtimestamp(1_771_200_000, UTC).date()
_FACTS = DayFacts(day=_DAY, timezone="UTC", revision=1, complete=True)
_BLOCK = 2**20  # bytes written at once

#: Seconds of each round, by action.
Times = dict[str, list[float]]


def measure(scale: Scale) -> dict[str, Any]:
    """Write and load, in turns with the fastest ways."""
    rows = DayRows.of(large_rows(scale.day, _HOST))
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=scale.place)))
        files = place / "files"
        _write_ours(files, rows)
        contents = [path.read_bytes() for path in sorted(files.glob("[!.]*"))]
        found, missing = databases(place, stack)
        ways = {
            "written": lambda: _write_ours(_fresh(place), rows),
            "written plainly": lambda: _write_plainly(_fresh(place), contents),
        }
        for database in found:
            ways[database.title] = _loading(database, files)
            ways[f"{database.title}, {database.barest}"] = _barest(database, files)
        times = _in_turns(ways, scale.repeat)
    medians = {name: median(these) for name, these in times.items()}
    spreads = {name: spread(these) for name, these in times.items()}
    size = sum(map(len, contents))
    figures = {"seconds": medians, "spreads": spreads, "ratios": _ratios(medians)}
    return {"domains": scale.day, "bytes": size, **figures, "missing": missing}


def shown(found: dict[str, Any]) -> str:
    """Return a table with a line per way."""
    rows = [
        (name, f"{seconds:.2f}", f"{found['spreads'][name]:.0%}", _cell(found["ratios"].get(name)))
        for name, seconds in found["seconds"].items()
    ]
    head = (f"{found['domains']:,} domains, {found['bytes'] / 1e6:,.0f} MB", "s", "spread", "ratio")
    missing = [f"{title}: not measured, {what}" for title, what in found["missing"].items()]
    return "\n".join([aligned([head, *rows]), *missing])


def _cell(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _in_turns(ways: dict[str, Callable[[], float]], repeat: int) -> Times:
    """Run each way several times, A B C A B C, with a sync of the disk in between."""
    times: Times = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            times[name].append(way())
            os.sync()
    return times


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    """Return the ratio of mailtally's way to the fastest, which follows it."""
    names = list(seconds)
    return {
        ours: seconds[ours] / seconds[bare]
        for ours, bare in zip(names[::2], names[1::2], strict=True)
    }


def _fresh(place: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=place))


def _write_ours(directory: Path, rows: DayRows) -> float:
    begin = time.perf_counter()
    write_day(directory, _FACTS, rows, now=begin)
    return time.perf_counter() - begin


def _write_plainly(directory: Path, contents: Iterable[bytes]) -> float:
    begin = time.perf_counter()
    for number, content in enumerate(contents):
        with (directory / str(number)).open("wb", buffering=0) as file:
            for first in range(0, len(content), _BLOCK):
                file.write(content[first : first + _BLOCK])
            os.fsync(file.fileno())
    return time.perf_counter() - begin


def _loading(database: Database, files: Path) -> Callable[[], float]:
    def way() -> float:
        engine = database.emptied()
        begin = time.perf_counter()
        day_set = read_day(files, DayNames.of(_DAY))
        load(engine, day_set, now=time.time(), step=lambda _: None)
        return time.perf_counter() - begin

    return way


def _barest(database: Database, files: Path) -> Callable[[], float]:
    day_set = read_day(files, DayNames.of(_DAY))
    daily = [(_DAY, *row, 1) for rows in day_set.charged() for row in rows]
    detail = [(_DAY, *row) for rows in day_set.counted() for row in rows]
    ready = database.ready(daily, detail)
    gc.freeze()

    def way() -> float:
        engine = database.emptied()
        begin = time.perf_counter()
        database.fill(engine, *ready)
        return time.perf_counter() - begin

    return way
