"""A real MariaDB for tests: a server of our own, and an empty database a test."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

from tests.support.servers import missing
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The kernel's room for native requests is shared by all servers of a machine.
_WITHOUT_NATIVE_AIO = "--innodb-use-native-aio=0"
_DURABLE_ENOUGH = (
    _WITHOUT_NATIVE_AIO,
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-log-file-size=16M",
)


@contextmanager
def running_server(*options: str) -> Iterator[URL]:
    """A server on a private socket, stopped and removed at the end; ``options`` win over ours."""
    with tempfile.TemporaryDirectory(prefix="mailtally-db-") as directory:
        place = Path(directory)
        data, socket = place / "data", place / "socket"
        who = f"--user={getpass.getuser()}"
        make = ("mariadb-install-db", "--no-defaults", who, f"--datadir={data}", "--skip-test-db")
        subprocess.run(
            [*make, "--auth-root-authentication-method=normal", _WITHOUT_NATIVE_AIO],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        words = ["mariadbd", "--no-defaults", who, f"--datadir={data}", f"--socket={socket}"]
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *words,
                    "--skip-networking",
                    f"--pid-file={place / 'pid'}",
                    *_DURABLE_ENOUGH,
                    *options,
                ],
                stdout=log,
                stderr=log,
            )
        try:
            url = URL.create("mariadb+pymysql", "root", query={"unix_socket": str(socket)})
            wait_until(lambda: _answers(url), what="the start of MariaDB")
            yield url
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def new_database(server: URL) -> Iterator[str]:
    """The URL of an empty database, which is dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[URL]:
    """The session's server."""
    for program in ("mariadbd", "mariadb-install-db"):
        if not shutil.which(program):
            missing("MariaDB", f"there is no {program}")
    with ExitStack() as held:
        yield held.enter_context(running_server())


@pytest.fixture
def mariadb_url(mariadb_server: URL) -> Iterator[str]:
    """The URL of an empty database."""
    with new_database(mariadb_server) as url:
        yield url


def _answers(server: URL) -> bool:
    try:
        _administer(server, "DO 1")
    except OperationalError:
        return False
    return True


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
