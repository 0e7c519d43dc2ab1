"""Writing a day's files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailtally_shared.batches import Passing
from mailtally_shared.days import manifest
from mailtally_shared.days.charged_rows import QmlTotals
from mailtally_shared.days.charging import charge
from mailtally_shared.days.day_rows import DayRows
from mailtally_shared.days.directory import newest_revision
from mailtally_shared.days.durable import (
    Staged,
    directory_lock,
    stage,
    stage_behind,
    sync_directory,
)
from mailtally_shared.days.filed import collector_sums
from mailtally_shared.days.grammar import breakdown, qml
from mailtally_shared.days.grammar import hours as hours_file
from mailtally_shared.days.grammar.text_columns import bare
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.days.manifest import DayFacts, HoursPart, Manifest
from mailtally_shared.days.names import DayNames
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailtally_shared.schema import Sums


def write_day(
    directory: Path,
    facts: DayFacts,
    rows: Iterable[Sums],
    hours: Hours | None = None,
    *,
    now: float,
) -> bool:
    """Write the files of one revision of a day, all or none.

    A writer that lost its lease in the meantime does no harm: under the directory's
    lock it finds the newer revision and leaves it alone.

    Args:
        directory: the statistic directory; created if missing.
        facts: the day, its revision, its policy and how complete it is.
        rows: the day's whole breakdown, in any order, each key once.
        hours: what is known of the day by hour; without, no file of hours is written.
        now: Unix seconds, for ``written_at``.

    Returns:
        False where this revision or a newer one exists already.

    Raises:
        Refused: a domain's sum does not fit 63 bits; hours that are whole do not add up to the
            breakdown, or are of another day.
        ValueError: a key appears twice, or a total does not fit 63 bits.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory):
        if newest_revision(directory, facts.day) >= facts.revision:
            return False
        staged = _stage(directory, facts, DayRows.of(rows), hours, now)
        _replace(directory, DayNames.of(facts.day), staged)
    return True


def _stage(
    directory: Path, facts: DayFacts, rows: DayRows, hours: Hours | None, now: float
) -> list[Staged]:
    names = DayNames.of(facts.day)
    counted, passing = rows.totals(), Passing()
    charges = passing.through(charge(rows.pieces(), facts.policy))
    of_hours = _stage_hours(directory, facts, rows, hours) if hours else None
    with ThreadPoolExecutor(2) as disk:  # while one file is synced the next is written
        csv_file = stage_behind(disk, directory / names.breakdown, breakdown.render(rows))
        txt_file = stage_behind(disk, directory / names.qml, qml.render(charges))
    csv, txt = csv_file.result(), txt_file.result()
    charged = QmlTotals(*passing.totals)
    whole = Manifest(
        **dict(facts),
        breakdown_rows=counted.rows,
        total_messages=counted.messages,
        total_bytes=counted.bytes,
        collectors=collector_sums(rows),
        qml_rows=charged.rows,
        charged_bytes=charged.bytes,
        hits_all=charged.hits_all,
        hits_html=charged.hits_html,
        qml_sha256=txt.sha256,
        breakdown_sha256=csv.sha256,
        hours=of_hours and of_hours[1],
        written_at=manifest.utc(now),
    )
    companions = [csv, of_hours[0]] if of_hours else [csv]
    return [*companions, stage(directory / names.manifest, [manifest.render(whole)]), txt]


def _stage_hours(
    directory: Path, facts: DayFacts, rows: DayRows, hours: Hours
) -> tuple[Staged, HoursPart]:
    """Write the file of hours, in order, and return it with what the manifest says of it."""
    found = hours.rows if hours.rows.ascends() else HourRows.added_up([hours.rows])
    name, zone = DayNames.of(facts.day).hours, ZoneInfo(facts.timezone)
    if hours.whole and found.sums() != rows.sums():
        raise Refused(
            f"The hours of {facts.day} for {name} add up to {found.sums()} messages, bytes and "
            f"transferred, its breakdown to {rows.sums()}. Keys were lost or changed from outside."
        )
    if not hours_file.are_of(found, facts.day, zone):
        raise Refused(
            f"The hours of {facts.day} for {name} hold one of another day in {facts.timezone}."
        )
    file = stage(directory / name, map(bare, hours_file.render(found, zone)))
    messages, size, transferred = found.sums()
    return file, HoursPart(
        extent="whole" if hours.whole else "partial",
        rows=len(found),
        messages=messages,
        bytes=size,
        transferred=transferred,
        sha256=file.sha256,
    )


def _replace(directory: Path, names: DayNames, staged: list[Staged]) -> None:
    # An older revision that no loader has claimed yet is removed first. Otherwise a crash
    # between the renames would leave its qml file next to the new breakdown.
    if (directory / names.qml).exists():
        (directory / names.qml).unlink()
        sync_directory(directory)
    if len(staged) < len(names.all):  # nor are older hours left next to it
        (directory / names.hours).unlink(missing_ok=True)
    for file in staged[:-1]:
        file.commit()
    sync_directory(directory)
    staged[-1].commit()
    sync_directory(directory)
