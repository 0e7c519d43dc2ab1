"""The history of the state: which copy of it this is, and how much was committed to it.

A state has a history id and counts its commits. It gets another id whenever it is opened,
refilled or found behind, and remembers where each former id ended. So a copy that went back
cannot catch up unnoticed: what was seen of an id beyond its end is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.state.keys import StateKeys


class Pair(NamedTuple):
    """A moment of a state: its history id, and how many commits it held."""

    history: str
    commits: int


class Standing(NamedTuple):
    """What a state is now, next to what was remembered of it; ``None`` for a state without id."""

    now: Pair | None
    covers_memory: bool


def covers(now: Pair | None, remembered: Pair | None, ended_at: int | None) -> bool:
    """Return whether a state holds all that was committed when ``remembered`` was seen.

    Args:
        now: the state.
        remembered: the pair seen earlier; ``None`` where nothing was.
        ended_at: the commits at which the state left the remembered id; ``None`` where it
            never had that id.
    """
    if remembered is None:
        return True
    if now is not None and now.history == remembered.history:
        return now.commits >= remembered.commits
    return ended_at is not None and ended_at >= remembered.commits


def read_standing(state: State, keys: StateKeys, remembered: Pair | None) -> Standing:
    """Read what the state is, and whether it holds what is remembered of it.

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
    """Make a pair of the fields ``id`` and ``commits`` as Redis gives them."""
    found, commits = cast("list[bytes | None]", fields)
    return Pair(found.decode("ascii"), int(commits or 0)) if found else None
