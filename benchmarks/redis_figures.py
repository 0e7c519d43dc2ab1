"""What Redis holds once everything is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_aggregator.totals import Totals
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from mailtally_shared.state.client import State


def memory_used(state: State) -> int:
    """Bytes, as Redis counts them."""
    return _info(state, "memory")["used_memory"]


def left_behind(state: State, empty: int) -> dict[str, int]:
    """Rows of all days, the bytes of memory that they take, and the append-only file's.

    Args:
        state: whose batches are all applied.
        empty: the memory that it used before.
    """
    totals = Totals(state, StateKeys())
    rows = sum(len(totals.read(day.day).rows) for day in totals.days())
    return {
        "rows": rows,
        "memory_bytes": memory_used(state) - empty,
        "file_bytes": _info(state, "persistence")["aof_current_size"],
    }


def _info(state: State, section: str) -> dict[str, int]:
    return cast("dict[str, int]", state.info(section))
