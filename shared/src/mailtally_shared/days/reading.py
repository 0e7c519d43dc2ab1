"""Reading a day's files back, with every figure checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_shared.batches import Passing
from mailtally_shared.days.charged_rows import QmlTotals, first_difference
from mailtally_shared.days.charging import charge
from mailtally_shared.days.day_rows import SumsTotals
from mailtally_shared.days.directory import read_manifest
from mailtally_shared.days.durable import sha256_of
from mailtally_shared.days.grammar import breakdown, hours, qml
from mailtally_shared.days.names import DayNames
from mailtally_shared.errors import BadFile, NewerFile, Refused
from mailtally_shared.regular import is_regular, open_regular
from mailtally_shared.schema import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from mailtally_shared.days.charged_rows import ChargedRows
    from mailtally_shared.days.day_rows import DayRows
    from mailtally_shared.days.hour_rows import HourRows
    from mailtally_shared.days.manifest import Manifest


#: Some ten million domains. A larger file is not a day of one cluster.
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

    def charged(self) -> Iterator[ChargedRows]:
        """Read and yield the charged rows, some thousand at a time."""
        with open_regular(self.directory / self.names.qml) as file:
            yield from qml.read(file, self.names.qml)

    def by_hour(self) -> Iterator[HourRows]:
        """Read and yield the rows by hour, likewise; none where no hours of the day are known."""
        if self.manifest and self.manifest.hours:
            with open_regular(self.directory / self.names.hours) as file:
                yield from hours.read(file, self.names.hours, self.day)

    def counted(self) -> Iterator[DayRows]:
        """Read and yield the breakdown's rows, likewise; none for a bare file."""
        if self.manifest:
            with open_regular(self.directory / self.names.breakdown) as file:
                yield from breakdown.read(file, self.names.breakdown)


def read_day(directory: Path, names: DayNames, *, max_bytes: int = MAX_FILE_BYTES) -> DaySet:
    """Read and check all files: checksums, grammar, every row against every other file.

    Memory is bounded by some thousand rows, or by the names of a qml file that is not sorted.

    Raises:
        BadFile: something is missing, damaged or contradicts the rest; the message has
            the file's name without the directory.
    """
    _check_sizes(directory, names, max_bytes)
    day, written = _day(names), _manifest(directory, names)
    qml_sha256 = written.qml_sha256 if written else sha256_of(directory / names.qml)
    stated = written.charged if written else QmlTotals()
    day_set = DaySet(directory, names, day, written, qml_sha256, stated)
    if written is None:
        return replace(day_set, totals=_bare_totals(day_set))
    _check_checksums(directory, names, written)
    _check_rows(day_set, written)
    return day_set


def is_consistent(directory: Path, names: DayNames) -> bool:
    """Return whether the manifest is readable and its checksums match: a check before a claim."""
    try:
        _check_checksums(directory, names, read_manifest(directory / names.manifest))
    except (BadFile, FileNotFoundError):
        return False
    return True


def check_version(directory: Path, names: DayNames) -> None:
    """Raise ``NewerFile`` where a newer version of mailtally wrote the manifest."""
    try:
        read_manifest(directory / names.manifest)
    except NewerFile:
        raise
    except (BadFile, FileNotFoundError):
        return


def _check_sizes(directory: Path, names: DayNames, max_bytes: int) -> None:
    for name in names.all:
        path = directory / name
        if os.path.lexists(path) and not is_regular(path):
            raise BadFile("not-a-file", name, "a link, pipe, device or directory, and not a file")
        if path.exists() and path.stat().st_size > max_bytes:
            raise BadFile("too-large", name, f"larger than the {max_bytes} bytes allowed")


def _day(names: DayNames) -> date:
    try:
        return names.day()
    except ValueError:
        raise BadFile("bad-name", names.qml, "the calendar has no such day") from None


def _manifest(directory: Path, names: DayNames) -> Manifest | None:
    try:
        written = read_manifest(directory / names.manifest)
    except FileNotFoundError:
        return None
    if DayNames.of(written.day) != names:
        raise BadFile("bad-manifest", names.manifest, f"it is the manifest of {written.day}")
    return written


def _bare_totals(day_set: DaySet) -> QmlTotals:
    passing = Passing()
    for _ in passing.through(day_set.charged()):
        pass
    if max(passing.totals, default=0) > MAX_SUM:
        raise BadFile("too-large", day_set.names.qml, "its total exceeds 2^63-1")
    return QmlTotals(*passing.totals)


def _check_checksums(directory: Path, names: DayNames, written: Manifest) -> None:
    for name, stated in checksums(names, written).items():
        if not (directory / name).exists():
            raise BadFile("missing", name, "named by the manifest, but missing")
        if sha256_of(directory / name) != stated:
            raise BadFile("bad-checksum", name, "not the file that its manifest describes")


def checksums(names: DayNames, written: Manifest) -> dict[str, str]:
    """Return the SHA-256 that a manifest states for each of the other files, by name."""
    found = {names.qml: written.qml_sha256, names.breakdown: written.breakdown_sha256}
    return found | ({names.hours: written.hours.sha256} if written.hours else {})


def _check_rows(day_set: DaySet, written: Manifest) -> None:
    """Check every row of the qml file against the breakdown, and the totals of both."""
    counted, charged = Passing(), Passing()
    try:
        rows = charge(counted.through(day_set.counted()), written.policy)
        difference = first_difference(rows, charged.through(day_set.charged()))
    except Refused as error:
        raise BadFile("too-large", day_set.names.breakdown, str(error)) from error
    if difference:
        sentence = f"it says {difference[1]}, its breakdown {difference[0]}"
        raise BadFile("contradiction", day_set.names.qml, sentence)
    stated = written.counted, written.charged
    found = SumsTotals(*counted.totals), QmlTotals(*charged.totals)
    if stated != found:
        sentence = f"it says {stated}, the files {found}"
        raise BadFile("contradiction", day_set.names.manifest, sentence)
    _check_hours(day_set, written)


def _check_hours(day_set: DaySet, written: Manifest) -> None:
    """Check the rows by hour against their sums, which the manifest holds against the breakdown."""
    by_hour = Passing()
    for _ in by_hour.through(day_set.by_hour()):
        pass
    found = by_hour.totals or (0, 0, 0, 0)
    if written.hours and written.hours.counted != found:
        sentence = f"its manifest says {written.hours.counted}, the file {found}"
        raise BadFile("contradiction", day_set.names.hours, sentence)
