"""What is charged of what was counted, and to which name (RULES section 4). Pure."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mailtally_shared.days.charged_rows import ChargedRows
from mailtally_shared.days.day_rows import first_of_runs, run_sums
from mailtally_shared.schema import SERVICE, STATUS, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.days.day_rows import DayRows

NOT_HOSTED = "(not hosted)"


class HostedDomains:
    """The site's list; a name that is not on it is charged to the nearest parent that is."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __len__(self) -> int:
        return len(self._names)

    @functools.cached_property
    def digest(self) -> str:
        """A digest that differs between lists, whatever the order of their names."""
        whole = "\n".join(sorted(self._names))
        return hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=8).hexdigest()

    def charged_name(self, domain: str) -> str:
        """Return the hosted name that ``domain`` is charged to, or ``(not hosted)``."""
        name = domain
        while name not in self._names:
            _, dot, name = name.partition(".")
            if not dot:
                return NOT_HOSTED
        return name


def parse_hosted(text: str) -> HostedDomains:
    """Parse a list: one domain per line; blank lines and ``#`` comments are skipped."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    names = (line.lower().removesuffix(".") for line in lines if line)
    return HostedDomains(
        name if name.isascii() else name.encode("idna").decode("ascii") for name in names
    )


#: With ``hits = "in-out"`` these count as outgoing and all others as incoming, so
#: that the two columns still add up to the messages charged: a mailing list sends,
#: whereas POP3 and IMAP sessions serve mail that was received.
OUTGOING = frozenset({Service.SMTP_OUT.label, Service.MAILLIST.label})


class ChargingPolicy(BaseModel):
    """The charging settings of a site, as a manifest records them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

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


def charge(pieces: Iterable[DayRows], policy: ChargingPolicy) -> Iterator[ChargedRows]:
    """Yield the qml rows of a day's breakdown: one for each domain with anything charged.

    Args:
        pieces: the breakdown in the order of the file, divided anywhere.
        policy: the charging policy.

    Raises:
        Refused: a domain's sum does not fit 63 bits.
    """
    last = ChargedRows.of([])  # the next piece may begin with the same domain
    for piece in pieces:
        if rows := _charged(piece, policy):
            by_domain = _by_domain(ChargedRows.joined([last, rows]))
            yield by_domain.taken(slice(-1))
            last = by_domain.taken(slice(-1, None))
    if last:
        yield last


def _charged(rows: DayRows, policy: ChargingPolicy) -> ChargedRows:
    """Return the charge of each row that is charged."""
    if policy.charged_statuses != "all":
        statuses = [kind[STATUS] in policy.charged_statuses for kind in rows.kinds]
        rows = rows.taken(np.array(statuses, np.bool_)[rows.kind])
    splits = policy.hits == "in-out"
    outgoing = np.array([splits and kind[SERVICE] in OUTGOING for kind in rows.kinds], np.bool_)
    is_out = outgoing[rows.kind]
    size = rows.bytes if policy.quantity == "bytes" else rows.transferred
    hits_all, hits_html = np.where(is_out, 0, rows.messages), np.where(is_out, rows.messages, 0)
    return ChargedRows(rows.domain, size, hits_all, hits_html)


def _by_domain(rows: ChargedRows) -> ChargedRows:
    """Return the sums of rows with the same name, which follow each other."""
    first = first_of_runs(rows.name)
    if len(first) == len(rows):
        return rows
    names, *figures = rows.arrays()
    return ChargedRows(names[first], *(run_sums(column, first, names) for column in figures))
