"""Collectors of which nothing was applied before another one took their host over. Pure.

Such an id has no ledger and owns no host name. Its own words name its host, and its id begins
with that host's mark: only the host's credentials allow writing both. Any id whose words are not
such was registered by none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mailtally_aggregator.foreign import HOST, names
from mailtally_shared.state.keys import host_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Such collectors that a host may leave; it could make some up.
MOST_FORMER = 100


def host_of(collector_id: str, named: bytes | None) -> str:
    """Return the host that a collector is said to be of, empty if its id is another host's."""
    (host, *_) = names([named or b""], HOST) or [""]
    return host if host and collector_id.startswith(host_mark(host)) else ""


def never_applied(silent: Iterable[str], words: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the hosts of those ids that collectors left without a ledger, by id.

    Args:
        silent: ids that have no ledger and own no host name.
        words: the host that the collector with an id names, as it wrote it.
    """
    left, found = Counter[str](), dict[str, str]()
    for each in silent:
        host = host_of(each, words.get(each))
        left[host] += 1
        if host and left[host] <= MOST_FORMER:
            found[each] = host
    return found
