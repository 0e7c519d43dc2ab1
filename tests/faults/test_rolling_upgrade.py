"""An upgrade to a made-up next version while mail is logged: service by service, and exact."""

from __future__ import annotations

import re
import secrets
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import create_engine, inspect

from tests.architecture.source_tree import ROOT
from tests.faults import next_version, oracle
from tests.faults.drive import PATIENCE
from tests.faults.site import AGGREGATORS, COLLECTORS, HOSTS, LOADER
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.drive import Drive

USERS = ("aggregator", *(f"collector-{host}" for host in HOSTS))
#: Lines of one host in one go, and seconds between two of them: three hosts write all the time.
LINES, PAUSE = 5, 0.02


class Upgraded:
    """A whole site, in which each service has its own user of Redis."""

    def __init__(self, drive: Drive, secrets_in: Path) -> None:
        self.drive, self.site = drive, drive.site
        secrets_in.mkdir()
        for user in USERS:
            (secrets_in / user).write_text(secrets.token_hex(16))
        made = subprocess.run(
            ["sh", ROOT / "deploy/redis/make-acl", secrets_in],
            capture_output=True,
            text=True,
            check=True,
        )
        self._lines = [line for line in made.stdout.splitlines() if " default " not in line]
        self.give_rights(lambda line: line)
        for name, process in self.site.processes.items():
            host = name.removeprefix("collector-")
            user = f"collector-{host}" if host in HOSTS else "aggregator"
            login = f"redis://{user}:{(secrets_in / user).read_text()}@"
            for variable in ("MAILTALLY_BROKER_URL", "MAILTALLY_STATE_URL"):
                given = process.settings[variable]
                process.settings[variable] = given.replace("redis://", login)

    def give_rights(self, of_version: Callable[[str], str]) -> None:
        """Load the ACL file of a version."""
        with self.drive.redis() as client:
            for line in map(of_version, self._lines):
                _, name, *rules = re.findall(r"\([^)]*\)|\S+", line)
                client.execute_command("ACL", "SETUSER", name, "reset", *rules)

    def upgrade(self, name: str) -> None:
        """Stop one service, and start the next version of it."""
        process = self.site.processes[name]
        self.site.stop(name)
        assert process.wait() == 0
        process.upgrade()
        self.site.start(name)

    def await_tables(self) -> None:
        """The loader has upgraded the database."""
        engine = create_engine(self.site.database_url)
        wait_until(lambda: inspect(engine).has_table(next_version.TABLE), PATIENCE, "its table")
        engine.dispose()

    def batches_of_next_aggregators(self) -> int:
        """Return how many batches they have applied."""
        keys = self.drive.keys
        with self.drive.redis() as client:
            ids = cast("set[bytes]", client.smembers(keys.collectors))
            found = [
                client.hget(keys.ledger(each.decode()), next_version.NEW_FIELD) for each in ids
            ]
        return sum(int(each or 0) for each in found)

    def await_more(self, figure: Callable[[], int], what: str) -> None:
        """A figure grows."""
        before = figure()
        wait_until(lambda: figure() > before, PATIENCE, what)

    def applied_of(self, host: str) -> int:
        """Return how many batches of a host are applied."""
        keys = self.drive.keys
        with self.drive.redis() as client:
            owner = cast("bytes", client.hget(keys.registration(host), "id") or b"")
            return int(cast("bytes", client.hget(keys.ledger(owner.decode()), "hwm") or 0))

    def has_newer_collector(self, host: str) -> bool:
        """Return whether a collector of the next version has sent something."""
        with self.drive.redis() as client:
            owner = cast("bytes", client.hget(self.drive.keys.registration(host), "id"))
            return bool(client.exists(next_version.NEW_KEY + owner.decode()))

    def write(self, lines: int) -> None:
        """Write lines of all hosts."""
        for host in HOSTS:
            self.drive.write(lines, host)

    @contextmanager
    def load(self) -> Iterator[None]:
        """Have all hosts log mail until the end of the block."""
        over = threading.Event()

        def log() -> None:
            while not over.wait(PAUSE):
                self.write(LINES)

        thread = threading.Thread(target=log)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def assert_exact(self) -> None:
        """Everything is counted and billed once, and nothing else is amiss."""
        self.write(1)
        self.drive.await_billed()
        wait_until(lambda: oracle.is_shipped(self.site), PATIENCE, "noting what is applied")
        assert oracle.differences(self.site, self.drive.traffic.truth) == []
        rejected = self.site.statistic_dir / "rejected"
        assert not list(rejected.iterdir())


@pytest.fixture
def upgraded(drive: Drive, place: Path) -> Upgraded:
    """A site of the present version at work."""
    made = Upgraded(drive, place / "secrets")
    drive.start(*AGGREGATORS, *COLLECTORS, LOADER)
    made.write(50)
    drive.await_billed()
    return made


def test_an_upgrade_in_order_under_load_is_exact(upgraded: Upgraded) -> None:
    with upgraded.load():
        upgraded.upgrade(LOADER)
        upgraded.await_tables()
        upgraded.give_rights(next_version.next_rights)
        for name in AGGREGATORS:
            upgraded.upgrade(name)
            upgraded.await_more(upgraded.batches_of_next_aggregators, f"batches of {name}")
        for host, name in zip(HOSTS, COLLECTORS, strict=True):
            upgraded.upgrade(name)
            wait_until(partial(upgraded.has_newer_collector, host), PATIENCE, name)
            upgraded.await_more(partial(upgraded.applied_of, host), f"batches of {name}")
    upgraded.assert_exact()


def test_collectors_before_aggregators_keep_their_batches(upgraded: Upgraded) -> None:
    upgraded.give_rights(next_version.next_rights)
    with upgraded.load():
        upgraded.upgrade(COLLECTORS[0])
        words = "upgrade the aggregators before the collectors"
        logs = [upgraded.site.processes[name].log for name in AGGREGATORS]
        wait_until(lambda: any(words in log.read_text() for log in logs), PATIENCE, words)
        upgraded.await_more(partial(upgraded.applied_of, HOSTS[1]), "batches of the other hosts")
    with upgraded.drive.redis() as client:
        assert not client.exists(upgraded.drive.keys.quarantine)
    upgraded.upgrade(LOADER)
    for name in AGGREGATORS:
        upgraded.upgrade(name)
    upgraded.assert_exact()


def test_aggregators_before_the_loader_keep_their_days_waiting(upgraded: Upgraded) -> None:
    with upgraded.load():
        for name in AGGREGATORS:
            upgraded.upgrade(name)
        upgraded.drive.await_said(LOADER, "a newer version of mailtally wrote it")
    upgraded.upgrade(LOADER)
    upgraded.assert_exact()


def test_an_aggregator_that_is_not_upgraded_yet_leaves_the_days_to_those_that_are(
    upgraded: Upgraded,
) -> None:
    upgraded.upgrade(LOADER)
    upgraded.await_tables()
    statistic = upgraded.site.statistic_dir
    with upgraded.load():
        upgraded.upgrade(AGGREGATORS[0])
        for name in AGGREGATORS[1:]:  # so that the one that is upgraded writes days
            upgraded.site.stop(name)
            upgraded.site.processes[name].wait()
        archived = statistic / "loaded"
        newer = f'"format": {next_version.MANIFEST}'
        wait_until(
            lambda: any(newer in path.read_text() for path in archived.glob("*.json")),
            PATIENCE,
            "a day of the next version",
        )
        upgraded.site.start(AGGREGATORS[1])
        upgraded.site.kill(AGGREGATORS[0])
        upgraded.drive.await_said(AGGREGATORS[1], "The days are left to a newer aggregator")
        upgraded.site.start(AGGREGATORS[0])
    upgraded.assert_exact()


def test_a_collector_before_its_rights_waits_for_them(upgraded: Upgraded) -> None:
    upgraded.upgrade(LOADER)
    for name in AGGREGATORS:
        upgraded.upgrade(name)
    with upgraded.load():
        upgraded.upgrade(COLLECTORS[0])
        upgraded.drive.await_said(COLLECTORS[0], "make its ACL file again")
        upgraded.give_rights(next_version.next_rights)
    upgraded.assert_exact()


def test_a_loader_of_the_present_version_refuses_the_newer_tables(upgraded: Upgraded) -> None:
    upgraded.upgrade(LOADER)
    upgraded.await_tables()
    upgraded.site.kill(LOADER)
    present = upgraded.site.command("loader", "run", "--once")
    present.start()
    assert present.wait() == 1
    assert "if a newer mailtally created it, run that version" in present.last_words()
    upgraded.site.start(LOADER)
    upgraded.assert_exact()
