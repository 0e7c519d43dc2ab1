"""Waiting before a retry: exponential backoff with jitter."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Every cap is reached before this many doublings; the limit keeps ``2 ** n`` small.
_MOST_DOUBLINGS = 64


class Backoff:
    """Capped exponential backoff with full jitter.

    Each wait is drawn evenly from 0 to a ceiling that doubles from ``first``
    to ``cap``, so that the clients of a server that came back do not all
    reconnect at the same moment.

    Args:
        first: the first ceiling, in seconds.
        cap: the highest ceiling, in seconds.
        rng: the source of the jitter, for repeatable tests.
    """

    def __init__(
        self, first: float = 0.1, cap: float = 10.0, rng: random.Random | None = None
    ) -> None:
        self._first = first
        self._cap = cap
        self._rng = rng or random.Random()  # noqa: S311  # jitter is no secret
        self._failures = 0

    @property
    def failures(self) -> int:
        """The number of waits drawn since the last success."""
        return self._failures

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        ceiling = min(self._cap, self._first * 2.0 ** min(self._failures, _MOST_DOUBLINGS))
        self._failures += 1
        return self._rng.uniform(0.0, ceiling)

    def reset(self) -> None:
        """Start over after a success."""
        self._failures = 0


class Waiter(Protocol):
    """The object that a retry waits on, such as ``lifecycle.Stop``."""

    @property
    def requested(self) -> bool:
        """Whether to give up."""
        ...

    def wait(self, seconds: float) -> bool:
        """Sleep for at most ``seconds``; return ``requested``."""
        ...


def keep_trying(
    action: Callable[[], T],
    *,
    stop: Waiter,
    backoff: Backoff,
    tell: Callable[[Unavailable, float], None],
) -> T | None:
    """Call ``action`` until it no longer raises ``Unavailable``.

    Args:
        action: the call to retry; any other error passes through.
        stop: ends the attempts.
        backoff: the waits between attempts; reset on success.
        tell: receives each failure and the seconds until the next attempt.

    Returns:
        The result of ``action``, or ``None`` when ``stop`` was requested first.
    """
    while not stop.requested:
        try:
            done = action()
        except Unavailable as error:
            pause = backoff.next()
            tell(error, pause)
            stop.wait(pause)
        else:
            backoff.reset()
            return done
    return None
