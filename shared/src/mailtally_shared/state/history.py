"""The history of the state: which copy of it this is, and how much was committed to it.

A state has a history id and counts its commits. It receives another id whenever it is opened,
refilled or found to be behind, and it records where each former id ended. A copy that went back
thus cannot catch up unnoticed: what was seen under an id beyond its end is not in that copy.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple, cast

from mailtally_shared.runtime.clock import redis_shift
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.scripts import Writing

if TYPE_CHECKING:
    from mailtally_shared.state.keys import StateKeys


class Pair(NamedTuple):
    """A moment of a state: its history id, and its number of commits."""

    history: str
    commits: int


class Standing(NamedTuple):
    """A state now, compared with what was remembered; ``now`` is ``None`` for one without id."""

    now: Pair | None
    covers_memory: bool


def covers(now: Pair | None, remembered: Pair | None, ended_at: int | None) -> bool:
    """Return whether a state holds all that was committed when ``remembered`` was seen.

    Args:
        now: the state.
        remembered: the pair seen earlier, if any.
        ended_at: the number of commits at which the state left the remembered id; ``None`` where
            it never had that id.
    """
    if remembered is None:
        return True
    if now is not None and now.history == remembered.history:
        return now.commits >= remembered.commits
    return ended_at is not None and ended_at >= remembered.commits


def read_standing(state: State, keys: StateKeys, remembered: Pair | None) -> Standing:
    """Read the state's pair, and whether the state holds what is remembered.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        pipeline = state.pipeline(transaction=True)
        pipeline.hmget(keys.history, "id", "commits")
        pipeline.zscore(keys.histories, remembered.history if remembered else "")
        fields, ended = pipeline.execute()
    now = pair(fields)
    return Standing(now, covers(now, remembered, None if ended is None else int(ended)))


def pair(fields: object) -> Pair | None:
    """Return a pair from the fields ``id`` and ``commits`` as read from Redis."""
    found, commits = cast("list[bytes | None]", fields)
    return Pair(found.decode("ascii"), int(commits or 0)) if found else None


#: Number of ended histories that are kept. A memory of an older one becomes suspect, no more.
_KEPT = 10_000


def begin_history(state: State, keys: StateKeys) -> Pair:
    """End the present history at its present commit, and begin another.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        script = Writing(state, keys, "history.lua")
        answer = script(keys=[keys.history, keys.histories], args=[secrets.token_hex(16), _KEPT])
    return Pair(answer[0].decode("ascii"), int(answer[1]))


def seconds_of(answer: object) -> float:
    """Return Unix seconds from redis-py's answer to TIME."""
    seconds, microseconds = cast("tuple[int, int]", answer)
    return seconds + microseconds / 1e6 + redis_shift()


def redis_time(state: State) -> float:
    """Return the Redis server's time, in Unix seconds.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        return seconds_of(state.time())
