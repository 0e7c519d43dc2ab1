"""The points at which a fault test may kill an aggregator, and the cost of each crash."""

from enum import StrEnum

from mailtally_shared.runtime.crash_points import declare


class CrashAt(StrEnum):
    """Points between two lasting effects; nothing may be lost or doubled at any of them."""

    RECEIVED = "aggregator-received"  # taken from the queue, not examined
    MERGED = "aggregator-merged"  # payloads fetched and decoded, nothing committed
    TAKEN = "aggregator-taken"  # about to be committed, while the next group is gathered
    COMMITTED = "aggregator-committed"  # in the ledger, not acknowledged to the broker
    ACKNOWLEDGED = "aggregator-acknowledged"
    REVISION_TAKEN = "writer-revision-taken"  # a number is used up, nothing written
    DAY_WRITTEN = "writer-day-written"  # files in place, not yet recorded in the state


declare(CrashAt)
