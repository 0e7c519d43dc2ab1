"""Rights in MariaDB: the statements of docs/how-to/secure-a-cluster.md, run by an administrator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from mailtally_shared.billing.tables import METADATA
from mailtally_shared.state.client import connect_state
from tests.architecture.source_tree import ROOT
from tests.support.cluster import command
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from mailtally.local.embedded_redis import EmbeddedRedis

pytest_plugins = ["tests.support.mariadb"]

PAGE = (ROOT / "docs/how-to/secure-a-cluster.md").read_text("utf-8")
GRANTS = re.findall(r"^GRANT .* ON mailtally\..*;$", PAGE, re.MULTILINE)
TABLES = sorted(METADATA.tables)
USERS = ("mailtally_loader", "mailtally_reader")


@pytest.fixture
def urls(mariadb_url: str) -> Iterator[dict[str, str]]:
    """The database with tables, as each of its users names it."""
    migrated = command(
        "mailtally_loader", "migrate", settings={"MAILTALLY_DATABASE_URL": mariadb_url}
    )
    assert migrated.returncode == 0, migrated.stderr
    url = make_url(mariadb_url)
    root = create_engine(url, isolation_level="AUTOCOMMIT")
    with root.connect() as connection:
        for user in USERS:
            connection.exec_driver_sql(f"CREATE USER {user}@localhost")
        for grant in GRANTS:
            there = grant.replace("mailtally.", f"{url.database}.").rstrip(";")
            connection.exec_driver_sql(f"{there}@localhost")
        yield {user: url.set(username=user).render_as_string(hide_password=False) for user in USERS}
        for user in USERS:
            connection.exec_driver_sql(f"DROP USER {user}@localhost")
    root.dispose()


def assert_refused(engine: Engine, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match="denied"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_the_reader_reads_and_writes_nothing(urls: dict[str, str]) -> None:
    assert len(GRANTS) >= len(USERS)
    engine = create_engine(urls["mailtally_reader"])
    for table in TABLES:
        with engine.connect() as connection:
            connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our own table's name
        column = METADATA.tables[table].c[0].name
        assert_refused(engine, f"INSERT INTO {table} () VALUES ()")  # noqa: S608 - same
        assert_refused(engine, f"DELETE FROM {table}")  # noqa: S608 - same
        assert_refused(engine, f"UPDATE {table} SET {column} = {column}")  # noqa: S608 - same
        assert_refused(engine, f"DROP TABLE {table}")
    assert_refused(engine, "CREATE TEMPORARY TABLE more (day date)")
    assert_refused(engine, "CREATE TABLE more (day date)")
    assert_refused(engine, "SELECT 1 INTO OUTFILE '/tmp/mailtally-more'")
    assert_refused(engine, "SET GLOBAL max_connections = 1")
    engine.dispose()


def test_the_loaders_rights_are_enough_to_load_and_to_restate(
    urls: dict[str, str], empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    later = NOON + 86_400
    with connect_state(empty_redis.state_url) as state:
        site = HandDrivenSite(state, tmp_path, urls["mailtally_loader"])
        for number in (1, 2):
            site.count([Record(size=10)], later)
            site.write(later + number)
            site.load(later + number)
    engine = create_engine(urls["mailtally_loader"])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT sum(bytes) FROM mail_traffic_daily")) == 20
        assert connection.scalar(text("SELECT count(*) FROM mail_traffic_change")) == 1
    assert_refused(engine, "DELETE FROM mail_traffic_load")
    assert_refused(engine, "UPDATE mail_traffic_change SET new_bytes = 0")
    engine.dispose()
