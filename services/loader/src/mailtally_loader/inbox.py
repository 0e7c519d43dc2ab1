"""Which days in the statistic directory are ready to be claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.day_files.names import DayNames
from mailtally_shared.day_files.reading import is_consistent
from mailtally_shared.regular import is_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Of each file that is there: name, inode, size, time of change.
Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Look:
    signature: Signature
    since: float
    consistent: bool


class Inbox:
    """Remembers since when each day's files have not changed.

    A set whose manifest fits it is ready at once. Whatever else (a bare file, a
    set that is being replaced, a damaged one) is ready when it has settled: only
    then can it be told whether it is good.

    Args:
        directory: the statistic directory.
        settle: seconds.
    """

    def __init__(self, directory: Path, settle: float) -> None:
        self._directory = directory
        self.settle = settle
        self._looks: dict[str, _Look] = {}

    def ready(self, now: float) -> list[DayNames]:
        """The days to claim, oldest first; ``now`` in seconds that only grow."""
        found = dict(self._found())
        self._looks = {
            names.stem: self._look(names, signature, now) for names, signature in found.items()
        }
        ready = [names for names in found if self._is_ready(self._looks[names.stem], now)]
        return sorted(ready, key=lambda names: names.stem.split(".")[::-1])

    def _found(self) -> Iterator[tuple[DayNames, Signature]]:
        for path in self._directory.iterdir():
            names = DayNames.of_qml(path.name)
            if names and is_regular(path):
                yield names, _signature(self._directory, names)

    def _look(self, names: DayNames, signature: Signature, now: float) -> _Look:
        before = self._looks.get(names.stem)
        if before and before.signature == signature:
            return before
        return _Look(signature, now, is_consistent(self._directory, names))

    def _is_ready(self, look: _Look, now: float) -> bool:
        return look.consistent or now - look.since >= self.settle


def _signature(directory: Path, names: DayNames) -> Signature:
    files = []
    for name in names.all:
        try:
            status = (directory / name).lstat()
        except FileNotFoundError:
            continue
        files.append((name, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(files)
