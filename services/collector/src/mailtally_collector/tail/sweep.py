"""The watermark of reading: up to when everything in the logs has been handed out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sweep:
    """A sweep begins with a scan that notes the files' ends; when all are reached, it is ``done``.

    The scan after that begins the next sweep; an earlier one changes nothing.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self._since: float | None = None
        self._ends: dict[str, float] = {}

    def begin(self, now: float, ends: Mapping[str, float]) -> None:
        """Note that a scan at ``now`` found these files (by key), unread up to ``ends``."""
        if self._since is None:
            self._since = now
            self._ends = dict(ends)
        else:
            self._ends = {key: end for key, end in self._ends.items() if key in ends}
        self._settle()

    def reached(self, key: str, offset: int) -> None:
        """Note that a file was read up to ``offset``."""
        if offset >= self._ends.get(key, float("inf")):
            self.exhausted(key)

    def exhausted(self, key: str) -> None:
        """Note that a file has no further complete line, or cannot be read."""
        self._ends.pop(key, None)
        self._settle()

    def _settle(self) -> None:
        if self._since is not None and not self._ends:
            self.done = max(self.done, self._since)
            self._since = None
