"""The number of distinct keys of some records. Pure.

Totals are kept by (day, host, domain, service, status), so the work of Redis is per key, not per
record, and the more records are committed together, the fewer keys each of them costs.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Ranks of domains are grouped in steps of this ratio; the domains of a step count as equal.
_STEP = 1.1
#: Ranks up to this one are not grouped.
_EACH = 20


def distinct(records: float, domains: int, kinds: Sequence[float]) -> float:
    """Return the expected number of keys of one host and day.

    The domains' frequencies follow Zipf's law: the second is half as busy as the first. A key of
    share ``p`` is absent from ``n`` records with a probability of about ``exp(-n p)``.

    Args:
        records: records of the host, any number from 0 on.
        domains: domains with records.
        kinds: the shares of the pairs of service and status.
    """
    return -sum(
        many * math.expm1(-records * share * kind)
        for many, share in _domains(domains)
        for kind in kinds
    )


@lru_cache
def _domains(domains: int) -> tuple[tuple[int, float], ...]:
    """Return the steps of ranks: the number of domains, and the share of each."""
    steps: list[tuple[int, float]] = []
    first = 1
    while first <= domains:
        after = min(domains + 1, first + 1 if first < _EACH else int(first * _STEP) + 1)
        steps.append((after - first, 1 / math.sqrt(first * (after - 1))))
        first = after
    whole = sum(many * weight for many, weight in steps)
    return tuple((many, weight / whole) for many, weight in steps)
