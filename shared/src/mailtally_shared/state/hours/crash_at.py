"""The points at which a fault test may kill the process, and the cost of each crash."""

from enum import StrEnum

from mailtally_shared.runtime.crash_points import declare


class CrashAt(StrEnum):
    """Points of a compaction, which is one script: the list has the parts, or their sum."""

    HOURS_ADDED_UP = "writer-hours-added-up"  # in memory only
    HOURS_COMPACTED = "writer-hours-compacted"


declare(CrashAt)
