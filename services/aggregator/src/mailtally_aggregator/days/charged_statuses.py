"""Charged statuses that no record has: they bill nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_shared.audit.settings import unmatched
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.read.audited import read_names

if TYPE_CHECKING:
    from mailtally_shared.days import ChargingPolicy
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


def warn_of_unmatched(state: State, keys: StateKeys, policy: ChargingPolicy) -> None:
    """Log a warning for each charged status that is neither known nor on any day.

    Raises:
        Unavailable: Redis does not answer.
    """
    for status, sentence in unmatched(policy, read_names(state, keys).statuses):
        event(
            _log,
            logging.WARNING,
            "status-unknown",
            f"{sentence} It bills nothing: correct it with mailtally policy.",
            status=status,
        )
