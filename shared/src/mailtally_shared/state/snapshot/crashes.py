"""The points of taking a snapshot at which a fault test may kill the process."""

from __future__ import annotations

from enum import StrEnum

from mailtally_shared.runtime.crash_points import declare


class CrashAt(StrEnum):
    """What is left by a crash at each point; earlier snapshots are intact at all of them."""

    SNAPSHOT_BEGUN = "writer-snapshot-begun"  # scripts record until the mark in Redis expires
    SNAPSHOT_CUT = "writer-snapshot-cut"  # the rest of the journal expires
    SNAPSHOT_STAGED = "writer-snapshot-staged"  # the snapshot still has its temporary name


declare(CrashAt)
