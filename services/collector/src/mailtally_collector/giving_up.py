"""Tell the state that batches are lost: it went back, and the spool has them no longer.

The collector says up to where it passed them, so that new lines are counted. The hours that they
touched are noted in the state: their days are not written until a person rebuilds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_collector.touched import Range, passed

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
    """Pass lost batches, and note the hours that they touched, all of it or nothing.

    Those beyond a batch that is to be sent again are passed by another call, once that is applied.

    Args:
        state: the state; call it inside ``unavailable_errors``.
        keys: its keys.
        collector_id: whose batches they are.
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

    # As a transaction, and not as a script: a collector has no right to run any. Nor may it
    # write the ledger: the next message of it that is counted brings that up to what it passed.
    state.transaction(attempt, ledger, ahead)
