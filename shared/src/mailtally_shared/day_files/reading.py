"""Reading a day's files back, believing nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from mailtally_shared.columns import MAX_SUM
from mailtally_shared.day_files import breakdown, qml
from mailtally_shared.day_files.agreement import plain_totals
from mailtally_shared.day_files.blocks import Block, breakdown_blocks, qml_blocks
from mailtally_shared.day_files.charging import charge
from mailtally_shared.day_files.durable import sha256_of
from mailtally_shared.day_files.manifest_file import read_manifest
from mailtally_shared.day_files.names import DayNames
from mailtally_shared.day_files.rows import QmlRow, QmlTotals, Sums, SumsTotals
from mailtally_shared.errors import BadFile, Refused
from mailtally_shared.regular import is_regular, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

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
        with open_regular(self.directory / self.names.qml) as lines:
            yield from qml.parse(lines, self.names.qml)

    def sums(self) -> Iterator[Sums]:
        """The breakdown's rows, read anew; none for a bare file."""
        if self.manifest:
            with open_regular(self.directory / self.names.breakdown) as lines:
                yield from breakdown.parse(lines, self.names.breakdown)

    def qml_blocks(self) -> Iterator[Block]:
        """The charged rows, read anew, some hundreds at a time; see ``blocks``."""
        with open_regular(self.directory / self.names.qml) as file:
            yield from qml_blocks(file, self.names.qml)

    def breakdown_blocks(self) -> Iterator[Block]:
        """The breakdown's rows, likewise; none for a bare file."""
        if self.manifest:
            with open_regular(self.directory / self.names.breakdown) as file:
                yield from breakdown_blocks(file, self.names.breakdown)


def read_day(directory: Path, names: DayNames, *, max_bytes: int = MAX_FILE_BYTES) -> DaySet:
    """Read and check everything: checksums, grammar, every row against every other file.

    Memory is bounded by the names of one qml file.

    Raises:
        BadFile: something is missing, damaged or contradicts the rest; it gives
            the file's name without the directory.
    """
    _check_sizes(directory, names, max_bytes)
    day_set = DaySet(
        directory,
        names,
        _day(names),
        _manifest(directory, names),
        sha256_of(directory / names.qml),
        QmlTotals(),
    )
    if day_set.manifest is None:
        _check_bare(day_set)
        return day_set
    _check_checksums(day_set, day_set.manifest)
    if _plainly_agrees(day_set, day_set.manifest):
        return replace(day_set, totals=_stated(day_set.manifest)[1])
    _check_set(day_set, day_set.manifest)
    return day_set


def is_consistent(directory: Path, names: DayNames) -> bool:
    """Whether the manifest is readable and its checksums hold: a cheap look before a claim."""
    try:
        written = read_manifest(directory / names.manifest)
        return (
            sha256_of(directory / names.qml) == written.qml_sha256
            and sha256_of(directory / names.breakdown) == written.breakdown_sha256
        )
    except (BadFile, FileNotFoundError):
        return False


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


def _check_bare(day_set: DaySet) -> None:
    totals = day_set.totals
    for _ in totals.through(day_set.qml_rows()):
        pass
    if max(totals.bytes, totals.hits_all, totals.hits_html) > MAX_SUM:
        raise BadFile("too-large", day_set.names.qml, "its total exceeds 2^63-1")


def _plainly_agrees(day_set: DaySet, written: Manifest) -> bool:
    """Whether a look at all rows at once finds nothing to object to."""
    with (
        open_regular(day_set.directory / day_set.names.breakdown) as csv,
        open_regular(day_set.directory / day_set.names.qml) as txt,
    ):
        return plain_totals(csv, txt, written.policy) == _stated(written)


def _check_set(day_set: DaySet, written: Manifest) -> None:
    counted = SumsTotals()
    try:
        _check_rows(day_set, charge(counted.through(day_set.sums()), written.policy))
    except Refused as error:
        raise BadFile("too-large", day_set.names.breakdown, str(error)) from error
    _check_totals(day_set, written, counted)


def _check_checksums(day_set: DaySet, written: Manifest) -> None:
    breakdown_path = day_set.directory / day_set.names.breakdown
    if not breakdown_path.exists():
        raise BadFile("missing", breakdown_path.name, "named by the manifest but not there")
    for name, found, expected in (
        (day_set.names.qml, day_set.qml_sha256, written.qml_sha256),
        (breakdown_path.name, sha256_of(breakdown_path), written.breakdown_sha256),
    ):
        if found != expected:
            raise BadFile("bad-checksum", name, "not the file that its manifest describes")


def _check_rows(day_set: DaySet, charged: Iterator[QmlRow]) -> None:
    rows = day_set.totals.through(day_set.qml_rows())
    for expected, found in zip_longest(charged, rows):
        if expected != found:
            sentence = f"it says {found}, its breakdown {expected}"
            raise BadFile("contradiction", day_set.names.qml, sentence)


def _check_totals(day_set: DaySet, written: Manifest, counted: SumsTotals) -> None:
    stated, found = _stated(written), (counted, day_set.totals)
    if stated != found:
        sentence = f"it says {stated}, the files {found}"
        raise BadFile("contradiction", day_set.names.manifest, sentence)


def _stated(written: Manifest) -> tuple[SumsTotals, QmlTotals]:
    return (
        SumsTotals(written.breakdown_rows, written.total_messages, written.total_bytes),
        QmlTotals(written.qml_rows, written.charged_bytes, written.hits_all, written.hits_html),
    )
