"""Reading what collectors wrote into the state, which may be anything, of any size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mailtally_shared.errors import Unavailable
from mailtally_shared.schema import HOST_NAME
from mailtally_shared.shown import printable
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailtally_shared.state.keys import StateKeys


HOST = re.compile(HOST_NAME.encode("ascii"))
COLLECTOR = re.compile(rb"[0-9a-f]{32}")
REASON = re.compile(rb"[a-z-]{1,40}")
#: Digits of the largest number that Redis counts to.
_DIGITS = 19


def text(name: bytes) -> str:
    """Return a name, which should be printable ASCII, with other bytes escaped."""
    return printable(name.decode("ascii", "backslashreplace"))


def names(members: Iterable[bytes], pattern: re.Pattern[bytes]) -> list[str]:
    """Return the members that are valid names, in order."""
    return sorted(name.decode("ascii") for name in members if pattern.fullmatch(name))


def whole(number: bytes | None) -> int:
    """Return a number of 0 or more; 0 for anything else."""
    return int(number) if number and number.isdigit() and len(number) <= _DIGITS else 0


#: Size limit of one field (an id, a number, a machine's name), in bytes.
MOST_OF_A_FIELD = 1024
#: Size limit of a set of names or of one collector's hours, in bytes as Redis stores them.
MOST_OF_A_KEY = 16 * 2**20
#: Replaces a field that is too long.
TOO_LONG = b"(too long)"


class Place(NamedTuple):
    """A field of a hash."""

    key: str
    field: str


def said(state: State, places: Sequence[Place]) -> list[bytes | None]:
    """Return some fields, in order; ``TOO_LONG`` for one that is too long."""
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


def owners(state: State, keys: StateKeys) -> dict[str, str]:
    """Return the ids of the collectors that own the known host names; skip unowned ones."""
    asked = hosts(state, keys)
    found = said(state, [Place(keys.registration(host), "id") for host in asked])
    return {host: text(owner) for host, owner in zip(asked, found, strict=True) if owner}


class OwnLedger(NamedTuple):
    """Some fields of the ledger of the collector that owns a host name."""

    host: str
    collector_id: str
    fields: list[bytes | None]


def own_ledgers(state: State, keys: StateKeys, *fields: str) -> list[OwnLedger]:
    """Return fields of the ledgers of the collectors that own the known host names, by name."""
    owned = owners(state, keys)
    with unavailable_errors():
        pipeline = state.pipeline(transaction=False)
        for owner in owned.values():
            pipeline.hmget(keys.ledger(owner), *fields)
        found = pipeline.execute()
    return [OwnLedger(*each, values) for each, values in zip(owned.items(), found, strict=True)]


def ask_sizes(pipeline: Any, keys: Iterable[str]) -> None:  # noqa: ANN401 - redis-py's is not typed usably
    """Queue the commands that return the size of some keys."""
    for key in keys:
        pipeline.memory_usage(key, samples=0)


def hosts(state: State, keys: StateKeys) -> list[str]:
    """Return the known host names, in order."""
    return names(_members(state, keys.hosts), HOST)


def collectors(state: State, keys: StateKeys) -> list[str]:
    """Return the ids of all collectors, in order."""
    return names(_members(state, keys.collectors), COLLECTOR)


def hours(state: State, keys: StateKeys, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
    """Return, by collector, the hours that lost batches touched."""
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
    """Return how far a host is read; a value that is not of the registered start counts as 0."""
    return whole(stated) if registered and registered == speaker else 0


def check_size(key: str, size: int | None) -> None:
    """Refuse a list of names that was filled by someone.

    Raises:
        Unavailable: it is too large to be read; the day writer sweeps it.
    """
    if (size or 0) > MOST_OF_A_KEY:
        raise Unavailable(
            f"The list {key} in Redis has grown to {size} bytes: someone with a collector's "
            "password fills it. An aggregator that writes days sweeps it; see "
            "docs/explanation/security.md."
        )


def _members(state: State, key: str) -> set[bytes]:
    with unavailable_errors():
        check_size(key, state.memory_usage(key, samples=0))
        return cast("set[bytes]", state.smembers(key))
