"""Sweeping the sets of host names and collector ids of those that were never registered.

Each collector may add names to those two sets, and none may remove one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.scripts import Writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.state.keys import StateKeys

#: Number of names, and their bytes, that are left for an operator to look at.
FEW_NAMES, FEW_BYTES = 1000, 2**20
_LONGEST_HOST, _LONGEST_ID = 255, 32
#: Steps of one sweep, of some thousand names each.
_MOST_STEPS = 10_000

_log = logging.getLogger(__name__)


def sweep(state: State, keys: StateKeys) -> None:
    """Remove the names that were never registered from a set that has grown large.

    Raises:
        Unavailable: Redis does not answer.
    """
    registrations = keys.registration("")
    of_an_id = [keys.ledger(""), keys.said(""), keys.missing("")]
    _sweep(state, keys, keys.hosts, _LONGEST_HOST, [registrations, "", "", ""])
    _sweep(state, keys, keys.collectors, _LONGEST_ID, [registrations, *of_an_id])


def _sweep(state: State, keys: StateKeys, key: str, longest: int, prefixes: Sequence[str]) -> None:
    script = Writing(state, keys, "ledger.lua", "sweep.lua")
    with unavailable_errors():
        before = state.scard(key)
        if before <= FEW_NAMES and (state.memory_usage(key, samples=0) or 0) <= FEW_BYTES:
            return
        cursor = b"0"
        for _ in range(_MOST_STEPS):
            cursor = script(keys=[key], args=[cursor, longest, *prefixes])
            if cursor == b"0":
                break
        removed = before - state.scard(key)
    if removed > 0:
        event(
            _log,
            logging.WARNING,
            "names-swept",
            f"{removed} names in {key} that no collector registered were removed: someone with "
            "a collector's password added them.",
            names=removed,
        )
