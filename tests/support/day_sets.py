"""Day files for tests of what reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from mailtally_shared.days import DayFacts, DayNames, Sums, write_day
from mailtally_shared.days.hour_rows import HourRows, Hours
from tests.support.hours_by_row import HourSums, as_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mailtally_shared.days.manifest import Lowered

DAY = date(2026, 2, 1)
NAMES = DayNames.of(DAY)


def sums(sizes: Mapping[str, int]) -> list[Sums]:
    """One message of so many bytes for each domain."""
    return [
        Sums(domain, "m1.example.com", "m1.example.com", "smtp-in", "success", 1, size, size)
        for domain, size in sizes.items()
    ]


def put_set(
    directory: Path,
    rows: Mapping[str, int] | list[Sums],
    *,
    revision: int = 1,
    missing: tuple[str, ...] = (),
    day: date = DAY,
    lowered_by: Lowered | None = None,
    hours: Hours | None = None,
) -> None:
    """Write a whole set as the day writer does."""
    facts = DayFacts(
        day=day,
        timezone="UTC",
        revision=revision,
        complete=not missing,
        missing_hosts=missing,
        lowered_by=lowered_by,
    )
    breakdown = rows if isinstance(rows, list) else sums(rows)
    assert write_day(directory, facts, breakdown, hours, now=1_770_000_000)


def hours_of(sizes: Mapping[str, int], *, whole: bool = True, day: date = DAY) -> Hours:
    """The hours of ``sums``: all of it came in the first hour of the day, in UTC."""
    hour = int(datetime.combine(day, time(), UTC).timestamp())
    rows = [HourSums(domain, hour, "smtp-in", 1, size, size) for domain, size in sizes.items()]
    return Hours(HourRows.added_up([as_columns(rows)]), whole)


def put_bare(directory: Path, sizes: Mapping[str, int], *, names: DayNames = NAMES) -> None:
    """Drop a qml file alone, sizes in whole kilobytes, as H-Sphere did."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"|{name}|{size}|1|0|\r\n" for name, size in sizes.items()]
    (directory / names.qml).write_text("".join(lines), "ascii", newline="")
