"""Figures of Redis once everything is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals

if TYPE_CHECKING:
    from mailtally_shared.state.client import State


def memory_used(state: State) -> int:
    """Return the memory in use, in bytes, as Redis counts it."""
    return _info(state, "memory")["used_memory"]


def left_behind(state: State, empty: int) -> dict[str, int]:
    """Return the rows of all days, their bytes of memory, and those of the append-only file.

    Args:
        state: the state; all batches are applied.
        empty: the memory in use before.
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
