"""Settings of what is charged, and to whom, that match nothing that was counted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict
from mailtally_aggregator.charged_statuses import unmatched
from mailtally_shared.columns import KNOWN_STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailtally_shared.day_files import ChargingPolicy


@dataclass(frozen=True, slots=True)
class Names:
    """What the days in the state name.

    Attributes:
        days: how many days with records there are.
        statuses: the statuses on them that are none of the known ones.
        domains: how many domains have traffic of their own on them.
    """

    days: int = 0
    statuses: frozenset[str] = frozenset()
    domains: int = 0


def check_charged(
    policy: ChargingPolicy, names: Names, known: Collection[str] = KNOWN_STATUSES, *, hosted: bool
) -> Finding:
    """Return whether charged statuses, and the list of hosted domains, match what was counted."""
    problems = [*_statuses(policy, names, known), *_hosted(names, hosted=hosted)]
    fine = "The charged statuses and hosted domains are such as were counted."
    return verdict("charging", problems, fine, "Nothing is billed by it.", Level.WARNING)


def _statuses(policy: ChargingPolicy, names: Names, known: Collection[str]) -> Iterator[str]:
    if names.days:
        yield from (sentence for _, sentence in unmatched(policy, names.statuses, known))


def _hosted(names: Names, *, hosted: bool) -> Iterator[str]:
    if hosted and names.days and not names.domains:
        yield (
            "MAILTALLY_HOSTED_DOMAINS names no domain that has traffic: all of the "
            "last days is charged to (not hosted)."
        )
