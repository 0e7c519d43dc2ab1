"""A PostgreSQL that speaks TLS: the distribution's, for the one of the tests was built without."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import free_port
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.certificates import Issued

#: Where Debian keeps the programs, which it does not put on the PATH.
_DEBIANS = "/usr/lib/postgresql"


def _program(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path(_DEBIANS).glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        missing("PostgreSQL with TLS", f"{name} is not on the PATH")
    return found


def _as_nobody_special() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@contextmanager
def running_tls_postgres(shown: Issued, ca: Path) -> Iterator[int]:
    """A server on a port of this machine, which lets in who comes over TLS only."""
    place, port = Path(tempfile.mkdtemp(prefix="mailtally-pg-tls-")), free_port()
    data = place / "data"
    for name, file in (("server.crt", shown.cert), ("server.key", shown.key), ("ca.crt", ca)):
        shutil.copy(file, place / name)
        (place / name).chmod(0o600)
    if not os.getuid():
        for path in (place, *place.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    _run("initdb", "-D", str(data), "-U", "mailtally", "--auth=trust", "--no-sync")
    (data / "pg_hba.conf").write_text("hostssl all all all trust\n")
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(
            f"listen_addresses = 'localhost'\nport = {port}\nunix_socket_directories = ''\n"
            f"ssl = on\nssl_cert_file = '{place}/server.crt'\nssl_key_file = '{place}/server.key'\n"
            f"ssl_ca_file = '{place}/ca.crt'\nfsync = off\n"
        )
    _run("pg_ctl", "-D", str(data), "-w", "-l", str(place / "log"), "start")
    try:
        yield port
    finally:
        _run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


def _run(name: str, *arguments: str) -> None:
    words = [*_as_nobody_special(), _program(name), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
