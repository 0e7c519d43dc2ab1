"""Reading from the state what a collector writes there: never more of it than it should be.

Sizes are asked for before anything is fetched. What is larger than it should be is left there,
which costs the collector that wrote it, and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mailtally_aggregator.foreign import COLLECTOR, HOST, names, text, whole
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailtally_shared.state.keys import StateKeys

#: Bytes of one field: an id, a number, a machine's name.
MOST_OF_A_FIELD = 1024
#: Bytes, as Redis needs them, of a set of names or of the hours of one collector.
MOST_OF_A_KEY = 16 * 2**20
#: What is read in place of a field that is too long.
TOO_LONG = b"(too long)"


class Place(NamedTuple):
    """A field of a hash."""

    key: str
    field: str


def said(state: State, places: Sequence[Place]) -> list[bytes | None]:
    """Return some fields, in order; TOO_LONG for one that is."""
    with unavailable_errors():
        sizes = state.pipeline(transaction=False)
        for place in places:
            sizes.hstrlen(place.key, place.field)
        short = [size <= MOST_OF_A_FIELD for size in sizes.execute()]
        values = state.pipeline(transaction=False)
        for place, is_short in zip(places, short, strict=True):
            if is_short:
                values.hget(*place)
        found = iter(values.execute())
    return [next(found) if is_short else TOO_LONG for is_short in short]


def owners(state: State, keys: StateKeys, hosts: Iterable[str]) -> dict[str, str]:
    """Return the ids of the collectors that have some host names, without names that none has."""
    asked = list(hosts)
    found = said(state, [Place(keys.registration(host), "id") for host in asked])
    return {host: text(owner) for host, owner in zip(asked, found, strict=True) if owner}


def ask_sizes(pipeline: Any, keys: Iterable[str]) -> None:  # noqa: ANN401 - redis-py's is not typed usably
    """Queue the questions how large some keys are."""
    for key in keys:
        pipeline.memory_usage(key, samples=0)


def hosts(state: State, keys: StateKeys) -> list[str]:
    """Return the names of the hosts that are known, in order."""
    return names(_members(state, keys.hosts), HOST)


def collectors(state: State, keys: StateKeys) -> list[str]:
    """Return the ids of all collectors, in order."""
    return names(_members(state, keys.collectors), COLLECTOR)


def hours(state: State, keys: StateKeys, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
    """Return what each of some collectors names as hours that lost batches touched."""
    with unavailable_errors():
        sizes = state.pipeline(transaction=False)
        ask_sizes(sizes, map(keys.missing, ids))
        small = [
            each
            for each, size in zip(ids, sizes.execute(), strict=True)
            if (size or 0) <= MOST_OF_A_KEY
        ]
        pipeline = state.pipeline(transaction=False)
        for each in small:
            pipeline.hkeys(keys.missing(each))
        found = cast("list[list[bytes]]", pipeline.execute())
    return dict(zip(small, found, strict=True))


def read_up_to(registered: bytes | None, speaker: bytes | None, stated: bytes | None) -> int:
    """Return how far a host is read: the ledger's word is of the start, a nonce, that it names."""
    return whole(stated) if registered and registered == speaker else 0


def check_size(key: str, size: int | None) -> None:
    """Refuse a list of names that somebody filled.

    Raises:
        Unavailable: it is too large to be read; the day writer sweeps it.
    """
    if (size or 0) > MOST_OF_A_KEY:
        raise Unavailable(
            f"The list {key} in Redis has grown to {size} bytes: somebody with a collector's "
            "password fills it. An aggregator that writes days sweeps it; see docs/security.md."
        )


def _members(state: State, key: str) -> set[bytes]:
    with unavailable_errors():
        check_size(key, state.memory_usage(key, samples=0))
        return cast("set[bytes]", state.smembers(key))
