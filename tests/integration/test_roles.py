"""Who may do what in PostgreSQL: deploy/postgres/roles.sql, run as an operator runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from mailtally_shared.billing.engine import open_engine, writing
from mailtally_shared.billing.tables import METADATA
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import connect_state
from tests.architecture.source_tree import ROOT
from tests.support.cluster import command
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, Record
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from mailtally.local.embedded_redis import EmbeddedRedis

DAY = 86_400
PASSWORD = "0123456789abcdef"  # noqa: S105 - of a server that lives for one test
TABLES = sorted(METADATA.tables)


@dataclass(frozen=True)
class Database:
    """One database with tables, as each of its users sees it."""

    url: str

    def url_of(self, role: str) -> str:
        """The URL for one of its users; the tests' server asks for no password."""
        return make_url(self.url).set(username=role).render_as_string(hide_password=False)


def psql() -> str:
    program = shutil.which("psql")
    if program is None:
        missing("PostgreSQL's client", "psql is not on the PATH")
    return program


def grant(url: str, secrets: Path) -> None:
    """What docs/how-to/secure-a-cluster.md tells the operator to do."""
    (secrets / "postgres").mkdir(exist_ok=True)
    for name in ("loader", "reader"):
        (secrets / "postgres" / name).write_text(f"{PASSWORD}-{name}\n")
    server = make_url(url)
    words = [psql(), "-q", "-U", str(server.username), "-d", str(server.database)]
    words += ["-h", str(server.query["host"]), "-f", str(ROOT / "deploy/postgres/roles.sql")]
    done = subprocess.run(
        words,
        env={**os.environ, "MAILTALLY_SECRETS": str(secrets)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr


@pytest.fixture
def database(postgres_url: str, tmp_path: Path) -> Database:
    migrated = command(
        "mailtally_loader", "migrate", settings={"MAILTALLY_DATABASE_URL": postgres_url}
    )
    assert migrated.returncode == 0, migrated.stderr
    grant(postgres_url, tmp_path)
    return Database(postgres_url)


@pytest.fixture(params=["mailtally_loader", "mailtally_reader"])
def anyone(request: pytest.FixtureRequest, database: Database) -> Iterator[Engine]:
    """Each of the users who are not the owner."""
    engine = create_engine(database.url_of(request.param))
    yield engine
    engine.dispose()


def assert_refused(engine: Engine, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("table", TABLES)
def test_nobody_but_the_owner_drops_or_changes_a_table(anyone: Engine, table: str) -> None:
    assert_refused(anyone, f"DROP TABLE {table}")
    assert_refused(anyone, f"TRUNCATE {table}")
    assert_refused(anyone, f"ALTER TABLE {table} ADD COLUMN more integer")


def test_nobody_but_the_owner_makes_tables_or_databases(anyone: Engine) -> None:
    assert_refused(anyone, "CREATE TABLE more (day date)")
    assert_refused(anyone, "CREATE SCHEMA more")
    assert_refused(anyone, "CREATE ROLE more")


@pytest.mark.parametrize("table", TABLES)
def test_the_reader_reads_and_writes_nothing(database: Database, table: str) -> None:
    engine = create_engine(database.url_of("mailtally_reader"))
    with engine.connect() as connection:
        connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our own table's name
    assert_refused(engine, f"INSERT INTO {table} DEFAULT VALUES")
    assert_refused(engine, f"DELETE FROM {table}")  # noqa: S608 - same
    column = METADATA.tables[table].c[0].name
    assert_refused(engine, f"UPDATE {table} SET {column} = {column}")  # noqa: S608 - same
    assert_refused(engine, "CREATE TEMPORARY TABLE more (day date)")
    engine.dispose()


WRITING_FUNCTIONS = [
    "lo_create(0)",
    "lo_creat(-1)",
    "lo_from_bytea(0, 'x')",
    "lo_put(1, 0, 'x')",
    "lo_import('/etc/hostname')",
    "lo_open(1, 131072)",
    "lowrite(0, 'x')",
    "lo_truncate(0, 0)",
    "lo_truncate64(0, 0)",
    "lo_unlink(1)",
    "pg_notify('x', 'x')",
    "pg_logical_emit_message(false, 'x', 'x')",
]


@pytest.mark.parametrize("function", WRITING_FUNCTIONS)
def test_nobody_but_the_owner_stores_anything_beside_the_tables(
    anyone: Engine, function: str
) -> None:
    assert_refused(anyone, f"SELECT {function}")


def test_no_role_can_take_another_or_change_its_rights(anyone: Engine) -> None:
    (other,) = {"mailtally_loader", "mailtally_reader"} - {str(anyone.url.username)}
    for statement in (
        f"SET ROLE {other}",
        f"ALTER ROLE {other} PASSWORD 'x'",
        "COPY mail_traffic_daily TO '/tmp/x'",
        "COPY mail_traffic_daily FROM PROGRAM 'true'",
    ):
        with pytest.raises(DBAPIError), anyone.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("table", ["mail_traffic_load", "mail_traffic_change"])
def test_the_loader_cannot_take_back_what_it_has_put_on_record(
    database: Database, table: str
) -> None:
    engine = create_engine(database.url_of("mailtally_loader"))
    assert_refused(engine, f"DELETE FROM {table}")  # noqa: S608 - our own table's name
    column = METADATA.tables[table].c[1].name
    assert_refused(engine, f"UPDATE {table} SET {column} = NULL")  # noqa: S608 - same
    assert_refused(engine, "UPDATE mail_traffic_version SET version_num = '0'")
    engine.dispose()


def test_the_loaders_rights_are_enough_to_load_and_to_restate(
    database: Database, empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with connect_state(empty_redis.state_url) as state:
        site = HandDrivenSite(state, tmp_path, database.url_of("mailtally_loader"))
        for number in (1, 2):
            site.count([Record(size=10)], NOON + DAY)
            site.write(NOON + DAY + number)
            site.load(NOON + DAY + number)
    shown = command(
        "mailtally",
        *("report", "--format", "csv"),
        settings={
            "MAILTALLY_DATABASE_URL": database.url_of("mailtally_reader"),
            "MAILTALLY_DATA_DIR": str(tmp_path),
        },
    )
    assert "20" in shown.stdout, shown.stderr
    engine = create_engine(database.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM mail_traffic_change")) == 1
    engine.dispose()


def test_rights_may_be_given_again(database: Database, tmp_path: Path) -> None:
    grant(database.url, tmp_path)


def test_a_loader_that_comes_before_the_tables_waits_and_says_for_what(
    database: Database,
) -> None:
    server = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("DROP TABLE mail_traffic_version"))
    engine = open_engine(database.url_of("mailtally_loader"))
    with pytest.raises(Unavailable, match="mailtally-loader migrate"):
        upgrade(engine)
    with pytest.raises(Unavailable, match="lacks a right"), writing(engine) as connection:
        connection.execute(text("DELETE FROM mail_traffic_load"))
    engine.dispose()
    server.dispose()
