"""Driving a site by hand: write, wait, look."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.state.keys import StateKeys
from tests.faults import oracle
from tests.faults.site import AGGREGATORS, COLLECTORS, HOSTS, LOADER
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from tests.faults.site import Site
    from tests.faults.traffic import Traffic

#: The first of each; enough for most faults.
HOST, COLLECTOR, AGGREGATOR = HOSTS[0], COLLECTORS[0], AGGREGATORS[0]
PATIENCE = 60.0


@dataclass
class Drive:
    """A site, and what was written to its logs."""

    site: Site
    traffic: Traffic
    keys: StateKeys = field(default_factory=StateKeys)

    def start(self, *names: str) -> None:
        """Start some services; by default one collector, one aggregator and the loader."""
        for name in names or (AGGREGATOR, COLLECTOR, LOADER):
            self.site.start(name)

    def write(self, lines: int, host: str = HOST) -> None:
        """Write lines, now and then a malformed one."""
        self.site.logs[host].write(self.traffic.lines(lines, f"{host}.example.net"))

    def await_open(self) -> None:
        """An aggregator has opened the state."""
        with self.redis() as client:
            wait_until(lambda: client.exists(self.keys.format), PATIENCE, "opening the state")

    def await_counted(self) -> None:
        """Every line written so far is in the live totals, once."""
        expected = self.traffic.truth.sums()
        wait_until(lambda: oracle.live(self.site) == expected, PATIENCE, "counting every line")

    def await_billed(self) -> None:
        """It is in the database, too."""
        self.await_counted()
        expected = self.traffic.truth.sums()
        url = self.site.database_url
        wait_until(lambda: oracle.billed(url) == expected, PATIENCE, "billing every line")

    def assert_right(self) -> None:
        """Billed, and nothing else amiss; a fresh line still goes through."""
        self.write(1)
        self.await_billed()
        with suppress(AssertionError):
            wait_until(lambda: not self.differences(), PATIENCE, "agreement with the oracle")
        if found := self.differences():
            raise AssertionError("\n".join(found))

    def spooled(self) -> tuple[int, int]:
        """Batches of the collector that are not applied, and its newest batch's number."""
        path = self.site.state_dir(COLLECTOR) / "state.sqlite"
        with closing(sqlite3.connect(path)) as database:
            query = "SELECT count(*) FILTER (WHERE applied IS NULL), max(seq) FROM batches"
            unapplied, newest = database.execute(query).fetchone()
        return int(unapplied), int(newest or 0)

    def differences(self) -> list[str]:
        """What the oracle has to say; the spool notes a moment later what is applied."""
        return oracle.differences(self.site, self.traffic.truth, [COLLECTOR])

    def await_written(self) -> None:
        """Every day's file holds what was written so far."""
        self.await_counted()
        wait_until(lambda: oracle.is_written(self.site), PATIENCE, "writing every day")

    def await_said(self, name: str, words: str) -> None:
        """A service says something in its log."""
        log = self.site.processes[name].log
        wait_until(lambda: log.exists() and words in log.read_text(), PATIENCE, f"{name}: {words}")

    def redis(self) -> redis.Redis:
        """A client of the server itself, past the network."""
        return self.site.redis.client()
