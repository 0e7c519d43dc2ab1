"""What is known to be lacking of a host's lines; of its logs as its collector says. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mailtally_shared.status import LONGEST_SENTENCE, UNEXPECTED, StatusError, parse, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Gaps of a host that are told apart; there may be as many as it has files.
MOST_OF_A_HOST = 20
#: Hosts and reasons that a day names.
MOST_OF_A_DAY = 200


class Gap(NamedTuple):
    """Lines of a host, logged between two times, that may lack; ``until`` is ``None`` for now."""

    host: str
    reason: str
    since: float
    until: float | None = None

    def touches(self, start: float, end: float) -> bool:
        """Return whether lines of a time from ``start`` to before ``end`` may be among them."""
        return self.since < end and (self.until is None or self.until > start)


def gaps_of(documents: Mapping[str, bytes]) -> tuple[Gap, ...]:
    """Return the gaps of all hosts, from their status documents as they came.

    A document that cannot be read says nothing; the doctor names it.
    """
    return tuple(gap for host in sorted(documents) for gap in _of_host(host, documents[host]))


def _of_host(host: str, document: bytes) -> Iterator[Gap]:
    try:
        found = parse(document) if document else None
    except StatusError:
        return
    troubles = [each for each in found.troubles if each.kind != UNEXPECTED] if found else []
    for trouble in troubles[:MOST_OF_A_HOST]:
        reason = trouble.sentence or f"{trouble.kind}: {trouble.path}"
        yield Gap(host, reason, float(trouble.since), trouble.until)


def named(gaps: Iterable[Gap]) -> list[tuple[str, str]]:
    """Return the hosts and reasons that a day names."""
    return sorted({(gap.host, gap.reason) for gap in gaps})[:MOST_OF_A_DAY]


def packed(pairs: Sequence[tuple[str, str]]) -> str:
    """Return hosts and reasons as the state keeps them of a day; empty for none."""
    return json.dumps(pairs) if pairs else ""


def unpacked(text: bytes | None) -> tuple[tuple[str, str], ...]:
    """Return the hosts and reasons of a day; see ``packed``."""
    pairs = json.loads(text or b"[]")
    return tuple((printable(host), printable(why, LONGEST_SENTENCE)) for host, why in pairs)
