"""Which files are meant by what was typed: paths and globs, each file once, the oldest first."""

from __future__ import annotations

from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.source import READ_ERRORS, content_of, open_raw
from mailtally_collector.tail.discover import log_of, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes at the beginning of a file that tell whether another one repeats it.
_FIRST: Final = 4096
_COMPRESSED: Final = {".gz", ".bz2", ".xz", ".zst"}


class NothingMatchesError(Exception):
    """There is no such file; its text is what was typed."""


def files_named(patterns: Iterable[str]) -> list[Path]:
    """Return the files of some paths and globs: a log's rotated files before it, oldest first.

    A file with two names is given once. So is a log that is there both compressed and not: its
    compressed file begins as the plain one does. Other copies are files that were asked for.

    Raises:
        NothingMatchesError: one of them matches nothing.
    """
    once: dict[tuple[int, int], Path] = {}
    for path in (path for pattern in patterns for path in _matches(pattern)):
        seen = path.stat()
        once.setdefault((seen.st_dev, seen.st_ino), path)
    paths = set(once.values())
    chosen = [path for path in paths if not _repeats_plain_one(path, paths)]
    return sorted(chosen, key=_age) if len(chosen) > 1 else chosen


def _matches(pattern: str) -> list[Path]:
    if Path(pattern).exists():
        return [Path(pattern)]
    found = [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [path for path in found if path.is_file()]
    if not files:
        raise NothingMatchesError(pattern)
    return files


def _repeats_plain_one(path: Path, paths: set[Path]) -> bool:
    plain = path.with_suffix("")
    if not (_is_compressed(path) and plain in paths):
        return False
    try:
        packed_first, plain_first = _first_of(path), _first_of(plain)
    except READ_ERRORS:
        return False  # reading it will say why
    common = min(len(packed_first), len(plain_first))
    return packed_first[:common] == plain_first[:common] and (common > 0 or not packed_first)


def _first_of(path: Path) -> bytes:
    first = bytearray(_FIRST)
    with open_raw(str(path)) as raw:
        return bytes(first[: content_of(raw)(memoryview(first))])


def _is_compressed(path: Path) -> bool:
    return path.suffix in _COMPRESSED


def _age(path: Path) -> tuple[str, tuple[int, str], str]:
    """Return the key that sorts files as a collector reads them."""
    bare = path.with_suffix("") if _is_compressed(path) else path
    return log_of(str(bare.absolute())), parse_name(bare.name).age, str(path)
