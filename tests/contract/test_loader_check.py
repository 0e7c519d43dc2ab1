"""``mailtally-loader check`` tries what a load needs, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from mailtally_loader.service import check
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.rights import VERSION_TABLE
from mailtally_shared.billing.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["tests.support.mariadb", "tests.support.postgres"]
READER = "mailtally_check"


def found(url: str, directory: Path) -> list[str]:
    return list(check(LoaderSettings(database_url=url, statistic_dir=directory)))


def on(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def reader(server: str) -> Iterator[str]:
    """The URL of a user that may read the tables only."""
    upgrade(open_engine(server))
    url = make_url(server)
    if url.get_backend_name() == "postgresql":
        on(server, f"CREATE ROLE {READER} LOGIN")
        on(server, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
        on(server, f'REVOKE TEMPORARY ON DATABASE "{url.database}" FROM PUBLIC')
        gone = [f"DROP OWNED BY {READER}", f"DROP ROLE {READER}"]
    else:
        on(server, f"CREATE USER {READER}@localhost")
        on(server, f"GRANT SELECT ON {url.database}.* TO {READER}@localhost")
        gone = [f"DROP USER {READER}@localhost"]
    yield url.set(username=READER).render_as_string(hide_password=False)
    on(server, *gone)


def test_a_database_that_a_load_can_use_is_fine_and_stays_as_it_was(
    server: str, tmp_path: Path
) -> None:
    assert found(server, tmp_path) == []
    engine = open_engine(server)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    assert found(server, tmp_path) == []
    engine.dispose()


def test_each_right_that_a_load_lacks_is_named(reader: str, tmp_path: Path) -> None:
    sentences = "\n".join(found(reader, tmp_path))
    for right in (
        "insert into mail_traffic_load",
        "insert into mail_traffic_daily",
        "delete from mail_traffic_detail",
        "make temporary tables",
    ):
        assert f"may not {right}: " in sentences
    assert "may not read" not in sentences
    assert sentences.count("lacks a right") == 9, sentences
    assert "migrate" in sentences


def test_tables_of_another_version_or_gone_are_named(server: str, tmp_path: Path) -> None:
    upgrade(open_engine(server))
    on(server, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - our own table
    assert "schema is version 9999" in "\n".join(found(server, tmp_path))
    on(server, "DROP TABLE mail_traffic_change")
    assert "lacks the table mail_traffic_change" in "\n".join(found(server, tmp_path))


def test_a_file_is_tried_where_it_is_there_and_not_made_where_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    url = f"sqlite:///{file}"
    assert found(url, tmp_path) == []
    assert not file.exists()
    upgrade(open_engine(url))
    assert found(url, tmp_path) == []
    on(url, "DROP TABLE mail_traffic_daily")
    assert "lacks the table mail_traffic_daily" in "\n".join(found(url, tmp_path))
