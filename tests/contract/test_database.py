"""What the tables, their migrations and a load do: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, insert, select, text

from mailtally_loader.crash_at import CrashAt
from mailtally_loader.judge import Verdict
from mailtally_loader.upsert import load
from mailtally_shared.billing.engine import open_engine, reading, writing
from mailtally_shared.billing.tables import CHANGE, DAILY, DETAIL, LOAD, METADATA, SCHEMA
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.days import Sums, read_day
from mailtally_shared.days.charging import ChargingPolicy
from mailtally_shared.days.manifest import Lowered
from mailtally_shared.errors import BadFile, Refused, SettingsError, Unavailable
from mailtally_shared.schema import MAX_SUM
from tests.support.day_files_by_row import charge_rows
from tests.support.day_sets import DAY, NAMES, put_bare, put_set, sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

pytest_plugins = ["tests.support.postgres"]

NOW = 1_770_000_000.0


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    upgrade(opened)
    yield opened
    opened.dispose()


def rows(engine: Engine, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    chosen = [table.c[name] for name in columns] or list(table.c)
    with reading(engine) as connection:
        return [
            tuple(row) for row in connection.execute(select(*chosen).order_by(*table.primary_key))
        ]


def loaded(engine: Engine, directory: Path, *, now: float = NOW) -> Verdict:
    return load(engine, read_day(directory, NAMES), now=now, step=lambda _: None)


def test_migrations_make_the_tables_that_the_code_speaks_of(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "mail_traffic_version"}
        )
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == SCHEMA


def test_migrating_again_changes_nothing_and_many_may_start_at_once(database_url: str) -> None:
    def start(_: int) -> None:
        engine = open_engine(database_url)
        upgrade(engine)
        engine.dispose()

    with ThreadPoolExecutor(8) as starters:
        assert list(starters.map(start, range(8))) == [None] * 8


def test_a_database_of_a_newer_version_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE mail_traffic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer"):
        upgrade(engine)


def test_names_sort_as_the_files_do_and_differ_by_case(engine: Engine) -> None:
    names = ["(not hosted)", "a-b.example", "a.example", "ab.example", "a_b.example", "A.example"]
    with writing(engine) as connection:
        figures = {"day": DAY, "bytes": 1, "hits_all": 1, "hits_html": 0, "load_id": 1}
        connection.execute(insert(DAILY), [{"domain": name, **figures} for name in names])
        ordered = connection.scalars(select(DAILY.c.domain).order_by(DAILY.c.domain)).all()
    assert list(ordered) == sorted(names)


@pytest.mark.parametrize("size", [0, 69, 1024, 2**53 + 1, MAX_SUM])
def test_kilobytes_are_exact_for_whoever_writes_sql(engine: Engine, size: int) -> None:
    with writing(engine) as connection:
        figures = {"day": DAY, "domain": "a.example", "hits_all": 1, "hits_html": 0, "load_id": 1}
        connection.execute(insert(DAILY).values(bytes=size, **figures))
        shown = connection.scalar(text("SELECT xfer_kb FROM mail_traffic_daily_kb"))
    assert Decimal(shown) == Decimal(size) / 1024


def test_a_first_load_writes_rows_and_a_record_but_no_audit(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {"a.example": 10, "b.example": 20}, missing=("m9.example.com",))
    assert loaded(engine, tmp_path) is Verdict.LOAD
    assert rows(engine, DAILY) == [
        (DAY, "a.example", 10, 1, 0, 1),
        (DAY, "b.example", 20, 1, 0, 1),
    ]
    assert rows(engine, DETAIL)[0] == (DAY, *sums({"a.example": 10})[0])
    assert rows(engine, CHANGE) == []
    columns = ("revision", "complete", "missing_hosts", "qml_rows", "bytes", "loaded_at")
    when = datetime.fromtimestamp(NOW, UTC)
    assert rows(engine, LOAD, *columns) == [(1, False, ["m9.example.com"], 2, 30, when)]


def test_a_restatement_changes_what_differs_and_notes_it(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {"came.example": 1, "same.example": 2, "went.example": 3})
    loaded(engine, tmp_path)
    put_set(tmp_path, {"came.example": 5, "new.example": 4, "same.example": 2}, revision=2)
    assert loaded(engine, tmp_path) is Verdict.LOAD
    assert rows(engine, DAILY, "domain", "bytes", "load_id") == [
        ("came.example", 5, 2),
        ("new.example", 4, 2),
        ("same.example", 2, 1),
    ]
    assert rows(engine, DETAIL, "domain", "bytes") == [
        ("came.example", 5),
        ("new.example", 4),
        ("same.example", 2),
    ]
    assert rows(engine, CHANGE) == [
        (2, "came.example", 1, 1, 0, 5, 1, 0),
        (2, "new.example", None, None, None, 4, 1, 0),
        (2, "went.example", 3, 1, 0, None, None, None),
    ]


def test_other_days_are_left_alone(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path / "one", {"a.example": 1}, day=DAY.replace(day=2))
    names = NAMES.of(DAY.replace(day=2))
    load(engine, read_day(tmp_path / "one", names), now=NOW, step=lambda _: None)
    for revision in (1, 2):
        put_set(tmp_path / "two", {"b.example": revision}, revision=revision)
        loaded(engine, tmp_path / "two")
    days = rows(engine, DAILY, "day", "domain", "bytes")
    assert days == [(DAY, "b.example", 2), (DAY.replace(day=2), "a.example", 1)]
    assert rows(engine, CHANGE, "domain") == [("b.example",)]


def test_the_same_set_again_is_skipped(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {"a.example": 1})
    loaded(engine, tmp_path)
    assert loaded(engine, tmp_path) is Verdict.SKIP
    assert len(rows(engine, LOAD)) == 1


def test_a_newer_revision_with_the_same_figures_is_recorded(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {"a.example": 1}, missing=("m9.example.com",))
    loaded(engine, tmp_path)
    put_set(tmp_path, {"a.example": 1}, revision=2)
    assert loaded(engine, tmp_path) is Verdict.RECORD
    assert rows(engine, LOAD, "revision", "complete") == [(1, False), (2, True)]
    assert rows(engine, DAILY, "load_id") == [(1,)]


@pytest.mark.parametrize("revision", [1, 2])
def test_a_revision_that_is_not_newer_is_stale(
    engine: Engine, tmp_path: Path, revision: int
) -> None:
    put_set(tmp_path / "new", {"a.example": 2}, revision=2)
    loaded(engine, tmp_path / "new")
    put_set(tmp_path / "old", {"a.example": 1}, revision=revision)
    with pytest.raises(BadFile) as caught:
        loaded(engine, tmp_path / "old")
    assert caught.value.reason == "stale"
    assert rows(engine, DAILY, "bytes") == [(2,)]


def test_a_revision_may_lower_a_day_by_a_persons_word_and_a_bare_file_may_not(
    engine: Engine, tmp_path: Path
) -> None:
    put_set(tmp_path, {"a.example": 9000})
    loaded(engine, tmp_path)
    put_set(tmp_path, {"a.example": 8000}, revision=2)
    with pytest.raises(BadFile) as refused:
        loaded(engine, tmp_path)
    assert refused.value.reason == "lowers-counted"
    word = Lowered(who="root@central", at=datetime(2026, 2, 2, tzinfo=UTC))
    put_set(tmp_path, {"a.example": 8000}, revision=3, lowered_by=word)
    assert loaded(engine, tmp_path) is Verdict.LOAD
    put_bare(tmp_path / "bare", {"a.example": 7})
    with pytest.raises(BadFile) as caught:
        loaded(engine, tmp_path / "bare")
    assert caught.value.reason == "lowers-total"
    assert len(rows(engine, LOAD)) == 2


def test_a_bare_file_replaces_the_rows_and_takes_the_detail_away(
    engine: Engine, tmp_path: Path
) -> None:
    put_set(tmp_path, {"a.example": 1000})
    loaded(engine, tmp_path)
    put_bare(tmp_path / "bare", {"a.example": 1, "b.example": 1})
    assert loaded(engine, tmp_path / "bare") is Verdict.LOAD
    assert loaded(engine, tmp_path / "bare") is Verdict.SKIP
    assert rows(engine, DAILY, "domain", "bytes") == [("a.example", 1024), ("b.example", 1024)]
    assert rows(engine, DETAIL) == []
    columns = ("revision", "complete", "missing_hosts", "breakdown_sha256")
    assert rows(engine, LOAD, *columns)[1] == (None, None, None, None)
    put_set(tmp_path, {"a.example": 1}, revision=2)
    assert loaded(engine, tmp_path) is Verdict.LOAD
    assert rows(engine, DETAIL, "bytes") == [(1,)]


@pytest.mark.parametrize("point", [CrashAt.ROWS_LOADING, CrashAt.ROWS_LOADED])
def test_a_load_that_breaks_off_leaves_nothing(
    engine: Engine, tmp_path: Path, point: CrashAt
) -> None:
    def step(passed: CrashAt) -> None:
        if passed is point:
            raise KeyboardInterrupt

    put_set(tmp_path, {"a.example": 1})
    with pytest.raises(KeyboardInterrupt):
        load(engine, read_day(tmp_path, NAMES), now=NOW, step=step)
    assert [rows(engine, table) for table in (LOAD, DAILY, DETAIL)] == [[], [], []]
    assert loaded(engine, tmp_path) is Verdict.LOAD


KEYS = st.tuples(
    st.sampled_from(["a.example", "b.example", "c.example", "(not hosted)"]),
    st.sampled_from(["m1.example.com", "m2.example.com"]),
    st.sampled_from(["m1.example.com", "m2.example.com"]),
    st.sampled_from(["smtp-in", "imap"]),
    st.sampled_from(["success", "back\\slash", 'quo"te,']),
)
FIGURES = st.tuples(st.integers(0, 9), st.integers(0, MAX_SUM >> 8), st.integers(0, 2**40))
DAYS = st.dictionaries(KEYS, FIGURES).map(lambda day: [Sums(*k, *f) for k, f in day.items()])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(revisions=st.lists(DAYS, min_size=1, max_size=4))
def test_after_any_revisions_the_rows_are_the_last_one_and_the_audit_adds_up(
    engine: Engine, tmp_path: Path, revisions: list[list[Sums]]
) -> None:
    with writing(engine) as connection:
        for table in (LOAD, DAILY, DETAIL, CHANGE):
            connection.execute(delete(table))
    for file in tmp_path.glob("*.qml.*"):
        file.unlink()
    for number, revision in enumerate(revisions, 1):
        word = Lowered(who="root@central", at=datetime(2026, 2, 2, tzinfo=UTC))
        put_set(tmp_path, revision, revision=number, lowered_by=word)
        loaded(engine, tmp_path)
    last = sorted(revisions[-1])
    assert rows(engine, DETAIL) == [(DAY, *row) for row in last]
    charged = {row.name: row.bytes for row in charge_rows(last, ChargingPolicy())}
    assert dict(rows(engine, DAILY, "domain", "bytes")) == charged
    audit = {row.name: row.bytes for row in charge_rows(sorted(revisions[0]), ChargingPolicy())}
    for domain, old_bytes, new_bytes in rows(engine, CHANGE, "domain", "old_bytes", "new_bytes"):
        assert audit.pop(domain, None) == old_bytes
        if new_bytes is not None:
            audit[domain] = new_bytes
    assert audit == charged


def test_a_long_chain_of_rows_is_loaded_in_batches(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {f"d{number}.example": number for number in range(25_000)})
    loaded(engine, tmp_path)
    assert sum(size for (size,) in rows(engine, DAILY, "bytes")) == 25_000 * 24_999 // 2


def test_what_is_committed_stays_though_another_program_looks_into_the_file_in_between(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/mailtally.sqlite")
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
    for number in range(3):
        look_as_another_program(tmp_path / "mailtally.sqlite")
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO kept VALUES (:number)"), {"number": number})
    found = look_as_another_program(tmp_path / "mailtally.sqlite")
    engine.dispose()
    assert found == "3"


def look_as_another_program(path: Path) -> str:
    """What is in the table; the last to close the file would remove its write-ahead log."""
    look = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]);"
        "print(*database.execute('SELECT count(*) FROM kept').fetchone()); database.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_server_that_is_away_is_unavailable_and_its_password_is_not_told() -> None:
    engine = open_engine("postgresql://mailtally:secret@192.0.2.1:1/x?connect_timeout=1")
    with pytest.raises(Unavailable) as caught:
        upgrade(engine)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "nosuch://db", "oracle://db"])
def test_a_url_that_means_nothing_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="database_url"):
        open_engine(url)
