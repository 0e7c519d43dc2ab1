"""The settings of the aggregator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mailtally_aggregator.policies import GroupLimits, WriterPolicy
from mailtally_shared.runtime.settings import (
    BrokerSettings,
    HealthSettings,
    Seconds,
    SecondsOrZero,
    StatisticSettings,
)
from mailtally_shared.site_settings import Count, SiteSettings


class AggregatorSettings(BrokerSettings, StatisticSettings, SiteSettings, HealthSettings):
    """Merges batches of records into exact daily totals; one of several also writes the days."""

    group_batches: Annotated[Count, Field(description="Most batches in one commit.")] = 32
    group_rows: Annotated[
        Count,
        Field(
            description="Most rows in one commit (one batch is always committed). The rows of two "
            "commits are in memory, at some 40 bytes each."
        ),
    ] = 1_000_000
    group_names: Annotated[
        Count,
        Field(
            description="Number of distinct names, each day's counted separately, at which a "
            "commit is full. Those of two commits are in memory, at some 400 bytes each."
        ),
    ] = 131_072
    group_wait: Annotated[
        SecondsOrZero,
        Field(
            description="Longest time for which batches of a backlog are gathered for one commit. "
            "Lines that are read as they are logged do not wait."
        ),
    ] = 1.0
    retention: Annotated[
        Seconds, Field(description="Time after a day's end until its totals leave Redis.")
    ] = 35 * 86_400.0
    clock_settle: Annotated[
        SecondsOrZero,
        Field(
            description="Time without closing days after a clock has stepped, or after a start "
            "while no collector has reported."
        ),
    ] = 900.0
    writer_interval: Annotated[
        Seconds, Field(description="Interval between checks for days that are due.")
    ] = 1.0
    writer_lease: Annotated[Seconds, Field(description="Lease duration of the day writer.")] = 30.0
    snapshot_interval: Annotated[
        Seconds, Field(description="Interval between snapshots of the state.")
    ] = 300.0

    @property
    def group(self) -> GroupLimits:
        """The limits of a commit."""
        return GroupLimits(
            batches=self.group_batches,
            rows=self.group_rows,
            names=self.group_names,
            wait=self.group_wait,
            max_payload=self.max_payload,
        )

    @property
    def writer(self) -> WriterPolicy:
        """The policy of the day writer."""
        return WriterPolicy(
            days=self.days,
            charging=self.charging,
            expected=self.expected_hosts,
            retention=self.retention,
            written_at=self.written_at,
        )
