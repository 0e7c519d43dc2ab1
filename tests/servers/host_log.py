"""The log of a mail host: where it is, and what is left of it after a rotation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class HostLog:
    """A log at a path that changes with each scenario."""

    def __init__(self, log: Path) -> None:
        self.log = log
        log.touch()

    def begin(self, log: Path) -> None:
        """Write to another file from now on."""
        log.touch()
        self.log = log

    def rotate(self) -> None:
        """Rename the log as logrotate does."""
        self.log.rename(self._former)
        self.log.touch()

    def files(self) -> list[Path]:
        """Return what was rotated before what is written now."""
        return [path for path in (self._former, self.log) if path.exists()]

    def text(self) -> str:
        """Return the whole log, whatever was rotated."""
        return "".join(path.read_text("utf-8", "replace") for path in self.files())

    @property
    def _former(self) -> Path:
        return self.log.with_name(f"{self.log.name}.1")


class OwnLog(HostLog):
    """A log that a server writes itself, at one path: a scenario begins with an empty one."""

    def __init__(self, log: Path, owner: int) -> None:
        super().__init__(log)
        self._owner = owner
        self.begin(log)

    def begin(self, log: Path) -> None:
        """Empty it, since its writer may have it open; ``log`` is where others would write to."""
        del log
        self._former.unlink(missing_ok=True)
        self._make()
        os.truncate(self.log, 0)

    def rotate(self) -> None:
        """Rename the log as logrotate does."""
        super().rotate()
        self._make()

    def _make(self) -> None:
        self.log.touch()
        os.chown(self.log, self._owner, self._owner)
