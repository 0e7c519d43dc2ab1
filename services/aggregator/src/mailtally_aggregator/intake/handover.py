"""The hand-over of groups from the thread that gathers them to the one that commits them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailtally_aggregator.intake.group import Group

#: Seconds that a commit takes, until one was made.
_ASSUMED = 0.1


class Handover:
    """The one group that is being committed; the next one is gathered meanwhile.

    There is no queue between the two threads: two groups at most are in memory, and groups are
    committed in the order in which they are offered.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._group: Group | None = None
        self._done: list[Any] = []
        self._is_closed = False
        #: Seconds that the last commit took.
        self.last = _ASSUMED

    @property
    def is_idle(self) -> bool:
        """Return whether no group is being committed."""
        return self._group is None

    def offer(self, group: Group, patience: float) -> bool:
        """Hand over a group once no other is being committed; return whether it was.

        Args:
            group: the group; the other thread owns it from then on.
            patience: seconds to wait.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._group is None, patience)
            if self._group is not None:
                return False
            self._group = group
            self._changed.notify_all()
            return True

    def take(self, patience: float | None) -> Group | None:
        """Return the group to commit; the same one until ``finish``.

        Args:
            patience: seconds to wait for one; ``None``: until one is offered or there will be none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._group is not None or self._is_closed, patience)
            return self._group

    def finish(self, seconds: float) -> None:
        """Note that the group is committed, and how long that took."""
        with self._changed:
            if self._group is not None:
                self._done += self._group.messages
            self._group, self.last = None, seconds
            self._changed.notify_all()

    def finished(self) -> list[Any]:
        """Return the messages of the groups committed since the last call, to be acknowledged."""
        with self._changed:
            done, self._done = self._done, []
        return done

    def close(self) -> None:
        """End the waiting for groups: none is offered any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
