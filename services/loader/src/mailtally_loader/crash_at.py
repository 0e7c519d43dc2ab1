"""The points at which a fault test may kill the loader, and the result of each crash."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from mailtally_shared.runtime.crash_points import declare


class CrashAt(StrEnum):
    """Crash points in the order in which a day passes them. None costs a row or an archive."""

    CLAIMING = "loader-claiming"  # some files moved, not the qml file: moved back at the start
    CLAIMED = "loader-claimed"  # the set is in loading/: judged and loaded at the start
    ROWS_LOADING = "loader-rows-loading"  # before each some hundred rows: rolled back
    ROWS_LOADED = "loader-rows-loaded"  # before the commit: rolled back
    COMMITTED = "loader-committed"  # found loaded at the start: archived then
    KEEPING_PREVIOUS = "loader-keeping-previous"  # part of the older archive renamed: the rest is
    ARCHIVING = "loader-archiving"  # part of the archive written: written again
    ARCHIVED = "loader-archived"  # archived, originals still in loading/: archived again
    RELEASED = "loader-released"  # originals renamed, not yet removed: removed
    REASON_WRITTEN = "loader-reason-written"  # still in loading/: judged again


declare(CrashAt)

#: Called when passing a crash point; it may end the work there by raising.
Step = Callable[[CrashAt], None]
