"""Tell the records that lie too far ahead of time from the others. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailtally_aggregator.request import Batch
    from mailtally_shared.columns import Array, Columns


class Parted(NamedTuple):
    """The records of some batches: those to be counted, and those to be held, by collector id."""

    counted: Sequence[Columns]
    held: Mapping[str, Sequence[Columns]]


def latest(batches: Iterable[Batch]) -> int:
    """Return the latest time of any record, 0 without one."""
    times = (batch.columns.time for batch in batches)
    return max((int(time.max()) for time in times if len(time)), default=0)


def parted(batches: Sequence[Batch], horizon: float) -> Parted:
    """Part the records of some batches at ``horizon`` (Unix seconds): later ones are held."""
    if latest(batches) <= horizon:
        return Parted([batch.columns for batch in batches], {})
    counted: list[Columns] = []
    held: dict[str, list[Columns]] = {}
    for batch in batches:
        is_ahead = batch.columns.time > horizon
        if not is_ahead.any():
            counted.append(batch.columns)
            continue
        counted.append(_taken(batch.columns, ~is_ahead))
        held.setdefault(batch.header.collector_id, []).append(_taken(batch.columns, is_ahead))
    return Parted(counted, held)


def _taken(columns: Columns, which: Array) -> Columns:
    return replace(
        columns,
        time=columns.time[which],
        size=columns.size[which],
        attempts=columns.attempts[which],
        service=columns.service[which],
        host=columns.host[which],
        status=columns.status[which],
        domain=columns.domain[which],
    )
