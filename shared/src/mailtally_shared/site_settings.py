"""The settings of an accounting site: what is charged, when days are due, what the state may hold.

They belong to the aggregator's table. The console's commands need them too, and use the class that
the installed aggregator names; see ``mailtally.settings``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from mailtally_shared.days import ChargingPolicy
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.runtime.settings import (
    Bytes,
    ClusterSettings,
    CommaList,
    Seconds,
    SecondsOrZero,
)
from mailtally_shared.schema import host_name
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.state.uncounted.quarantine import QuarantineLimits

Count = Annotated[int, Field(gt=0)]


def _host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(host_name, names))


class SiteSettings(ClusterSettings):
    """What is charged, when a day is due, and how much the state may hold."""

    service: ClassVar[str] = "aggregator"

    max_payload: Annotated[Bytes, Field(description="Largest payload accepted, uncompressed.")] = (
        256 * 2**20
    )
    quarantine_batches: Annotated[
        Count,
        Field(description="Batches that the quarantine holds before aggregators wait for room."),
    ] = 1000
    quarantine_bytes: Annotated[
        Bytes,
        Field(description="Bytes that the quarantine holds before aggregators wait for room."),
    ] = 256 * 2**20
    max_names: Annotated[
        Count,
        Field(description="Distinct names per day; further ones are charged to (overflow)."),
    ] = 2_000_000
    max_statuses: Annotated[
        Count,
        Field(description="Distinct unknown statuses per day; further ones count as other."),
    ] = 200
    max_hosts: Annotated[
        Count,
        Field(
            description="Host names that the lines of one mail host's collectors may contain; a "
            "batch with more is quarantined."
        ),
    ] = 1000
    max_days: Annotated[
        Count,
        Field(description="Days in Redis at once; a batch that would open more is quarantined."),
    ] = 4000
    future_slack: Annotated[
        SecondsOrZero,
        Field(
            description="Time by which a record may lie ahead of Redis's and the aggregator's "
            "clocks; a record further ahead is held until its time comes."
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
        AfterValidator(_host_names),
        Field(description="Collector host names whose days are waited for, seen or not."),
    ] = ()
    grace: Annotated[
        SecondsOrZero,
        Field(
            description="Time beyond a day's end that collectors must have read before it is due."
        ),
    ] = 900.0
    deadline: Annotated[
        Seconds,
        Field(
            description="Longest wait of a day for missing hosts, from its end or its first line."
        ),
    ] = 6 * 3600.0
    restate_after: Annotated[
        SecondsOrZero,
        Field(description="Time without new lines after which a written day is written again."),
    ] = 60.0
    restate_at_most: Annotated[
        Seconds,
        Field(description="Longest time until a day with new lines is written again."),
    ] = 900.0
    charged_statuses: Annotated[
        CommaList,
        Field(description="Statuses that are charged, comma-separated, or all.", min_length=1),
    ] = ("all",)
    charged_quantity: Annotated[
        Literal["bytes", "transferred"],
        Field(description="Quantity that is charged: bytes as logged, or bytes times attempts."),
    ] = "bytes"
    hits: Annotated[
        Literal["all", "in-out"],
        Field(description="Columns of hits: all in Hits_All, or outgoing ones in Hits_HTML."),
    ] = "all"
    written_at: Annotated[
        float | None,
        Field(
            ge=0,
            description="Unix seconds to state in manifests instead of the time of writing, "
            "for reproducible files.",
        ),
    ] = None

    @property
    def caps(self) -> Caps:
        """The limits of the state."""
        return Caps(
            names=self.max_names,
            statuses=self.max_statuses,
            days=self.max_days,
            hosts=self.max_hosts,
            future_slack=self.future_slack,
            held_names=self.held_names,
        )

    @property
    def quarantine(self) -> QuarantineLimits:
        """The limits of the quarantine."""
        return QuarantineLimits(batches=self.quarantine_batches, bytes=self.quarantine_bytes)

    @property
    def charging(self) -> ChargingPolicy:
        """The charging policy."""
        everything = self.charged_statuses == ("all",)
        return ChargingPolicy(
            charged_statuses="all" if everything else self.charged_statuses,
            quantity=self.charged_quantity,
            hits=self.hits,
        )

    @property
    def days(self) -> DayPolicy:
        """The policy by which a day is due."""
        return DayPolicy(
            grace=self.grace,
            deadline=self.deadline,
            restate_after=self.restate_after,
            restate_at_most=self.restate_at_most,
        )
