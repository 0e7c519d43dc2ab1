"""Day files under names of other origin are given their usual ones: ``dd.mm.YYYY.qml.txt``.

H-Sphere calls them ``dd.mm.YYYY.qml``; others compress them, or write capital letters. A file is
taken when it has settled, and not while one of its usual name waits. A crash in between leaves both
names; the second one is then loaded again, which changes nothing.
"""

from __future__ import annotations

import gzip
import stat
import zlib
from typing import TYPE_CHECKING

from mailtally_loader.claim import reject_file
from mailtally_shared.day_files.durable import place, sync_directory
from mailtally_shared.day_files.names import usual_name
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_Signature = tuple[int, int, int]


class Adopter:
    """Remembers since when each file has not changed.

    Args:
        directory: the statistic directory; the caller holds its lock.
        settle: seconds.
        max_bytes: a larger file is rejected.
    """

    def __init__(self, directory: Path, settle: float, max_bytes: int) -> None:
        self._directory = directory
        self._settle = settle
        self._max_bytes = max_bytes
        self._seen: dict[str, tuple[_Signature, float]] = {}

    def adopt(self, now: float) -> list[BadFile]:
        """Give usual names to what has settled; ``now`` in seconds that only grow.

        Returns:
            Why files were rejected, one for each.
        """
        found = {path: signature for path in self._others() if (signature := _signature(path))}
        before, self._seen = self._seen, {}
        rejected = []
        # Companions first: the qml file commits them.
        for path, signature in sorted(found.items(), key=lambda one: _order(one[0].name)):
            known = before.get(path.name)
            since = known[1] if known and known[0] == signature else now
            self._seen[path.name] = (signature, since)
            if now - since >= self._settle:
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
        size = 0
        try:
            with gzip.open(path) as file:
                while chunk := file.read(_CHUNK):
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise BadFile("too-large", path.name, "it unpacks to more than is allowed")
                    yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFile(
                "bad-compression", path.name, f"it cannot be unpacked: {error}"
            ) from error


def _order(name: str) -> tuple[bool, str]:
    return (usual_name(name) or "").endswith(".txt"), name


def _signature(path: Path) -> _Signature | None:
    """Return what tells a change; ``None`` of links, pipes and what is gone."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
