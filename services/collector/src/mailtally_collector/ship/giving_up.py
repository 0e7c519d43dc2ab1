"""Record lost batches in the state: it went back, and the spool no longer has them.

The collector notes the number up to which it passed them, so that new lines are counted. The hours
that they touched are noted, too: their days are not written until an operator rebuilds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_collector.spool.touched import Range, passed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.client import Pipeline

    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


def give_up(
    state: State,
    keys: StateKeys,
    collector_id: str,
    lost: Sequence[Range],
    hours: Mapping[int, str],
) -> None:
    """Pass lost batches, and note the hours that they touched, in one transaction.

    Lost batches beyond one that is sent again are passed by another call, once that is applied.

    Args:
        state: the state; call this inside ``unavailable_errors``.
        keys: its keys.
        collector_id: the collector that made the batches.
        lost: their numbers.
        hours: the UTC hours since 1970 that they touched, each with their numbers.
    """
    ledger, said = keys.ledger(collector_id), keys.said(collector_id)
    ahead = keys.ahead(collector_id)

    def attempt(pipeline: Pipeline) -> None:
        hwm = int(cast("bytes | None", pipeline.hget(ledger, "hwm")) or 0)
        before = int(cast("bytes | None", pipeline.hget(said, "passed")) or 0)
        applied = set(map(int, cast("list[bytes]", pipeline.hkeys(ahead))))
        upto = passed(max(hwm, before), applied, lost)
        pipeline.multi()
        for hour, numbers in hours.items():
            pipeline.hset(keys.missing(collector_id), str(hour), numbers)
        pipeline.hset(said, "passed", str(upto))

    # A transaction, not a script: a collector has no right to run scripts. Nor may it write the
    # ledger: that is brought up to what it passed with its next message.
    state.transaction(attempt, ledger, ahead)
