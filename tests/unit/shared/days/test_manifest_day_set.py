"""The manifest, and a day's files as a set: written whole, read back with doubt."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days import (
    ChargingPolicy,
    DayFacts,
    DayNames,
    DayRows,
    Sums,
    manifest,
    newest_revision,
    read_day,
    write_day,
)
from mailtally_shared.days.durable import Staged, directory_lock, sha256_of
from mailtally_shared.days.filed import added, lowered_collectors, newest_filed
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.days.manifest import CountedSums, Manifest
from mailtally_shared.days.names import LOADED
from mailtally_shared.errors import BadFile, Refused
from mailtally_shared.schema import MAX_SUM

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 2, 1)
NAMES = DayNames("01.02.2026")
ALL = CountedSums(messages=MAX_SUM, bytes=MAX_SUM, transferred=MAX_SUM)
ROWS = [
    Sums("b.example", "m1.example.com", "m1.example.com", "smtp-in", "success", 2, 138, 138),
    Sums("a.example", "m1.example.com", "m1.example.com", "smtp-out", "success", 1, 5120, 10240),
]
HOURS = Hours(HourRows.empty(), whole=False)
Manifest.model_rebuild()  # models are built when they are first used; Hypothesis reads the fields


def facts(revision: int = 1) -> DayFacts:
    return DayFacts(day=DAY, timezone="UTC", revision=revision, complete=True)


def written(directory: Path, revision: int = 1, rows: list[Sums] | None = None) -> bool:
    return write_day(directory, facts(revision), ROWS if rows is None else rows, HOURS, now=1e9)


@given(
    st.builds(
        Manifest,
        timezone=st.just("Europe/Berlin"),
        complete=st.sampled_from([False]),
        missing_hosts=st.lists(st.text(max_size=9)).map(tuple),
        total_messages=st.just(MAX_SUM),
        total_bytes=st.just(MAX_SUM),
        collectors=st.just({"m1": ALL}),
        qml_sha256=st.just("0" * 64),
        breakdown_sha256=st.just("f" * 64),
        written_at=st.integers(0, 2**33).map(manifest.utc),
        policy=st.builds(ChargingPolicy, charged_statuses=st.just(("success", "partial"))),
    )
)
def test_a_manifest_survives_its_file(one: Manifest) -> None:
    assert manifest.parse(manifest.render(one), "x.json") == one


@given(
    st.binary(max_size=100)
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)
    ).map(lambda value: json.dumps(value).encode())
)
def test_other_bytes_are_a_bad_manifest(data: bytes) -> None:
    with pytest.raises(BadFile) as caught:
        manifest.parse(data, "x.json")
    assert caught.value.reason == "bad-manifest"


def test_what_is_wrong_is_told_on_one_line_of_bounded_length() -> None:
    data = json.dumps({f"odd\n{i}" + "x" * 1000: 1 for i in range(1000)}).encode()
    with pytest.raises(BadFile) as caught:
        manifest.parse(data, "x.json")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 3000


def test_a_manifest_of_the_first_edition_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadFile, match="first edition are not supported; rebuild") as caught:
        manifest.parse(b'{"format": 1, "revision": 7}', "x.json")
    assert caught.value.reason == "bad-manifest"


def test_a_manifest_whose_collectors_do_not_add_up_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    found = json.loads((tmp_path / NAMES.manifest).read_bytes())
    found["collectors"]["m1.example.com"]["bytes"] += 1
    with pytest.raises(BadFile, match="the collectors do not add up"):
        manifest.parse(json.dumps(found).encode(), "x.json")


def test_a_complete_day_cannot_miss_hosts() -> None:
    with pytest.raises(ValueError, match="missing hosts"):
        DayFacts(day=DAY, timezone="UTC", revision=1, complete=True, missing_hosts=("m1",))


def test_names_follow_the_traffic_day() -> None:
    assert DayNames.of(DAY) == NAMES
    assert NAMES.all == (
        "01.02.2026.qml.csv",
        "01.02.2026.qml.hours.csv",
        "01.02.2026.qml.json",
        "01.02.2026.qml.txt",
    )
    assert NAMES.day() == DAY
    assert DayNames.of_qml("1.2.2026.qml.txt") is None
    assert DayNames.of_qml(".01.02.2026.qml.txt.tmp") is None


def test_a_written_day_reads_back_and_agrees_with_itself(tmp_path: Path) -> None:
    assert written(tmp_path)
    day_set = read_day(tmp_path, NAMES)
    assert list(chain.from_iterable(day_set.counted())) == sorted(ROWS)
    assert [row.name for row in chain.from_iterable(day_set.charged())] == [
        "a.example",
        "b.example",
    ]
    assert day_set.manifest is not None
    assert day_set.manifest.charged_bytes == day_set.totals.bytes == 5258
    assert day_set.manifest.written_at == manifest.utc(1e9)


def test_the_files_are_readable_by_owner_and_group_only(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        written(tmp_path)
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in NAMES.all} == {0o640}


def test_the_same_day_is_the_same_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    write_day(tmp_path / "one", facts(), ROWS, HOURS, now=1e9)
    write_day(tmp_path / "two", facts(), reversed(ROWS), HOURS, now=1e9)
    for name in NAMES.all:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_day_without_traffic_is_an_empty_file(tmp_path: Path) -> None:
    assert written(tmp_path, rows=[])
    assert (tmp_path / NAMES.qml).read_bytes() == b""
    assert read_day(tmp_path, NAMES).totals.rows == 0


@pytest.mark.parametrize("place", [".", "loading/01.02.2026", "loaded"])
def test_a_revision_never_overwrites_itself_or_a_newer_one(tmp_path: Path, place: str) -> None:
    written(tmp_path, revision=2)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for name in NAMES.all:
        (tmp_path / name).rename(tmp_path / place / name)
    assert newest_revision(tmp_path, DAY) == 2
    assert not written(tmp_path, revision=1)
    assert not written(tmp_path, revision=2)
    assert written(tmp_path, revision=3)


def test_a_key_that_stands_twice_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        written(tmp_path, rows=[ROWS[0], ROWS[0]._replace(bytes=1)])
    assert not (tmp_path / NAMES.qml).exists()


def test_writing_waits_for_the_directory_lock(tmp_path: Path) -> None:
    written(tmp_path)
    with (tmp_path / ".lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError), directory_lock(tmp_path, wait=False):
            pass


@pytest.mark.parametrize("renames", [0, 1, 2, 3])
def test_a_crash_while_replacing_leaves_no_qml_file_beside_foreign_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    written(tmp_path, revision=1)
    commits: list[Staged] = []

    def commit(staged: Staged) -> None:
        if len(commits) == renames:
            raise KeyboardInterrupt
        commits.append(staged)
        staged.temporary.replace(staged.path)

    with monkeypatch.context() as patched:
        patched.setattr(Staged, "commit", commit)
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path, revision=2, rows=ROWS[:1])
    assert not (tmp_path / NAMES.qml).exists()


def change(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def test_a_changed_byte_is_a_bad_checksum(tmp_path: Path) -> None:
    for name in (NAMES.qml, NAMES.breakdown):
        written(tmp_path / name)
        change(tmp_path / name / name, b"b.example", b"c.example")
        with pytest.raises(BadFile) as caught:
            read_day(tmp_path / name, NAMES)
        assert caught.value.reason == "bad-checksum"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (NAMES.qml, b"|5|1|0|", b"|6|1|0|"),
        (NAMES.qml, b"|a.example|5|1|0|\n", b""),
        (NAMES.breakdown, b",138,138", b",139,138"),
        (NAMES.manifest, b'"breakdown_rows": 2', b'"breakdown_rows": 3'),
        (NAMES.manifest, b'"hits_all": 3', b'"hits_all": 2'),
    ],
)
def test_files_that_contradict_each_other_are_refused(
    tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    written(tmp_path)
    before = {each: sha256_of(tmp_path / each).encode() for each in (NAMES.qml, NAMES.breakdown)}
    change(tmp_path / name, old, new)
    for each, digest in before.items():
        change(tmp_path / NAMES.manifest, digest, sha256_of(tmp_path / each).encode())
    with pytest.raises(BadFile) as caught:
        read_day(tmp_path, NAMES)
    assert caught.value.reason == "contradiction"


def test_a_missing_breakdown_a_foreign_manifest_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(BadFile, match="larger than"):
        read_day(tmp_path, NAMES, max_bytes=10)
    (tmp_path / NAMES.breakdown).unlink()
    with pytest.raises(BadFile, match="but missing"):
        read_day(tmp_path, NAMES)
    change(tmp_path / NAMES.manifest, b"2026-02-01", b"2026-02-02")
    with pytest.raises(BadFile, match="it is the manifest of 2026-02-02"):
        read_day(tmp_path, NAMES)


def test_a_bare_file_is_a_set_of_its_own(tmp_path: Path) -> None:
    (tmp_path / NAMES.qml).write_bytes(b"|a.example|1.5|2|0|\r\n")
    day_set = read_day(tmp_path, NAMES)
    assert (
        day_set.manifest,
        day_set.totals.bytes,
        list(chain.from_iterable(day_set.counted())),
    ) == (None, 1536, [])


def test_a_day_that_no_calendar_has_is_a_bad_name(tmp_path: Path) -> None:
    (tmp_path / "31.02.2026.qml.txt").write_bytes(b"")
    with pytest.raises(BadFile) as caught:
        read_day(tmp_path, DayNames("31.02.2026"))
    assert caught.value.reason == "bad-name"


def test_sums_that_no_table_could_hold_are_bad_files_not_a_stop(tmp_path: Path) -> None:
    (tmp_path / NAMES.qml).write_bytes(b"|a.example|9007199254740991|1|0|\n|b.example|1|0|0|\n")
    with pytest.raises(BadFile, match="total exceeds"):
        read_day(tmp_path, NAMES)
    huge = ROWS[0]._replace(bytes=MAX_SUM, transferred=MAX_SUM)
    written(tmp_path / "set", rows=[huge])
    change(tmp_path / "set" / NAMES.breakdown, b"m1", b"m0")
    row = b"b.example,m1.example.com,m1.example.com,smtp-in,success,1,1,1\r\n"
    with (tmp_path / "set" / NAMES.breakdown).open("ab") as file:
        file.write(row)
    old = manifest.parse((tmp_path / "set" / NAMES.manifest).read_bytes(), "x").breakdown_sha256
    new = sha256_of(tmp_path / "set" / NAMES.breakdown)
    change(tmp_path / "set" / NAMES.manifest, old.encode(), new.encode())
    with pytest.raises(BadFile) as caught:
        read_day(tmp_path / "set", NAMES)
    assert caught.value.reason == "too-large"


def test_an_archived_breakdown_with_quotes_is_read(tmp_path: Path) -> None:
    rows = [row._replace(host='m"1,') for row in ROWS]
    written(tmp_path, rows=rows)
    (tmp_path / LOADED).mkdir()
    packed = gzip.compress((tmp_path / NAMES.breakdown).read_bytes())
    (tmp_path / LOADED / f"{NAMES.breakdown}.gz").write_bytes(packed)
    (tmp_path / NAMES.manifest).rename(tmp_path / LOADED / NAMES.manifest)
    found = newest_filed(tmp_path, DAY)
    assert found is not None
    assert list(found.rows) == sorted(rows)


BOOKS = st.dictionaries(
    st.tuples(st.sampled_from(["a.example", "b.example"]), st.sampled_from(["m1", "m2"])),
    st.integers(0, 3),
)


def book(sums: dict[tuple[str, str], int]) -> DayRows:
    return DayRows.of(
        Sums(name, host, host, "imap", "ok", size, size, size)
        for (name, host), size in sums.items()
    )


@given(BOOKS, BOOKS)
def test_two_breakdowns_are_added_and_compared_by_key(
    one: dict[tuple[str, str], int], other: dict[tuple[str, str], int]
) -> None:
    both = {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}
    assert added(book(one), book(other)) == book(both)
    lower = {key[1] for key, size in one.items() if other.get(key, 0) < size}
    assert lowered_collectors(book(one), book(other)) == tuple(sorted(lower))


def test_a_sum_of_two_breakdowns_that_no_table_could_hold_is_refused() -> None:
    most = book({("a.example", "m1"): MAX_SUM})
    with pytest.raises(Refused, match=r"sum of a\.example exceeds"):
        added(most, book({("a.example", "m1"): 1}))
    assert added(most, book({("b.example", "m1"): MAX_SUM})).sums() == (2 * MAX_SUM,) * 3
    assert lowered_collectors(most, book({})) == ("m1",)
