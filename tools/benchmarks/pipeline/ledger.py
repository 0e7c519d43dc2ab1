"""The progress of a pipeline, by its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from mailtally_shared.state.client import State


def collectors(state: State) -> list[str]:
    """Return the ids of all registered collectors."""
    found = cast("set[bytes]", state.smembers(StateKeys().collectors))
    return [one.decode("ascii") for one in found]


def applied_records(state: State) -> int:
    """Return the number of records in the totals."""
    found = [state.hget(StateKeys().ledger(one), "records") for one in collectors(state)]
    return sum(int(cast("bytes | None", records) or 0) for records in found)
