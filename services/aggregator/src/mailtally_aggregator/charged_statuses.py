"""Charged statuses that no record has: nothing is billed by them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.foreign import text
from mailtally_aggregator.totals import Totals
from mailtally_shared.columns import KNOWN_STATUSES, OTHER_STATUS
from mailtally_shared.process.logs import event
from mailtally_shared.process.settings.spelling import with_suggestion
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailtally_shared.day_files import ChargingPolicy
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


def unmatched(
    policy: ChargingPolicy, seen: Collection[str], known: Collection[str] = KNOWN_STATUSES
) -> Iterator[tuple[str, str]]:
    """Yield each charged status that is neither known nor ``seen``, and a sentence about it."""
    if policy.charged_statuses == "all":
        return
    for status in sorted(set(policy.charged_statuses) - {*known, *seen, OTHER_STATUS}):
        sentence = (
            f"MAILTALLY_AGGREGATOR__CHARGED_STATUSES has {status!r}, "
            "which is no known status, and no record of the last days has it"
        )
        yield status, f"{with_suggestion(sentence, status, known).rstrip('?')}."


def seen_statuses(state: State, keys: StateKeys) -> set[str]:
    """Return the statuses on the days in the state that are none of the known ones."""
    found = set[str]()
    for day in Totals(state, keys).days():
        with unavailable_errors():
            names = cast("set[bytes]", state.smembers(keys.totals.statuses(day.day)))
        found |= {text(name) for name in names}
    return found


def warn_of_unmatched(state: State, keys: StateKeys, policy: ChargingPolicy) -> None:
    """Log a warning for each charged status that no known log has and no record had.

    Raises:
        Unavailable: Redis does not answer.
    """
    for status, sentence in unmatched(policy, seen_statuses(state, keys)):
        event(
            _log,
            logging.WARNING,
            "status-unknown",
            f"{sentence} Nothing is billed by it: correct it with mailtally policy.",
            status=status,
        )
