"""Renaming day files of other origin to their usual names, ``dd.mm.YYYY.qml.txt``.

H-Sphere calls them ``dd.mm.YYYY.qml``; others compress them, or use capital letters. A file is
renamed when it has settled, and not while one of its usual name waits. A crash in between leaves
both names; the second file is then loaded again, which changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_loader.claim import reject_file
from mailtally_loader.inbox import Settling, signature
from mailtally_shared.days.durable import place, sync_directory
from mailtally_shared.days.names import usual_name
from mailtally_shared.errors import BadFile
from mailtally_shared.regular import open_packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20


class Adopter:
    """Renames day files of other origin once they have not changed for ``settle``.

    Args:
        directory: the statistic directory; the caller holds its lock.
        settle: seconds without a change.
        max_bytes: a larger file is rejected.
    """

    def __init__(self, directory: Path, settle: float, max_bytes: int) -> None:
        self._directory = directory
        self._settling = Settling(settle)
        self._max_bytes = max_bytes

    def adopt(self, now: float) -> list[BadFile]:
        """Rename the files that have settled; ``now`` is in seconds that never decrease.

        Returns:
            The reasons for which files were rejected, one for each.
        """
        found = {path: present for path in self._others() if (present := signature(path))}
        names = {path.name: present for path, present in found.items()}
        settled = self._settling.settled(names, now)
        rejected = []
        # Companions first: the qml file commits them.
        for path in sorted(found, key=lambda one: _order(one.name)):
            if path.name in settled:
                try:
                    self._rename(path)
                except BadFile as error:
                    reject_file(self._directory, path, error)
                    rejected.append(error)
        return rejected

    def _others(self) -> list[Path]:
        return [p for p in self._directory.iterdir() if usual_name(p.name) not in (None, p.name)]

    def _rename(self, path: Path) -> None:
        target = path.with_name(usual_name(path.name) or "")
        if target.exists():
            return
        if path.name.lower().endswith(".gz"):
            place(target, self._unpacked(path))
            path.unlink()
        else:
            path.rename(target)
        sync_directory(self._directory)

    def _unpacked(self, path: Path) -> Iterator[bytes]:
        with open_packed(path, self._max_bytes) as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _order(name: str) -> tuple[bool, str]:
    return (usual_name(name) or "").endswith(".txt"), name
