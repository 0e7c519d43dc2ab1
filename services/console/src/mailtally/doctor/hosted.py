"""Whether all aggregators charge by the same list of hosted domains. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict
from mailtally_aggregator.hosted_known import LIFE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_aggregator.hosted_known import Noted

_ADVICE = (
    "A domain's bill depends on which of them takes its batches: give all aggregators the same "
    "list (MAILTALLY_HOSTED_DOMAINS). One that was changed just now may differ for a moment."
)


def check_hosted(noted: Mapping[str, Noted], now: float) -> Finding:
    """Return whether the lists that aggregators noted lately are the same."""
    lately = {machine: one for machine, one in noted.items() if abs(now - one.at) <= LIFE}
    lists: dict[str, list[str]] = {}
    for machine, one in sorted(lately.items()):
        what = f"{one.names:,} names ({one.digest})" if one.digest else "no list"
        lists.setdefault(what, []).append(machine)
    problems = []
    if len(lists) > 1:
        parts = (f"{', '.join(machines)}: {what}" for what, machines in sorted(lists.items()))
        problems.append(f"Aggregators go by different lists: {'; '.join(parts)}.")
    fine = f"The aggregators of {len(lately):,} machines go by the same list."
    return verdict("hosted domains", problems, fine, _ADVICE, Level.WARNING)
