"""Revisions of a day that were written, wherever their files are: a memory outside of the state."""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from mailtally_shared.day_files.blocks import breakdown_blocks
from mailtally_shared.day_files.day_rows import DayRows, Gathering
from mailtally_shared.day_files.manifest_file import read_manifest
from mailtally_shared.day_files.names import LOADED, LOADING, DayNames
from mailtally_shared.day_files.reading import MAX_FILE_BYTES
from mailtally_shared.errors import BadFile, Refused
from mailtally_shared.regular import open_packed, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    from mailtally_shared.day_files.manifest import Manifest, Pinned

#: The loader may move the files while they are looked for.
_ATTEMPTS = 3


class Unreadable(Refused):
    """A file of a written day is damaged, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A revision of a day as it was written."""

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
        Unreadable: the files cannot be read, or are of other origin and say nothing about hosts.
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
    """Read the manifests of a day.

    Raises:
        Unreadable: one is damaged.
    """
    for place in _places(directory, day):
        _stated(place, day)


def marks_of(directory: Path, day: date) -> tuple[tuple[int, int, int], ...]:
    """Return what changes whenever one of the files of a day does."""
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
                f"The files of {day} have no manifest: bring it back, or move them away to "
                "rebuild the day from its logs alone."
            )
        return None
    return _read(max(found, key=lambda one: one[0])[1], day)


def filed_as(directory: Path, day: date, pinned: Pinned) -> Filed | None:
    """Return one revision of a day, wherever it is; ``None`` where its files are gone.

    Raises:
        Unreadable: one of the files that it may be in is damaged.
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


def _is_pinned(one: Manifest | None, pinned: Pinned) -> bool:
    return one is not None and (one.revision, one.breakdown_sha256) == (
        pinned.revision,
        pinned.breakdown_sha256,
    )


def _places(directory: Path, day: date) -> Iterator[_Place]:
    """Yield where the files of a day may be, in the order in which they move."""
    names = DayNames.of(day)
    for place in (directory, directory / LOADING / names.stem):
        yield _Place(place / names.manifest, place / names.breakdown)
    loaded = directory / LOADED
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
    except (OSError, BadFile) as error:
        raise _unreadable(day, error, place.manifest) from error


def _read(place: _Place, day: date) -> Filed:
    written = read_manifest(place.manifest)
    try:
        with _opened(place.breakdown) as file:
            return Filed(written, _rows(file, place.breakdown.name))
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error, BadFile) as error:
        raise _unreadable(day, error, place.breakdown) from error


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    return open_packed(path, MAX_FILE_BYTES) if path.suffix == ".gz" else open_regular(path)


def _rows(file: IO[bytes], name: str) -> DayRows:
    gathered = Gathering()
    for block in breakdown_blocks(file, name):
        domain, host, service, status, *sums = block.columns
        gathered.add(domain, list(zip(host, service, status, strict=True)), sums)
    return gathered.rows()


def _unreadable(day: date, why: object, path: Path | None = None) -> Unreadable:
    which = f"{path}, a file of {day}," if path else f"A file of {day}"
    return Unreadable(
        f"{which} cannot be read ({why}): restore it from a backup, or move it and the other "
        f"files of the day away to rebuild the day from its logs alone."
    )
