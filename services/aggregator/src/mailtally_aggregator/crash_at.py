"""The places where a fault test may kill an aggregator, and what that costs."""

from enum import StrEnum

from mailtally_shared.process.crash_points import declare


class CrashAt(StrEnum):
    """Between two lasting effects; nothing may be lost or doubled at any of them."""

    RECEIVED = "aggregator-received"  # taken from the queue, not looked at
    MERGED = "aggregator-merged"  # payloads fetched and decoded, nothing committed
    COMMITTED = "aggregator-committed"  # in the ledger, not acknowledged to the broker
    ACKNOWLEDGED = "aggregator-acknowledged"
    REVISION_TAKEN = "writer-revision-taken"  # a number is used up, nothing written
    DAY_WRITTEN = "writer-day-written"  # files in place, the state does not know
    SNAPSHOT_STAGED = "writer-snapshot-staged"  # the new snapshot's file is not yet named


declare(CrashAt)
