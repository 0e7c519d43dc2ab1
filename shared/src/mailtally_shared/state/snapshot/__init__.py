"""Snapshots of the state next to the day files, which refill a Redis that came back empty.

A snapshot is copied in pieces between commits, and shows the state at one moment, its
cut: ledger and totals agree. A restored state is merely an older one: collectors see that
their ledger went back and send again what came after it.

A snapshot is a list of commands whose replay gives the state. While pieces are read, the
scripts that change the state record what they write in a journal (``lua/journal.lua``), and
the journal follows the pieces. A field that nothing wrote meanwhile is in a piece; of any
other one, the last entry of the journal has the value at the cut.
"""

from mailtally_shared.state.snapshot.copying import GivenUp
from mailtally_shared.state.snapshot.crashes import CrashAt
from mailtally_shared.state.snapshot.restoring import restore_newest, restore_snapshot
from mailtally_shared.state.snapshot.stored import snapshots
from mailtally_shared.state.snapshot.taking import KEPT, take_snapshot

__all__ = [
    "KEPT",
    "CrashAt",
    "GivenUp",
    "restore_newest",
    "restore_snapshot",
    "snapshots",
    "take_snapshot",
]
