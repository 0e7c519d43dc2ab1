"""Logging the outcomes of a group that an operator may have to act on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from mailtally_shared.state.commit.batch import Outcome

_log = logging.getLogger(__name__)


def log_outcome(outcome: Outcome) -> None:
    """Log the batches that were refused or dropped."""
    for batch in outcome.fenced:
        event(
            _log,
            logging.WARNING,
            "batch-fenced",
            "Refused a batch of a collector whose host name another collector took over.",
            host=batch.header.host,
            collector=batch.header.collector_id,
            seq=batch.header.seq,
        )
    for batch in outcome.different:
        event(
            _log,
            logging.WARNING,
            "batch-different",
            "Refused a batch under a number that another batch has: two machines use one state "
            "directory, or copies of it.",
            host=batch.header.host,
            collector=batch.header.collector_id,
            seq=batch.header.seq,
        )
    if outcome.known:
        event(
            _log,
            logging.DEBUG,
            "batches-known",
            "Dropped batches that were applied before.",
            batches=len(outcome.known),
        )
