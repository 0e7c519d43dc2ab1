"""Report a written revision of a day as an event."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_shared.process.logs import event
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from mailtally_aggregator.totals import DayTotals
    from mailtally_shared.day_files import DayFacts

_log = logging.getLogger(__name__)


def report_written(facts: DayFacts, totals: DayTotals) -> None:
    """Log that a revision is in place, and what is missing in it."""
    missing = f", without {listed(facts.missing_hosts)}" if facts.missing_hosts else ""
    if partial := sorted({each.host for each in facts.incomplete}):
        missing += f", without part of the lines of {listed(partial)}"
    event(
        _log,
        logging.WARNING if missing else logging.INFO,
        "day-written",
        f"Wrote {facts.day} as revision {facts.revision}{missing}.",
        day=facts.day.isoformat(),
        revision=facts.revision,
        messages=totals.messages,
        bytes=totals.bytes,
        missing=list(facts.missing_hosts),
    )
