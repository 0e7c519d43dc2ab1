"""Hours among the files of a day: optional, listed in the manifest, never more than is known."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.days import newest_manifest, read_day
from mailtally_shared.days.durable import sha256_of
from mailtally_shared.days.filed import carried, filed_hours, newest_filed
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.days.names import LOADED
from mailtally_shared.errors import BadFile, Refused
from tests.support.day_sets import DAY, NAMES, hours_of, put_set
from tests.support.hours_by_row import as_rows

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"a.example": 5, "b.example": 7}


def listed(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")}


def change_manifest(directory: Path, **changes: object) -> None:
    path = directory / NAMES.manifest
    found = json.loads(path.read_bytes())
    found["hours"] |= changes
    path.write_text(json.dumps(found))


def test_hours_are_written_with_the_day_and_read_back(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    assert listed(tmp_path) == set(NAMES.all)
    day_set = read_day(tmp_path, NAMES)
    assert day_set.manifest
    assert day_set.manifest.hours
    assert day_set.manifest.hours.is_whole
    assert day_set.manifest.hours.counted == (2, 2, 12, 12)
    rows = [row for piece in day_set.by_hour() for row in as_rows(piece)]
    assert rows == as_rows(hours_of(SIZES).rows)


def test_a_day_without_hours_has_no_file_of_them_and_says_nothing(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES)
    day_set = read_day(tmp_path, NAMES)
    assert listed(tmp_path) == set(NAMES.all) - {NAMES.hours}
    assert day_set.manifest
    assert day_set.manifest.hours is None
    assert list(day_set.by_hour()) == []


def test_a_day_of_which_nothing_was_counted_has_whole_hours_without_rows(tmp_path: Path) -> None:
    put_set(tmp_path, {}, hours=Hours(HourRows.empty(), whole=True))
    found = read_day(tmp_path, NAMES).manifest
    assert found
    assert found.hours
    assert (found.hours.extent, found.hours.rows) == ("whole", 0)


def test_a_revision_without_hours_leaves_no_older_ones_next_to_it(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    put_set(tmp_path, SIZES, revision=2)
    assert NAMES.hours not in listed(tmp_path)
    assert read_day(tmp_path, NAMES).manifest


def test_whole_hours_that_do_not_add_up_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"for 01\.02\.2026\.qml\.hours\.csv add up to"):
        put_set(tmp_path, SIZES, hours=hours_of({"a.example": 5}))
    assert newest_manifest(tmp_path, DAY) is None
    put_set(tmp_path, SIZES, hours=hours_of({"a.example": 5}, whole=False))
    found = read_day(tmp_path, NAMES).manifest
    assert found
    assert found.hours
    assert found.hours.extent == "partial"


def test_hours_of_another_day_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"hours\.csv hold one of another day"):
        put_set(tmp_path, SIZES, hours=hours_of(SIZES, day=DAY + timedelta(days=1)))


def test_a_changed_missing_or_contradicting_file_of_hours_is_refused(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    path = tmp_path / NAMES.hours
    written = path.read_bytes()
    path.write_bytes(written.replace(b",5,5", b",6,6"))
    with pytest.raises(BadFile) as caught:
        read_day(tmp_path, NAMES)
    assert (caught.value.reason, caught.value.path) == ("bad-checksum", NAMES.hours)
    change_manifest(tmp_path, sha256=sha256_of(path))
    with pytest.raises(BadFile) as caught:
        read_day(tmp_path, NAMES)
    assert (caught.value.reason, caught.value.path) == ("contradiction", NAMES.hours)
    path.unlink()
    with pytest.raises(BadFile, match="but missing"):
        read_day(tmp_path, NAMES)


def test_a_manifest_whose_whole_hours_do_not_add_up_is_refused(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    change_manifest(tmp_path, bytes=13)
    with pytest.raises(BadFile, match="called whole and do not add up"):
        read_day(tmp_path, NAMES)


def test_a_manifest_from_before_hours_is_read(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES)
    path = tmp_path / NAMES.manifest
    found = json.loads(path.read_bytes())
    del found["hours"]
    path.write_text(json.dumps(found | {"format": 3}))
    assert read_day(tmp_path, NAMES).manifest


def archive_by_hand(directory: Path, revision: str = "") -> None:
    loaded = directory / LOADED
    loaded.mkdir(exist_ok=True)
    (directory / NAMES.manifest).rename(loaded / f"{NAMES.stem}.qml{revision}.json")
    for name, kind in ((NAMES.breakdown, "csv"), (NAMES.hours, "hours.csv")):
        packed = gzip.compress((directory / name).read_bytes())
        (loaded / f"{NAMES.stem}.qml{revision}.{kind}.gz").write_bytes(packed)
        (directory / name).unlink()


@pytest.mark.parametrize("revision", [None, "", ".r1"])
def test_written_hours_are_found_wherever_they_are(tmp_path: Path, revision: str | None) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    written = newest_manifest(tmp_path, DAY)
    assert written
    if revision is not None:
        archive_by_hand(tmp_path, revision)
    found = filed_hours(tmp_path, written)
    assert found
    assert found.whole
    assert as_rows(found.rows) == as_rows(hours_of(SIZES).rows)


def test_damaged_or_lost_hours_of_a_written_day_are_unknown(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    written = newest_manifest(tmp_path, DAY)
    assert written
    (tmp_path / NAMES.hours).write_bytes(b"damaged")
    assert filed_hours(tmp_path, written) is None
    (tmp_path / NAMES.hours).unlink()
    assert filed_hours(tmp_path, written) is None


def test_the_hours_of_a_revision_are_not_those_of_another(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    written = newest_manifest(tmp_path, DAY)
    assert written
    archive_by_hand(tmp_path)
    more = SIZES | {"c.example": 1}
    put_set(tmp_path, more, revision=2, hours=hours_of(more))
    found = filed_hours(tmp_path, written)
    assert found
    assert as_rows(found.rows) == as_rows(hours_of(SIZES).rows)


def test_carried_hours_are_whole_only_while_nothing_was_added(tmp_path: Path) -> None:
    put_set(tmp_path, SIZES)
    filed = newest_filed(tmp_path, DAY)
    assert filed
    same = carried(hours_of(SIZES), filed.rows)
    assert same
    assert same.whole
    more = carried(hours_of({"a.example": 5}), filed.rows)
    assert more
    assert not more.whole
    assert carried(None, filed.rows) is None


def test_hours_are_written_in_the_order_of_the_file_whatever_their_own(tmp_path: Path) -> None:
    rows = hours_of(SIZES).rows
    put_set(tmp_path, SIZES, hours=Hours(rows.taken(slice(None, None, -1)), whole=True))
    assert [row for piece in read_day(tmp_path, NAMES).by_hour() for row in as_rows(piece)] == (
        as_rows(rows)
    )
