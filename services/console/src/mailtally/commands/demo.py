"""The command ``mailtally demo``: count the logs of a simulated cluster, and check every total.

Three mail hosts, three days of logs with a rotation in the middle, two aggregators, the loader. At
the end every total is compared with the figures of the log generator, which uses no mailtally
parser.
"""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.table import Table

from mailtally.local.progress_shown import Progressing
from mailtally.local.site import Site
from mailtally.options import number_option
from mailtally.samples.sample_logs import Truth, write_log
from mailtally.terminal import open_console
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.runtime.lifecycle import Stop
from mailtally_shared.runtime.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from mailtally_shared.columns import Array

HOSTS = ("mail1.example.com", "mail2.example.com", "mail3.example.com")
DAYS = 3
_DAY = 86_400
#: (day, domain) → bytes and messages.
Sums = dict[tuple[date, str], tuple[int, int]]
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Logs:
    """The simulated logs of one host, before and after the rotation."""

    host: str
    directory: Path
    truths: tuple[Truth, Truth]

    @property
    def log(self) -> Path:
        return self.directory / "stats"

    def rotate(self) -> None:
        """Rotate the log as every night, and write the second half of the lines."""
        self.log.rename(self.directory / "stats.1")
        (self.directory / "second-half").rename(self.log)

    def compress(self) -> None:
        """Compress the rotated log, as a later night's rotation does."""
        rotated = self.directory / "stats.1"
        with rotated.open("rb") as plain, gzip.open(f"{rotated}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
        rotated.unlink()


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="Directory for all data of the demo; data of an earlier demo is removed.",
)
@number_option("--lines", click.IntRange(6), 300_000, "Number of log lines to generate.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated logs.")
@plain_errors
def demo(data: Path, lines: int, seed: int) -> None:
    """Count the logs of three simulated mail hosts, and check every total."""
    console = open_console()
    configure_logging("error")
    _clear(data)
    with Stop().install() as stop, Progressing(console, lines) as progressing:
        progressing.step(f"Writing {lines:,} log lines of {len(HOSTS)} mail hosts …")
        logs = list(_write_logs(data / "hosts", lines, seed))
        site = Site(data.absolute(), {"MAILTALLY_AGGREGATOR__EXPECTED_HOSTS": ",".join(HOSTS)})
        with site:
            if not _run(site, logs, stop, progressing):
                sys.exit(1)
    expected = _expected(logs)
    found = _loaded(site.database)
    _report(console, found)
    _say_where(console, site)
    if not _compare(console, expected, found):
        sys.exit(1)


def _clear(data: Path) -> None:
    if data.exists():
        if not (data / "hosts").is_dir() and any(data.iterdir()):
            raise click.UsageError(f"{data} is not empty and not from a demo; name another --data.")
        shutil.rmtree(data)
    (data / "hosts").mkdir(parents=True)


def _write_logs(directory: Path, lines: int, seed: int) -> Iterable[_Logs]:
    midnight = int(datetime.now(UTC).timestamp()) // _DAY * _DAY
    begin, middle, end = (int(midnight - DAYS * _DAY + part * DAYS * _DAY / 2) for part in range(3))
    half = lines // len(HOSTS) // 2
    for number, host in enumerate(HOSTS):
        home = directory / host
        home.mkdir()
        rest = lines - 2 * half * len(HOSTS) if number == 0 else 0
        first = write_log(
            home / "stats",
            host=host,
            lines=half + rest,
            start=begin,
            end=middle,
            seed=seed + number,
            hostile=0.001,
        )
        second = write_log(
            home / "second-half",
            host=host,
            lines=half,
            start=middle,
            end=end,
            seed=seed + 100 + number,
            hostile=0.001,
        )
        yield _Logs(host, home, (first, second))


def _run(site: Site, logs: list[_Logs], stop: Stop, progressing: Progressing) -> bool:
    """Run the logs through the cluster; return false if stopped before the end."""
    halfway = sum(log.truths[0].lines for log in logs)
    total = halfway + sum(log.truths[1].lines for log in logs)
    progressing.step(f"Starting {len(HOSTS)} collectors, 2 aggregators and the loader …")
    site.start_aggregators(2)
    site.start_loader()
    collectors = [site.start_collector([f"{log.log.absolute()}*"], host=log.host) for log in logs]
    if not site.wait_until(lambda: site.progress().lines >= halfway, stop, progressing.tell):
        return False
    progressing.step("Rotating the logs under the collectors …")
    for log in logs:
        log.rotate()
    if not site.wait_until(lambda: site.progress().lines >= total, stop, progressing.tell):
        return False
    progressing.step("Stopping the collectors, compressing a log, and closing the days …")
    site.children.stop(collectors)
    logs[0].compress()
    last = [
        site.start_collector([f"{log.log.absolute()}*"], host=log.host, once=True) for log in logs
    ]
    return site.wait_until(
        lambda: all(child.is_done for child in last) and site.progress().is_settled,
        stop,
        progressing.tell,
    )


def _expected(logs: Iterable[_Logs]) -> Sums:
    """Return the totals of the logs according to their generator."""
    sizes: Counter[tuple[date, str]] = Counter()
    messages: Counter[tuple[date, str]] = Counter()
    for truth in (truth for log in logs for truth in log.truths):
        for key, size, count in _truth_sums(truth):
            sizes[key] += size
            messages[key] += count
    return {key: (sizes[key], messages[key]) for key in messages}


def _truth_sums(truth: Truth) -> Iterable[tuple[tuple[date, str], int, int]]:
    days: Array = truth.time // _DAY
    for day in np.unique(days):
        on_day = days == day
        counts = np.bincount(truth.domain[on_day])
        sizes = np.zeros(len(counts), np.int64)
        np.add.at(sizes, truth.domain[on_day], truth.size[on_day])
        for domain in np.flatnonzero(counts):
            key = (date(1970, 1, 1) + timedelta(days=int(day)), truth.domains[domain])
            yield key, int(sizes[domain]), int(counts[domain])


def _loaded(database: Path) -> Sums:
    """Return the billed totals, read with plain SQL."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT day, domain, bytes, hits_all FROM mail_traffic_daily")
        return {(date.fromisoformat(day), domain): (size, hits) for day, domain, size, hits in rows}


def _report(console: Console, found: Sums) -> None:
    by_domain: dict[str, list[int]] = {}
    for (_, domain), quantities in found.items():
        entry = by_domain.setdefault(domain, [0, 0])
        entry[0] += quantities[0]
        entry[1] += quantities[1]
    table = Table(title=f"The {_SHOWN} busiest of {len(by_domain):,} domains, {DAYS} days")
    table.add_column("domain")
    table.add_column("xFer (kB)", justify="right")
    table.add_column("hits", justify="right")
    busiest = sorted(by_domain.items(), key=lambda item: -item[1][0])
    for domain, (size, hits) in busiest[:_SHOWN]:
        table.add_row(domain, f"{size / 1024:,.1f}", f"{hits:,}")
    totals = [sum(entry[i] for entry in by_domain.values()) for i in range(2)]
    table.add_section()
    table.add_row("all", f"{totals[0] / 1024:,.1f}", f"{totals[1]:,}")
    console.print(table)


def _say_where(console: Console, site: Site) -> None:
    console.print(
        f"Archived day files: {site.statistic_dir / 'loaded'}\n"
        f"Database:           {site.database}\n"
        f"Service logs:       {site.data_dir / 'log'}",
        highlight=False,
        soft_wrap=True,
    )


def _compare(console: Console, expected: Sums, found: Sums) -> bool:
    wrong = sorted(
        key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
    )
    for day, domain in wrong[:_SHOWN]:
        console.print(
            f"[red]Wrong:[/] {day} {domain}: expected {expected.get((day, domain))}, "
            f"found {found.get((day, domain))} (bytes, hits)."
        )
    if wrong:
        console.print(f"[red]{len(wrong)} of {len(expected)} totals are wrong.[/]")
        return False
    console.print(
        f"All {len(expected):,} totals (day and domain, bytes and hits) equal an independent "
        "count of the same logs.",
        highlight=False,
    )
    return True
