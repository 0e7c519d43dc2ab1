"""Which files are meant by what was typed: paths and globs, each file once, the oldest first."""

from __future__ import annotations

from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Stands for standard input.
STANDARD_INPUT: Final = "-"
_COMPRESSED: Final = {".gz", ".bz2", ".xz", ".zst"}


class NothingMatchesError(Exception):
    """There is no such file; its text is what was typed."""


def files_named(patterns: Iterable[str]) -> list[Path]:
    """The files of some paths and globs: the rotated ones of a log before it, the oldest first.

    A file with two names is given once. So is a log that is there both compressed and not.

    Raises:
        NothingMatchesError: one of them matches nothing.
    """
    once: dict[tuple[int, int], Path] = {}
    for path in (path for pattern in patterns for path in _matches(pattern)):
        seen = path.stat()
        once.setdefault((seen.st_dev, seen.st_ino), path)
    paths = set(once.values())
    chosen = [
        path for path in paths if not (_is_compressed(path) and path.with_suffix("") in paths)
    ]
    return sorted(chosen, key=_age) if len(chosen) > 1 else chosen


def _matches(pattern: str) -> list[Path]:
    if Path(pattern).exists():
        return [Path(pattern)]
    found = [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise NothingMatchesError(pattern)
    return [path for path in found if path.is_file()]


def _is_compressed(path: Path) -> bool:
    return path.suffix in _COMPRESSED


def _age(path: Path) -> tuple[str, tuple[int, str], str]:
    """What sorts files as a collector would read them."""
    # Not above: it brings the collector's whole tail with it, a seventh of the time to start.
    from mailtally_collector.tail.discover import log_of, parse_name  # noqa: PLC0415 - see above

    bare = path.with_suffix("") if _is_compressed(path) else path
    return log_of(str(bare.absolute())), parse_name(bare.name).age, str(path)
