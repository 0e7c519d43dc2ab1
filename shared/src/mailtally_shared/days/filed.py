"""Written revisions of a day, in any of the directories, and comparison of two breakdowns."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.days.day_rows import DayRows, Gathering
from mailtally_shared.days.directory import places, read_manifest
from mailtally_shared.days.grammar import breakdown
from mailtally_shared.days.grammar import hours as hours_file
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.days.manifest import CountedSums
from mailtally_shared.days.names import LOADED, DayNames
from mailtally_shared.days.reading import MAX_FILE_BYTES
from mailtally_shared.errors import BadFile, NewerFile, Refused
from mailtally_shared.regular import open_packed, open_regular
from mailtally_shared.schema import COLLECTOR, MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import date
    from io import BufferedReader
    from pathlib import Path

    from mailtally_shared.columns import Array
    from mailtally_shared.days.manifest import Manifest, Pinned


def added(one: DayRows, other: DayRows) -> DayRows:
    """Return the sum of both, row by row.

    Raises:
        Refused: a sum does not fit 63 bits.
    """
    gathered = Gathering()
    gathered.add_rows(one)
    gathered.add_rows(other)
    return gathered.rows(add_up=True)


def lowered_collectors(before: DayRows, now: DayRows) -> tuple[str, ...]:
    """Return the collectors of which a row of ``before`` is lower or missing in ``now``."""
    less = (-getattr(before, name) for name in MEASURES)
    change = added(now, DayRows(before.kinds, before.domain, before.kind, *less))
    lower = np.logical_or.reduce([getattr(change, name) < 0 for name in MEASURES])
    lowered = np.unique(change.kind[lower]).tolist()
    return tuple(sorted({change.kinds[code][COLLECTOR] for code in lowered}))


def collector_sums(rows: DayRows) -> dict[str, CountedSums]:
    """Return the counted sums of each collector."""
    label = [kind[COLLECTOR] for kind in rows.kinds]
    number = {name: at for at, name in enumerate(dict.fromkeys(label))}
    of_kind = np.array([number[name] for name in label], np.int64)
    code = of_kind[rows.kind] if len(rows) else np.zeros(0, np.int64)
    columns = [list(_summed(code, getattr(rows, name), len(number))) for name in MEASURES]
    return {
        name: CountedSums(messages=messages, bytes=size, transferred=transferred)
        for name, messages, size, transferred in zip(number, *columns, strict=True)
    }


def _summed(code: Array, values: Array, count: int) -> Iterator[int]:
    """Yield exact sums by code, however large."""
    halves = np.zeros((2, count), np.int64)
    np.add.at(halves[0], code, values >> 32)
    np.add.at(halves[1], code, values & 0xFFFF_FFFF)
    for high, low in halves.T.tolist():
        yield (high << 32) + low


#: The loader may move the files while they are being found.
_ATTEMPTS = 3


class Unreadable(Refused):
    """A file of a written day is damaged, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A written revision of a day."""

    manifest: Manifest
    rows: DayRows


@dataclass(frozen=True, slots=True)
class _Place:
    manifest: Path
    breakdown: Path


def newest_filed(directory: Path, day: date) -> Filed | None:
    """Return the newest revision of a day; ``None`` where the day was never written.

    Args:
        directory: the statistic directory.
        day: the traffic day.

    Raises:
        Unreadable: the files cannot be read, or have no manifest that states the hosts' sums.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _newest(directory, day)
        except FileNotFoundError as error:
            if attempt == _ATTEMPTS - 1:
                raise _unreadable(day, error) from error
    return None


def is_filed(directory: Path, day: date) -> bool:
    """Return whether the day was ever written: it has a manifest, damaged or not."""
    return any(place.manifest.exists() for place in _places(directory, day))


def check_manifests(directory: Path, day: date) -> None:
    """Read the manifests of a day to check them.

    Raises:
        Unreadable: one is damaged.
    """
    for place in _places(directory, day):
        _stated(place, day)


def marks_of(directory: Path, day: date) -> tuple[tuple[int, int, int], ...]:
    """Return a value that changes whenever one of a day's files does."""
    found = []
    for place in _places(directory, day):
        for path in (place.manifest, place.breakdown):
            with suppress(FileNotFoundError, NotADirectoryError):
                one = path.stat()
                found.append((one.st_mtime_ns, one.st_size, one.st_ino))
    return tuple(found)


def _newest(directory: Path, day: date) -> Filed | None:
    found = [
        (one.revision, place) for place in _places(directory, day) if (one := _stated(place, day))
    ]
    if not found:
        if _is_bare(directory, day):
            raise Unreadable(
                f"The files of {day} have no manifest: restore it from a backup, or move the files "
                "to another directory to rebuild the day from its logs alone."
            )
        return None
    return _read(max(found, key=lambda one: one[0])[1], day)


def filed_as(directory: Path, day: date, pinned: Pinned) -> Filed | None:
    """Return one revision of a day, in any of the directories; ``None`` where its files are gone.

    Raises:
        Unreadable: a file that may be of that revision is damaged.
    """
    damaged: Unreadable | None = None
    names = DayNames.of(day)
    former = sorted((directory / LOADED).glob(f"{names.stem}.qml.r{pinned.revision}*.json"))
    older = [_Place(path, path.with_suffix(".csv.gz")) for path in former]
    for place in (*_places(directory, day), *older):
        try:
            if _is_pinned(_stated(place, day), pinned):
                return _read(place, day)
        except FileNotFoundError:
            continue
        except Unreadable as error:
            damaged = damaged or error
    if damaged:
        raise damaged
    return None


def filed_hours(directory: Path, written: Manifest) -> Hours | None:
    """Return the hours of a written revision, from any of the directories.

    Returns:
        ``None`` where the revision has none, or their file is gone or damaged.
    """
    if written.hours is None:
        return None
    for _ in range(_ATTEMPTS):
        for path in _hour_files(directory, written):
            with suppress(OSError, BadFile):
                if _sha256(path) == written.hours.sha256:
                    return Hours(_hour_rows(path, written.day), written.hours.is_whole)
    return None


def carried(former: Hours | None, rows: DayRows) -> Hours | None:
    """Return a former revision's hours as those of a breakdown, which holds at least as much."""
    if former is None:
        return None
    return Hours(former.rows, whole=former.whole and former.rows.sums() == rows.sums())


def _hour_files(directory: Path, written: Manifest) -> Iterator[Path]:
    """Yield the possible places of a revision's hours, in the order in which they move."""
    names = DayNames.of(written.day)
    *waiting, loaded = places(directory, names)
    yield from (place / names.hours for place in waiting)
    yield loaded / f"{names.hours}.gz"
    yield from sorted(loaded.glob(f"{names.stem}.qml.r{written.revision}*.hours.csv.gz"))


def _sha256(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hour_rows(path: Path, day: date) -> HourRows:
    with _opened(path) as file:
        return HourRows.joined(list(hours_file.read(file, path.name, day)))


def _is_pinned(one: Manifest | None, pinned: Pinned) -> bool:
    return one is not None and (one.revision, one.breakdown_sha256) == (
        pinned.revision,
        pinned.breakdown_sha256,
    )


def _places(directory: Path, day: date) -> Iterator[_Place]:
    """Yield the places of a day's files, in the order in which they move."""
    names = DayNames.of(day)
    *waiting, loaded = places(directory, names)
    for place in waiting:
        yield _Place(place / names.manifest, place / names.breakdown)
    yield _Place(loaded / names.manifest, loaded / f"{names.breakdown}.gz")


def _is_bare(directory: Path, day: date) -> bool:
    names = DayNames.of(day)
    archived = directory / LOADED / f"{names.qml}.gz"
    return (directory / names.qml).exists() or archived.exists()


def _stated(place: _Place, day: date) -> Manifest | None:
    try:
        return read_manifest(place.manifest)
    except FileNotFoundError:
        return None
    except NewerFile:
        raise
    except (OSError, BadFile) as error:
        raise _unreadable(day, error, place.manifest) from error


def _read(place: _Place, day: date) -> Filed:
    written = read_manifest(place.manifest)
    try:
        with _opened(place.breakdown) as file:
            return Filed(written, _rows(file, place.breakdown.name))
    except FileNotFoundError:
        raise
    except NewerFile:
        raise
    except (OSError, BadFile) as error:
        raise _unreadable(day, error, place.breakdown) from error


def _opened(path: Path) -> AbstractContextManager[BufferedReader]:
    return open_packed(path, MAX_FILE_BYTES) if path.suffix == ".gz" else open_regular(path)


def _rows(file: IO[bytes], name: str) -> DayRows:
    gathered = Gathering()
    for piece in breakdown.read(file, name):
        gathered.add_rows(piece)
    return gathered.rows()


def _unreadable(day: date, why: object, path: Path | None = None) -> Unreadable:
    which = f"{path}, a file of {day}," if path else f"A file of {day}"
    return Unreadable(
        f"{which} cannot be read ({why}): restore it from a backup, or move all files of the day "
        f"to another directory to rebuild the day from its logs alone."
    )
