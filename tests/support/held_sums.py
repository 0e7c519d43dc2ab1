"""Totals changed behind the aggregators' back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_shared.state.commit.merge import PlaceIncrement
from mailtally_shared.state.packed_sums import pack, unpack

if TYPE_CHECKING:
    from mailtally_shared.state.client import State


def alter(
    state: State, key: str, name: str, *, messages: int = 0, size: int = 0, extra: int = 0
) -> None:
    """Change the first of a name's sums in the hash ``key``."""
    unpacked = unpack([cast("bytes", state.hget(key, name))])
    kinds = [unpacked.kinds[kind] for kind in unpacked.kind.tolist()]
    columns = unpacked.quantities
    columns[:, 0] += (messages, size, extra)
    keys = [f"{name}|{service}|{status}" for service, status in kinds]
    rows = dict(zip(keys, columns.T.tolist(), strict=True))
    state.hset(key, name, pack(PlaceIncrement.of(rows))[name])
