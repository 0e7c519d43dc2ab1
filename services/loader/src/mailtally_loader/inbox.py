"""The days in the statistic directory that are ready to be claimed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from mailtally_shared.days.names import DayNames
from mailtally_shared.days.reading import is_consistent
from mailtally_shared.regular import is_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Inode, size and time of change of a file.
Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """Return a value that changes with the file; ``None`` for links, pipes and missing files."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class Settling:
    """Records since when files have not changed.

    Args:
        settle: seconds without a change after which a file has settled.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._seen: dict[str, tuple[object, float]] = {}

    def settled(self, found: Mapping[str, object], now: float) -> set[str]:
        """Return the names that have settled; ``now`` is in seconds that never decrease.

        Args:
            found: the signatures of all present files, by name.
            now: the present time.
        """
        before, self._seen = self._seen, {}
        for name, present in found.items():
            known, since = before.get(name, (None, now))
            self._seen[name] = (present, since if known == present else now)
        return {name for name, (_, since) in self._seen.items() if now - since >= self._settle}


class Inbox:
    """Finds the days whose files can be judged.

    A set that matches its manifest is ready at once. Anything else (a bare file, a
    set that is being replaced, a damaged one) is ready when it has settled: only
    then can it be judged.

    Args:
        directory: the statistic directory.
        settle: seconds without a change.
    """

    def __init__(self, directory: Path, settle: float) -> None:
        self._directory = directory
        self.settle = settle
        self._settling = Settling(settle)
        self._consistent: dict[object, bool] = {}

    def ready(self, now: float) -> list[DayNames]:
        """Return the days to claim, oldest first; ``now`` is in seconds that never decrease."""
        paths = (path for path in self._directory.iterdir() if is_regular(path))
        days = [names for path in paths if (names := DayNames.of_qml(path.name))]
        found = {names: self._signatures(names) for names in days}
        settled = self._settling.settled({day.stem: each for day, each in found.items()}, now)
        known = self._consistent
        self._consistent = {
            each: known[each] if each in known else is_consistent(self._directory, names)
            for names, each in found.items()
        }
        ready = [day for day in days if self._consistent[found[day]] or day.stem in settled]
        return sorted(ready, key=lambda names: names.stem.split(".")[::-1])

    def _signatures(self, names: DayNames) -> tuple[tuple[str, Signature | None], ...]:
        return tuple((name, signature(self._directory / name)) for name in names.all)
