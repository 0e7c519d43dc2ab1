"""A traffic log as a mail server and logrotate treat it: written, split, rotated, compressed."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from pathlib import Path

#: So many writes still go to a renamed log, as of children that keep it open.
_STALE_WRITES = 4
#: A log this old, by its number, is no longer written to and may be compressed.
_QUIET_AGE = 3
#: Names of copies that people make of a log; the last ones are compressed.
_COPIES = ("stats.bak", "stats~", "stats.orig", "stats-copy", "stats.old.gz", "stats.save.bz2")


class MailLog:
    """``stats`` in a directory, and ``stats.1``, ``stats.2`` … after it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "stats"
        self._file = self._open()
        self._former: int | None = None
        self._stale_writes = 0
        self._rest = b""

    def write(self, lines: bytes, *, cut: int = 0) -> None:
        """Append lines; with ``cut``, that many of their last bytes follow with the next write.

        Where somebody else has renamed the log, it is begun anew.
        """
        self._finish_line()
        if not self._path.exists():
            os.close(self._file)
            self._file = self._open()
        if self._former is not None and self._stale_writes > 0 and self._stale_writes % 2:
            os.write(self._former, lines)
        else:
            kept = len(lines) - min(cut, len(lines))
            os.write(self._file, lines[:kept])
            self._rest = lines[kept:]
        self._stale_writes = max(0, self._stale_writes - 1)

    def append(self, lines: bytes) -> None:
        """Append lines to the log that is there now, not to a renamed one."""
        self._finish_line()
        os.write(self._file, lines)

    def rename(self) -> None:
        """Rotate; for a while both files are written to."""
        self._finish_line()
        self._shift()
        self._path.rename(self._numbered(1))
        if self._former is not None:
            os.close(self._former)
        self._former, self._file = self._file, self._open()
        self._stale_writes = _STALE_WRITES

    def copytruncate(self) -> None:
        """Rotate by copying; nothing is written between the copy and the truncation."""
        self._finish_line()
        self._shift()
        shutil.copyfile(self._path, self._numbered(1))
        os.truncate(self._path, 0)

    def compress(self) -> None:
        """Compress the logs that nobody writes to any more, not all at once."""
        for path in self._path.parent.glob("stats.*"):
            number = path.suffix[1:]
            if number.isdigit() and int(number) >= _QUIET_AGE:
                content = path.read_bytes()
                middle = len(content) // 2
                with gzip.open(f"{path}.gz", "wb") as packed:
                    packed.write(content[:middle])
                    packed.flush()
                    packed.write(content[middle:])
                path.unlink()

    @property
    def end(self) -> int:
        """Bytes in the log by now, up to the end of a line."""
        self._finish_line()
        return os.fstat(self._file).st_size

    def cut(self, at: int) -> None:
        """Lose what is behind ``at``, as a power failure does."""
        os.truncate(self._file, min(at, self.end))

    def zero(self, at: int) -> None:
        """Have zeros from ``at`` on: the size was written to disk, the content was not."""
        end = self.end
        with self._path.open("r+b") as file:
            file.seek(at)
            file.write(bytes(max(0, end - at)))

    def take_out(self, begin: int, end: int) -> None:
        """Remove a stretch as an editor does: into a new file that takes the log's name."""
        self._finish_line()
        content = self._path.read_bytes()
        self._replace(content[:begin] + content[end:])

    def replace_by_copy(self, length: int | None = None) -> None:
        """Put a copy in the log's place: all of it, or an older one of ``length`` bytes."""
        self._finish_line()
        self._replace(self._path.read_bytes()[:length])

    def copy(self, rng: random.Random) -> None:
        """Leave a copy next to the log, under a name that no rotation gives."""
        self._finish_line()
        name = rng.choice(_COPIES)
        content = self._path.read_bytes()
        if name.endswith(".gz"):
            content = gzip.compress(content)
        elif name.endswith(".bz2"):
            content = bz2.compress(content)
        self._path.with_name(name).write_bytes(content)

    def _replace(self, content: bytes) -> None:
        made = self._path.with_name("new")
        made.write_bytes(content)
        made.rename(self._path)
        os.close(self._file)
        self._file = self._open()

    def close(self) -> None:
        """Finish what was begun."""
        self._finish_line()
        os.close(self._file)
        if self._former is not None:
            os.close(self._former)
            self._former = None

    def _finish_line(self) -> None:
        if self._rest:
            os.write(self._file, self._rest)
            self._rest = b""

    def _shift(self) -> None:
        names = [p for p in self._path.parent.glob("stats.*") if p.name.split(".")[1].isdigit()]
        for path in sorted(names, key=lambda p: -int(p.name.split(".")[1])):
            stem, number, *rest = path.name.split(".")
            path.rename(path.with_name(".".join((stem, str(int(number) + 1), *rest))))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"stats.{number}")

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
