"""Up to when everything in the logs has been handed out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sweep:
    """A look notes where the files end; when reading has come that far, its time is ``done``.

    The next look begins the next sweep; one that comes earlier changes nothing.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self._since: float | None = None
        self._ends: dict[str, float] = {}

    def begin(self, now: float, ends: Mapping[str, float]) -> None:
        """A look at ``now`` showed these files (by key) with something unread up to ``ends``."""
        if self._since is None:
            self._since = now
            self._ends = dict(ends)
        else:
            self._ends = {key: end for key, end in self._ends.items() if key in ends}
        self._settle()

    def reached(self, key: str, offset: int) -> None:
        """A file was read up to ``offset``."""
        if offset >= self._ends.get(key, float("inf")):
            self.exhausted(key)

    def exhausted(self, key: str) -> None:
        """There is no complete line in a file behind what was read, or it cannot be read."""
        self._ends.pop(key, None)
        self._settle()

    def _settle(self) -> None:
        if self._since is not None and not self._ends:
            self.done = max(self.done, self._since)
            self._since = None
