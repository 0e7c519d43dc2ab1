"""Looks at the statistic directory, twice: files may be on their way meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.doctor.figures import Directory
from mailtally_shared.day_files import DayNames, Manifest
from mailtally_shared.day_files.manifest_file import read_manifest
from mailtally_shared.day_files.names import LOADED, LOADING, REJECTED
from mailtally_shared.day_files.strays import strays
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Archive:
    """``loaded/`` and ``loading/`` at a moment; see ``Directory``."""

    archived: Mapping[date, Manifest | None]
    lacking: Mapping[date, tuple[str, ...]]
    loading: frozenset[date]


def look_at_archive(directory: Path) -> Archive:
    """What is archived, and what is being loaded."""
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
    """The day of an archived qml file or manifest; ``None`` for kept older revisions."""
    if path.suffix == ".json":
        return _names(f"{path.stem}.txt")
    return _names(path.name.removesuffix(".gz"))


def _lacking(loaded: Path, names: DayNames, found: Manifest | None) -> tuple[str, ...]:
    wanted = [f"{names.qml}.gz"] + ([f"{names.breakdown}.gz"] if found else [])
    return tuple(name for name in wanted if not (loaded / name).exists())


def look_at_directory(directory: Path, before: Archive, written: Iterable[date]) -> Directory:
    """The directory as it is now.

    Args:
        directory: the statistic directory.
        before: what ``look_at_archive`` found before state and database were read.
        written: the days whose newest manifest is wanted, wherever it lies.
    """
    newest = {day: _newest_manifest(directory, day) for day in written}
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
    """Return when each qml file that waits for the loader was written, Unix seconds."""
    found = []
    for path in _entries(directory):
        if _names(path.name) is not None:
            with suppress(FileNotFoundError):  # the loader has just taken it
                found.append(path.stat().st_mtime)
    return found


def _newest_manifest(directory: Path, day: date) -> Manifest | None:
    """Files go from the first place to the last, so that none is missed on its way."""
    names = DayNames.of(day)
    places = (directory, directory / LOADING / names.stem, directory / LOADED)
    found = [_manifest(place / names.manifest) for place in places]
    return max(filter(None, found), key=lambda one: one.revision, default=None)


def _manifest(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (FileNotFoundError, BadFile):
        return None


def _names(file: str) -> DayNames | None:
    """The names of a day by its qml file's; ``None`` for other files and impossible days."""
    names = DayNames.of_qml(file)
    try:
        return names if names and names.day() else None
    except ValueError:
        return None


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []
