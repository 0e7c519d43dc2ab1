"""Putting a day's three files in place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mailtally_shared.day_files import breakdown, manifest, qml
from mailtally_shared.day_files.charged_rows import charge_day
from mailtally_shared.day_files.day_rows import DayRows
from mailtally_shared.day_files.durable import Staged, directory_lock, stage, sync_directory
from mailtally_shared.day_files.manifest import DayFacts, Manifest
from mailtally_shared.day_files.manifest_file import read_manifest
from mailtally_shared.day_files.names import LOADED, LOADING, DayNames
from mailtally_shared.day_files.rows import QmlTotals
from mailtally_shared.day_files.side_by_side import host_sums
from mailtally_shared.day_files.staging import stage_behind
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from mailtally_shared.day_files.rows import Sums


def write_day(directory: Path, facts: DayFacts, rows: Iterable[Sums], *, now: float) -> bool:
    """Write the files of one revision of a day, all three or none.

    A writer that lost its lease meanwhile does no harm: under the directory's
    lock it finds the newer revision and leaves it alone.

    Args:
        directory: the statistic directory; made if it is not there.
        facts: the day, its revision, its policy and how complete it is.
        rows: the day's whole breakdown, in any order, each key once.
        now: Unix seconds, for ``written_at``.

    Returns:
        False where this revision or a newer one is there already.

    Raises:
        Refused: a domain's sum does not fit 63 bits.
        ValueError: a key stands twice, or a total does not fit 63 bits.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory):
        if newest_revision(directory, facts.day) >= facts.revision:
            return False
        _replace(directory, DayNames.of(facts.day), _stage(directory, facts, DayRows.of(rows), now))
    return True


def newest_manifest(directory: Path, day: date) -> Manifest | None:
    """Return the newest manifest of ``day``, waiting, being loaded or archived."""
    name = DayNames.of(day).manifest
    places = (directory, directory / LOADING / DayNames.of(day).stem, directory / LOADED)
    found = [_manifest(place / name) for place in places]  # files go from the first to the last
    return max(filter(None, found), key=lambda one: one.revision, default=None)


def newest_revision(directory: Path, day: date) -> int:
    """Return the newest revision of ``day`` outside of the state; 0 for none."""
    newest = newest_manifest(directory, day)
    return newest.revision if newest else 0


def _manifest(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (FileNotFoundError, BadFile):
        return None


def _stage(directory: Path, facts: DayFacts, rows: DayRows, now: float) -> list[Staged]:
    names = DayNames.of(facts.day)
    counted, charged = rows.totals(), QmlTotals()
    charges = charge_day(rows, facts.policy, charged)
    with ThreadPoolExecutor(2) as disk:  # while one file is synced the next is written
        csv_file = stage_behind(disk, directory / names.breakdown, breakdown.render_padded(rows))
        txt_file = stage_behind(disk, directory / names.qml, qml.render_padded(charges))
    csv, txt = csv_file.result(), txt_file.result()
    whole = Manifest(
        **dict(facts),
        breakdown_rows=counted.rows,
        total_messages=counted.messages,
        total_bytes=counted.bytes,
        hosts=host_sums(rows),
        qml_rows=charged.rows,
        charged_bytes=charged.bytes,
        hits_all=charged.hits_all,
        hits_html=charged.hits_html,
        qml_sha256=txt.sha256,
        breakdown_sha256=csv.sha256,
        written_at=manifest.utc(now),
    )
    return [csv, stage(directory / names.manifest, [manifest.render(whole)]), txt]


def _replace(directory: Path, names: DayNames, staged: list[Staged]) -> None:
    # An older revision that nobody has claimed yet is taken back first. Otherwise a
    # crash between the renames would leave its qml file beside our breakdown.
    if (directory / names.qml).exists():
        (directory / names.qml).unlink()
        sync_directory(directory)
    for file in staged[:-1]:
        file.commit()
    sync_directory(directory)
    staged[-1].commit()
    sync_directory(directory)
