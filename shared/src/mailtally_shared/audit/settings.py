"""Settings that have no effect, match nothing, or differ between aggregators. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.audit.gathered import LIFE
from mailtally_shared.schema import KNOWN_STATUSES, OTHER_STATUS
from mailtally_shared.spelling import with_suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from mailtally_shared.audit.gathered import Noted
    from mailtally_shared.days import ChargingPolicy


def check_settings(unknown: Sequence[str]) -> Finding:
    """Return a finding that names each variable that looks like a setting and is none.

    Args:
        unknown: a sentence for each.
    """
    fine = "Every MAILTALLY_ variable of this environment is a setting."
    advice = "Correct its name (docs/reference/settings.md), or remove it: it has no effect."
    return verdict("settings", unknown, fine, advice, Level.WARNING)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in the days of the state.

    Attributes:
        days: number of days with records.
        statuses: their statuses that are not known ones.
        domains: number of their domains with traffic.
    """

    days: int = 0
    statuses: frozenset[str] = frozenset()
    domains: int = 0


def check_charged(
    policy: ChargingPolicy, names: Names, known: Collection[str] = KNOWN_STATUSES, *, hosted: bool
) -> Finding:
    """Return a finding on charged statuses or hosted domains that match nothing counted."""
    problems = [*_statuses(policy, names, known), *_hosted(names, hosted=hosted)]
    fine = "The charged statuses and hosted domains match what was counted."
    return verdict("charging", problems, fine, "It bills nothing.", Level.WARNING)


def _statuses(policy: ChargingPolicy, names: Names, known: Collection[str]) -> Iterator[str]:
    if names.days:
        yield from (sentence for _, sentence in unmatched(policy, names.statuses, known))


def unmatched(
    policy: ChargingPolicy, seen: Collection[str], known: Collection[str] = KNOWN_STATUSES
) -> Iterator[tuple[str, str]]:
    """Yield each charged status that is neither known nor ``seen``, and a sentence about it."""
    if policy.charged_statuses == "all":
        return
    for status in sorted(set(policy.charged_statuses) - {*known, *seen, OTHER_STATUS}):
        sentence = (
            f"MAILTALLY_AGGREGATOR__CHARGED_STATUSES has {status!r}, "
            "which is not a known status, and no record of the last days has it"
        )
        yield status, f"{with_suggestion(sentence, status, known).rstrip('?')}."


def _hosted(names: Names, *, hosted: bool) -> Iterator[str]:
    if hosted and names.days and not names.domains:
        yield (
            "MAILTALLY_HOSTED_DOMAINS lists no domain with traffic: all traffic of the last days "
            "is charged to (not hosted)."
        )


_ADVICE = (
    "A domain's bill then depends on which aggregator takes its batches: give all aggregators the "
    "same list (MAILTALLY_HOSTED_DOMAINS). A list that was just changed may differ for a moment."
)


def check_hosted(noted: Mapping[str, Noted], now: float) -> Finding:
    """Return a finding on aggregators whose recently recorded lists differ."""
    lately = {machine: one for machine, one in noted.items() if abs(now - one.at) <= LIFE}
    lists: dict[str, list[str]] = {}
    for machine, one in sorted(lately.items()):
        what = f"{one.names:,} names ({one.digest})" if one.digest else "no list"
        lists.setdefault(what, []).append(machine)
    problems = []
    if len(lists) > 1:
        parts = (f"{', '.join(machines)}: {what}" for what, machines in sorted(lists.items()))
        problems.append(f"Aggregators use different lists: {'; '.join(parts)}.")
    fine = f"The aggregators of {len(lately):,} machines use the same list."
    return verdict("hosted domains", problems, fine, _ADVICE, Level.WARNING)
