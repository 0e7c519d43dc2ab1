"""What is charged of what was counted (RULES section 4)."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from mailtally_shared.columns import MAX_SUM, Service
from mailtally_shared.day_files.rows import QmlRow, Sums
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: With ``hits = "in-out"`` these count as outgoing and all others as incoming, so
#: that the two columns still add up to the messages charged: a web mailing list
#: sends, whereas POP3 and IMAP sessions serve mail that came in.
OUTGOING = frozenset({Service.SMTP_OUT.label, Service.MAILLIST.label})


class ChargingPolicy(BaseModel):
    """The charging settings of a site, as a manifest records them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    charged_statuses: Literal["all"] | tuple[str, ...] = Field(
        default="all", description="the statuses whose records are charged, or all of them"
    )
    quantity: Literal["bytes", "transferred"] = Field(
        default="bytes", description="bytes as logged, or bytes times attempts"
    )
    hits: Literal["all", "in-out"] = Field(
        default="all",
        description="all: every message in Hits_All; in-out: outgoing ones in Hits_HTML instead",
    )


def charge(rows: Iterable[Sums], policy: ChargingPolicy) -> Iterator[QmlRow]:
    """The qml rows of a day's breakdown: one a domain that has anything charged.

    Args:
        rows: the breakdown, the rows of a domain next to each other; in the
            order of the file, so that the result is in order too.
        policy: what to charge.

    Raises:
        Refused: a domain's sum does not fit 63 bits.
    """
    charged = filter(_is_charged(policy), rows)
    quantity = itemgetter(5 if policy.quantity == "bytes" else 6)
    outgoing = OUTGOING if policy.hits == "in-out" else frozenset[str]()
    for domain, group in groupby(charged, key=itemgetter(0)):
        yield _fitting(_row(domain, group, quantity, outgoing))


def _is_charged(policy: ChargingPolicy) -> Callable[[Sums], bool]:
    if policy.charged_statuses == "all":
        return lambda _: True
    statuses = frozenset(policy.charged_statuses)
    return lambda row: row.status in statuses


def _row(
    domain: str, group: Iterable[Sums], quantity: Callable[[Sums], int], outgoing: frozenset[str]
) -> QmlRow:
    size = hits_all = hits_html = 0
    for row in group:
        size += quantity(row)
        if row[2] in outgoing:
            hits_html += row[4]
        else:
            hits_all += row[4]
    return QmlRow(domain, size, hits_all, hits_html)


def _fitting(row: QmlRow) -> QmlRow:
    if max(row[1], row[2], row[3]) > MAX_SUM:
        raise too_large(row.name)
    return row


def too_large(name: str) -> Refused:
    """What is raised for a domain whose sum does not fit 63 bits."""
    return Refused(
        f"the day's sum of {name} exceeds 2^63-1 and cannot be stored; "
        "look for forged sizes or attempts in its mail log"
    )
