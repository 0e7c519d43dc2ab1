"""The statistic directory: its manifests, stray files, and an overview of its contents."""

from __future__ import annotations

import stat
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.days import manifest
from mailtally_shared.days.names import LOADED, LOADING, REJECTED, DayNames, usual_name
from mailtally_shared.errors import BadFile, NewerFile
from mailtally_shared.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from mailtally_shared.days.manifest import Manifest


#: Size limit of a manifest, in bytes.
MAX_BYTES = 4 * 2**20


def read_manifest(path: Path) -> Manifest:
    """Read and parse a manifest.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: it is not a regular file, too large, or not a manifest.
        NewerFile: a newer version of mailtally wrote it.
    """
    return manifest.parse(read_regular(path, MAX_BYTES), path.name)


#: Seconds after its last change from which a file is no longer taken for one being moved.
OLD = 3600.0
_DIRECTORIES = frozenset({LOADING, LOADED, REJECTED, "snapshots"})


def strays(directory: Path, now: float) -> list[str]:
    """Return the sorted names of old entries that belong to no day and will not be loaded.

    Args:
        directory: the statistic directory; a missing one has none.
        now: Unix seconds.
    """
    if not directory.is_dir():
        return []
    entries = [path for path in directory.iterdir() if not path.name.startswith(".")]
    days = {_stem(path.name) for path in entries if _is_qml(path)}
    return sorted(
        path.name
        for path in entries
        if path.name not in _DIRECTORIES and not _is_of(path, days) and _is_old(path, now)
    )


def _is_of(path: Path, days: set[str]) -> bool:
    """Return whether a service will take the file: a qml file, or one that belongs to it."""
    return usual_name(path.name) is not None and _stem(path.name) in days and _is_file(path)


def _is_qml(path: Path) -> bool:
    return (usual_name(path.name) or "").endswith(".txt") and _is_file(path)


def _stem(name: str) -> str:
    return name[: len("dd.mm.YYYY")]


def _is_file(path: Path) -> bool:
    """Return whether it is a regular file: services follow no links and open no pipes here."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _is_old(path: Path, now: float) -> bool:
    try:
        return now - path.lstat().st_mtime > OLD
    except FileNotFoundError:  # taken in the meantime
        return False


@dataclass(frozen=True, slots=True)
class Directory:
    """The contents of the statistic directory.

    Attributes:
        written: the newest manifest found for each day, in any of the directories.
        archived: of each day in ``loaded/``: its manifest, ``None`` for a bare file.
        lacking: archived days without some of their files, and which.
        moving: days whose files were being moved while the directory was read.
        rejected: names in ``rejected/``.
        waiting: number of qml files that wait for the loader.
        waiting_since: Unix seconds since when the oldest of them waits; 0.0 without any.
        strays: old files that belong to no day and will not be loaded.
    """

    written: Mapping[date, Manifest] = field(default_factory=dict)
    archived: Mapping[date, Manifest | None] = field(default_factory=dict)
    lacking: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    moving: frozenset[date] = frozenset()
    rejected: tuple[str, ...] = ()
    waiting: int = 0
    waiting_since: float = 0.0
    strays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """``loaded/`` and ``loading/`` at one moment; see ``Directory``."""

    archived: Mapping[date, Manifest | None]
    lacking: Mapping[date, tuple[str, ...]]
    loading: frozenset[date]


def look_at_archive(directory: Path) -> Archive:
    """Return the archived days, and those being loaded."""
    loaded = directory / LOADED
    loading = (_names(f"{path.name}.qml.txt") for path in _entries(directory / LOADING))
    archived = {names.day(): names for names in map(_archived, _entries(loaded)) if names}
    manifests = {day: _manifest(loaded / names.manifest) for day, names in archived.items()}
    lacking = {day: _lacking(loaded, archived[day], found) for day, found in manifests.items()}
    return Archive(
        manifests,
        {day: files for day, files in lacking.items() if files},
        frozenset(names.day() for names in loading if names),
    )


def _archived(path: Path) -> DayNames | None:
    """Return the day of an archived qml file or manifest; ``None`` for older revisions."""
    if path.suffix == ".json":
        return _names(f"{path.stem}.txt")
    return _names(path.name.removesuffix(".gz"))


def _lacking(loaded: Path, names: DayNames, found: Manifest | None) -> tuple[str, ...]:
    wanted = [names.qml]
    if found:
        wanted += [names.breakdown, *([names.hours] if found.hours else [])]
    packed = (f"{name}.gz" for name in wanted)
    return tuple(name for name in packed if not (loaded / name).exists())


def look_at_directory(directory: Path, before: Archive, written: Iterable[date]) -> Directory:
    """Return the present contents of the directory.

    Args:
        directory: the statistic directory.
        before: what ``look_at_archive`` returned before state and database were read.
        written: the days whose newest manifest is needed, in any of the directories.
    """
    newest = {day: newest_manifest(directory, day) for day in written}
    after = look_at_archive(directory)
    days = before.archived.keys() | after.archived.keys()
    moved = {day for day in days if before.archived.get(day) != after.archived.get(day)}
    return Directory(
        written={day: found for day, found in newest.items() if found is not None},
        archived=after.archived,
        lacking=after.lacking,
        moving=frozenset(moved) | before.loading | after.loading,
        rejected=tuple(sorted(path.name for path in _entries(directory / REJECTED))),
        waiting=len(waiting := _waiting(directory)),
        waiting_since=min(waiting, default=0.0),
        strays=tuple(strays(directory, time.time())),
    )


def _waiting(directory: Path) -> list[float]:
    """Return the time of writing of each qml file that waits for the loader, Unix seconds."""
    found = []
    for path in _entries(directory):
        if _names(path.name) is not None:
            with suppress(FileNotFoundError):  # the loader has just taken it
                found.append(path.stat().st_mtime)
    return found


def places(directory: Path, names: DayNames) -> tuple[Path, Path, Path]:
    """Return the directories of a day's files, in the order in which they move."""
    return directory, directory / LOADING / names.stem, directory / LOADED


def newest_manifest(directory: Path, day: date) -> Manifest | None:
    """Return the newest manifest of ``day``: waiting, being loaded or archived.

    Raises:
        NewerFile: a newer version of mailtally wrote one of them.
    """
    names = DayNames.of(day)
    found = [_manifest(place / names.manifest) for place in places(directory, names)]
    return max(filter(None, found), key=lambda one: one.revision, default=None)


def newest_revision(directory: Path, day: date) -> int:
    """Return the newest revision of ``day`` in the directory; 0 for none."""
    newest = newest_manifest(directory, day)
    return newest.revision if newest else 0


def _manifest(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except NewerFile:
        raise
    except (FileNotFoundError, BadFile):
        return None


def _names(file: str) -> DayNames | None:
    """Return the names of a day by its qml file's; ``None`` for other files or invalid days."""
    names = DayNames.of_qml(file)
    try:
        return names if names and names.day() else None
    except ValueError:
        return None


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []
