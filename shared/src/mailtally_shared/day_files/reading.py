"""Reading a day's files back, believing nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from mailtally_shared.day_files import breakdown, manifest, qml
from mailtally_shared.day_files.charging import charge
from mailtally_shared.day_files.durable import sha256_of
from mailtally_shared.day_files.names import DayNames
from mailtally_shared.day_files.rows import QmlRow, QmlTotals, Sums, SumsTotals
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path
    from typing import BinaryIO

    from mailtally_shared.day_files.manifest import Manifest

#: Some ten million domains. A larger file is no day of one cluster.
MAX_FILE_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class DaySet:
    """The files of a day, found to agree with each other.

    A bare qml file (of other origin, without manifest) has no ``manifest`` and
    no breakdown.
    """

    directory: Path
    names: DayNames
    day: date
    manifest: Manifest | None
    qml_sha256: str
    totals: QmlTotals

    def qml_rows(self) -> Iterator[QmlRow]:
        """The charged rows, read anew."""
        with _lines(self.directory / self.names.qml) as (lines, path):
            yield from qml.parse(lines, path)

    def sums(self) -> Iterator[Sums]:
        """The breakdown's rows, read anew; none for a bare file."""
        if self.manifest:
            with _lines(self.directory / self.names.breakdown) as (lines, path):
                yield from breakdown.parse(lines, path)


@contextmanager
def _lines(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    with path.open("rb") as file:
        yield file, str(path)


def read_day(directory: Path, names: DayNames, *, max_bytes: int = MAX_FILE_BYTES) -> DaySet:
    """Read and check everything: checksums, grammar, every row against every other file.

    Memory is bounded by the names of one qml file.

    Raises:
        BadFile: something is missing, damaged or contradicts the rest.
    """
    _check_sizes(directory, names, max_bytes)
    path = directory / names.qml
    day_set = DaySet(
        directory,
        names,
        _day(path, names),
        _manifest(directory, names),
        sha256_of(path),
        QmlTotals(),
    )
    if day_set.manifest:
        _check_set(day_set, day_set.manifest)
    else:
        _exhaust(day_set.totals.through(day_set.qml_rows()))
    return day_set


def is_consistent(directory: Path, names: DayNames) -> bool:
    """Whether the manifest is readable and its checksums hold: a cheap look before a claim."""
    try:
        written = manifest.parse((directory / names.manifest).read_bytes(), names.manifest)
        return (
            sha256_of(directory / names.qml) == written.qml_sha256
            and sha256_of(directory / names.breakdown) == written.breakdown_sha256
        )
    except (BadFile, FileNotFoundError):
        return False


def _check_sizes(directory: Path, names: DayNames, max_bytes: int) -> None:
    for name in names.all:
        path = directory / name
        if path.exists() and path.stat().st_size > max_bytes:
            raise BadFile("too-large", str(path), f"larger than the {max_bytes} bytes allowed")


def _day(path: Path, names: DayNames) -> date:
    try:
        return names.day()
    except ValueError:
        raise BadFile("bad-name", str(path), "the calendar has no such day") from None


def _manifest(directory: Path, names: DayNames) -> Manifest | None:
    path = directory / names.manifest
    try:
        written = manifest.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    if DayNames.of(written.day) != names:
        raise BadFile("bad-manifest", str(path), f"it is the manifest of {written.day}")
    return written


def _check_set(day_set: DaySet, written: Manifest) -> None:
    _check_checksums(day_set, written)
    counted = SumsTotals()
    charged = charge(counted.through(day_set.sums()), written.policy)
    rows = day_set.totals.through(day_set.qml_rows())
    for expected, found in zip_longest(charged, rows):
        if expected != found:
            raise BadFile(
                "contradiction",
                str(day_set.directory / day_set.names.qml),
                f"it says {found}, its breakdown {expected}",
            )
    _check_totals(day_set, written, counted)


def _check_checksums(day_set: DaySet, written: Manifest) -> None:
    breakdown_path = day_set.directory / day_set.names.breakdown
    if not breakdown_path.exists():
        raise BadFile("missing", str(breakdown_path), "named by the manifest but not there")
    if day_set.qml_sha256 != written.qml_sha256:
        path = day_set.directory / day_set.names.qml
        raise BadFile("bad-checksum", str(path), "not the file that its manifest describes")
    if sha256_of(breakdown_path) != written.breakdown_sha256:
        raise BadFile(
            "bad-checksum", str(breakdown_path), "not the file that its manifest describes"
        )


def _check_totals(day_set: DaySet, written: Manifest, counted: SumsTotals) -> None:
    stated = (
        SumsTotals(written.breakdown_rows, written.total_messages, written.total_bytes),
        QmlTotals(written.qml_rows, written.charged_bytes, written.hits_all, written.hits_html),
    )
    if stated != (counted, day_set.totals):
        path = day_set.directory / day_set.names.manifest
        raise BadFile(
            "contradiction", str(path), f"it says {stated}, not {(counted, day_set.totals)}"
        )


def _exhaust(rows: Iterator[QmlRow]) -> None:
    for _ in rows:
        pass
