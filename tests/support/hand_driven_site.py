"""A whole site without processes: a test counts, writes and loads when it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailtally_aggregator.days.day_writer import DayWriter
from mailtally_aggregator.policies import WriterPolicy
from mailtally_loader.inbox import Inbox
from mailtally_loader.loader import Loader
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.calendar import Calendar
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import FORMAT, StateKeys
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.totals import Totals
from tests.support.records import FakeCollector, Record, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from mailtally_shared.state.client import State


#: Days are written as soon as the collector passed them.
POLICY = WriterPolicy(days=DayPolicy(grace=0, restate_after=0))


@dataclass
class HandDrivenSite:
    """One state, one statistic directory, one database.

    ``passed`` is up to when (Unix seconds) the collector says it has read.
    """

    state: State
    data_dir: Path
    database_url: str
    policy: WriterPolicy = POLICY
    keys: StateKeys = field(default_factory=StateKeys)

    def __post_init__(self) -> None:
        self.state.set(self.keys.format, FORMAT)
        self.calendar = Calendar(ZoneInfo("UTC"))
        self.statistic_dir = self.data_dir / "statistic"
        self.collector = FakeCollector(self.state, self.keys)
        self._lease = Lease(self.state, self.keys, 3600)

    def count(self, records: Sequence[Record], passed: int) -> None:
        """Apply one batch."""
        committer = Committer(self.state, self.keys, self.calendar)
        header = self.collector.batch(records, watermark=passed)
        assert committer.apply([Batch(header, rows(records))], [], passed).applied

    def write(self, now: float) -> None:
        """Write every day that is due, as its files."""
        writer = DayWriter(
            totals=Totals(self.state, self.keys),
            lease=self._lease,
            keys=self.keys,
            calendar=self.calendar,
            directory=self.statistic_dir,
            policy=self.policy,
        )
        assert writer.tick(now)

    def load(self, now: float) -> None:
        """Load and archive every file that is there."""
        engine = open_engine(self.database_url)
        upgrade(engine)
        loader = Loader(
            engine,
            self.statistic_dir,
            Inbox(self.statistic_dir, 0),
            max_file_bytes=1 << 28,
            step=lambda _: None,
        )
        loader.make_directories()
        loader.work(now=now, monotonic=0.0)
        engine.dispose()

    def put_into_environment(self, state_url: str, environment: pytest.MonkeyPatch) -> None:
        """Let commands find the site by their settings, as on a cluster."""
        environment.setenv("MAILTALLY_STATE_URL", state_url)
        environment.setenv("MAILTALLY_DATABASE_URL", self.database_url)
        environment.setenv("MAILTALLY_DATA_DIR", str(self.data_dir))
