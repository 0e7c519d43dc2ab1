"""The settings of the aggregator."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mailtally_aggregator.day_writer import WriterPolicy
from mailtally_aggregator.intake import GroupLimits
from mailtally_aggregator.quarantine import QuarantineLimits
from mailtally_aggregator.request import Caps
from mailtally_aggregator.watermark import DayPolicy
from mailtally_shared.day_files import ChargingPolicy
from mailtally_shared.process.settings import (
    BrokerSettings,
    Bytes,
    ClusterSettings,
    CommaList,
    HealthSettings,
    Seconds,
    SecondsOrZero,
    StatisticSettings,
)

Count = Annotated[int, Field(gt=0)]


class AggregatorSettings(BrokerSettings, StatisticSettings, ClusterSettings, HealthSettings):
    """Merges batches of records into exact daily totals; one of several also writes the days."""

    service: ClassVar[str] = "aggregator"

    group_batches: Annotated[Count, Field(description="Batches committed together, at most.")] = 32
    group_records: Annotated[
        Count, Field(description="Records committed together, at most (one batch always is).")
    ] = 1_000_000
    group_names: Annotated[
        Count,
        Field(description="Names in batches committed together, at most (one batch always is)."),
    ] = 262_144
    max_payload: Annotated[Bytes, Field(description="Largest payload accepted, decompressed.")] = (
        256 * 2**20
    )
    max_names: Annotated[
        Count,
        Field(description="Distinct names a day; new ones beyond are charged to (overflow)."),
    ] = 2_000_000
    max_statuses: Annotated[
        Count, Field(description="Distinct unknown statuses a day; others are called other.")
    ] = 200
    max_hosts: Annotated[
        Count,
        Field(
            description="Host names that the lines of one mail host's collectors may name; a batch "
            "that names more is quarantined."
        ),
    ] = 1000
    max_days: Annotated[
        Count,
        Field(description="Days in Redis at once; a batch that would open more is kept aside."),
    ] = 4000
    future_slack: Annotated[
        SecondsOrZero,
        Field(
            description="How far ahead of Redis's and the aggregator's clock a record may lie; "
            "one beyond that is held until its time comes."
        ),
    ] = 86_400.0
    held_names: Annotated[
        Count,
        Field(
            description="Names held under one collector, over all days and hosts; a batch that "
            "would hold more is quarantined."
        ),
    ] = 20_000
    expected_hosts: Annotated[
        CommaList,
        Field(description="Collector host names whose days are waited for, seen or not."),
    ] = ()
    grace: Annotated[
        SecondsOrZero,
        Field(description="How far beyond a day's end a collector must have read for the day."),
    ] = 900.0
    deadline: Annotated[
        Seconds,
        Field(
            description="How long a day waits for missing hosts, from its end or its first line."
        ),
    ] = 6 * 3600.0
    restate_after: Annotated[
        SecondsOrZero, Field(description="Quiet time before a written day is written anew.")
    ] = 60.0
    restate_at_most: Annotated[
        Seconds, Field(description="A changed day is written anew at least this often.")
    ] = 900.0
    retention: Annotated[
        Seconds, Field(description="After a day's end: its totals then leave Redis.")
    ] = 35 * 86_400.0
    clock_settle: Annotated[
        SecondsOrZero,
        Field(
            description="How long no day is closed after a clock has stepped, or while no "
            "collector confirms the clocks after a start."
        ),
    ] = 900.0
    charged_statuses: Annotated[
        CommaList, Field(description="Statuses whose records are charged, or all.", min_length=1)
    ] = ("all",)
    charged_quantity: Annotated[
        Literal["bytes", "transferred"],
        Field(description="Bytes as logged, or times attempts."),
    ] = "bytes"
    hits: Annotated[
        Literal["all", "in-out"],
        Field(description="All messages in Hits_All, or outgoing ones in Hits_HTML."),
    ] = "all"
    written_at: Annotated[
        float | None,
        Field(
            ge=0,
            description="Unix seconds to state in manifests instead of the time of writing, "
            "for reproducible files.",
        ),
    ] = None
    quarantine_batches: Annotated[
        Count, Field(description="Batches kept aside before the aggregator waits for room.")
    ] = 1000
    quarantine_bytes: Annotated[
        Bytes, Field(description="Bytes kept aside before the aggregator waits for room.")
    ] = 256 * 2**20
    writer_interval: Annotated[
        Seconds, Field(description="How often it is looked for days to write.")
    ] = 1.0
    writer_lease: Annotated[
        Seconds, Field(description="How long a silent day writer keeps its office.")
    ] = 30.0
    snapshot_interval: Annotated[
        Seconds, Field(description="How often the state is saved beside the day files.")
    ] = 300.0

    @property
    def caps(self) -> Caps:
        """How much the state may hold."""
        return Caps(
            names=self.max_names,
            statuses=self.max_statuses,
            days=self.max_days,
            hosts=self.max_hosts,
            future_slack=self.future_slack,
            held_names=self.held_names,
        )

    @property
    def group(self) -> GroupLimits:
        """How much is committed at once."""
        return GroupLimits(
            batches=self.group_batches,
            records=self.group_records,
            names=self.group_names,
            max_payload=self.max_payload,
        )

    @property
    def quarantine(self) -> QuarantineLimits:
        """The limits of what is kept aside."""
        return QuarantineLimits(batches=self.quarantine_batches, bytes=self.quarantine_bytes)

    @property
    def charging(self) -> ChargingPolicy:
        """What is charged."""
        everything = self.charged_statuses == ("all",)
        return ChargingPolicy(
            charged_statuses="all" if everything else self.charged_statuses,
            quantity=self.charged_quantity,
            hits=self.hits,
        )

    @property
    def writer(self) -> WriterPolicy:
        """What the day writer works by."""
        return WriterPolicy(
            days=DayPolicy(
                grace=self.grace,
                deadline=self.deadline,
                restate_after=self.restate_after,
                restate_at_most=self.restate_at_most,
            ),
            charging=self.charging,
            expected=self.expected_hosts,
            retention=self.retention,
            written_at=self.written_at,
        )
