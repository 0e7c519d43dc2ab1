"""What is decided once a name rather than once a line, after the kernel's pass over a chunk.

The kernel puts names down as they come. Here domains get their one spelling, and the limits on
distinct hosts and statuses are kept. Only arrays and dictionaries are walked, never records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mailtally_collector.parse.domain import normalised
from mailtally_collector.parse.reasons import MAX_HOSTS, Reason

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

#: The statuses of RULES section 1.
KNOWN_STATUSES: Final = frozenset(
    (
        "success",
        "timeout",
        "rejclam",
        "rejspam",
        "manyhops",
        "mboxoverquota",
        "badmime",
        "bytestooverflow",
        "partial",
        "readerr",
    )
)
#: Unknown statuses that are kept as they are; later ones of the chunk become ``OTHER``.
MAX_UNKNOWN: Final = 200
OTHER: Final = "other"


#: The names to keep, and for each name found its index in them, or -1 where it is not kept; or
#: ``None`` where they are the names found, in their order.
Settled: TypeAlias = "tuple[tuple[str, ...], Array | None]"


def settle_domains(names: list[str], odd: Array) -> Settled:
    """Give each name its one spelling.

    Args:
        names: Domains as they stand in the lines, each byte a character (Latin-1).
        odd: Whether a name may be spelled otherwise, bool, shape ``(len(names),)``.

    Returns:
        The distinct domains; -1 for what is none.
    """
    if not odd.any():
        return tuple(names), None
    index: dict[str, int] = {}
    codes = np.full(len(names), -1)
    for k, name in enumerate(names):
        domain = normalised(name.encode("latin-1")) if odd[k] else name
        if domain is not None:
            codes[k] = index.setdefault(domain, len(index))
    return tuple(index), codes


def settle_hosts(names: list[str], used: Array) -> Settled:
    """Put hosts in lower case, and keep the first ``MAX_HOSTS``.

    Args:
        names: Hosts as they stand in the lines.
        used: The host of each record, index into ``names``, in the order of the chunk.

    Returns:
        The distinct hosts that are kept; -1 for one that is not.
    """
    if len(names) <= MAX_HOSTS and not any(map(_has_capitals, names)):
        return tuple(names), None
    order = range(len(names)) if len(names) <= MAX_HOSTS else in_order(used).tolist()
    index: dict[str, int] = {}
    codes = np.full(len(names), -1)
    for k in order:
        host = names[k].lower()
        if host in index or len(index) < MAX_HOSTS:
            codes[k] = index.setdefault(host, len(index))
    return tuple(index), codes


def settle_statuses(names: list[str], used: Array) -> Settled:
    """Keep the known statuses and the first ``MAX_UNKNOWN`` others; the rest is ``OTHER``.

    Arguments and results are as those of ``settle_hosts``; no status is -1.
    """
    if len(names) <= MAX_UNKNOWN:
        return tuple(names), None
    order = in_order(used).tolist()
    unknown = [k for k in order if names[k] not in KNOWN_STATUSES]
    surplus = set(unknown[MAX_UNKNOWN:])
    index: dict[str, int] = {}
    codes = np.zeros(len(names), np.int64)
    for k in order:
        name = OTHER if k in surplus else names[k]
        codes[k] = index.setdefault(name, len(index))
    return tuple(index), codes


def _has_capitals(name: str) -> bool:
    return name != name.lower()


def in_order(used: Array) -> Array:
    """The distinct values in the order in which they are first met."""
    values, first = np.unique(used, return_index=True)
    return values[np.argsort(first)]


def recoded(column: Array, codes: Array | None) -> Array:
    """A column of indices into the names found, as indices into those kept."""
    return column if codes is None else codes[column]


def late_reasons(domain: Array, host: Array) -> Array:
    """The reason of each record that turned out to be none, uint8, 0 for the others."""
    reasons = np.zeros(len(domain), np.uint8)
    reasons[host < 0] = Reason.TOO_MANY_HOSTS
    reasons[domain < 0] = Reason.BAD_DOMAIN
    return reasons
