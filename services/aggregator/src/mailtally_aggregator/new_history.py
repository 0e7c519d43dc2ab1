"""Give the state another history id: it was opened, refilled, or found behind."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from mailtally_aggregator.scripts import source
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import Pair

if TYPE_CHECKING:
    from mailtally_shared.state.keys import StateKeys

#: Ended histories that are remembered. One that is older makes a memory of it suspect, no more.
_KEPT = 10_000


def begin_history(state: State, keys: StateKeys) -> Pair:
    """End the present history where it is, and begin another.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        script = state.register_script(source("history.lua"))
        answer = script(keys=[keys.history, keys.histories], args=[secrets.token_hex(16), _KEPT])
    return Pair(answer[0].decode("ascii"), int(answer[1]))
