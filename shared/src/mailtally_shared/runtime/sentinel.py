"""Redis behind Sentinel: its URL, in the forms that kombu and redis-py need.

kombu separates the Sentinels by semicolons, each with a URL of its own. What it takes as options
besides the URL is written as parameters at its end::

    sentinel://:password@s1.example.com:26379/0;sentinel://s2.example.com:26379?master_name=mailtally
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEME = "sentinel"
_PORT = 26379
_MASTER = "master_name"
_SENTINEL_PASSWORD = "sentinel_password"  # noqa: S105 - a parameter's name
_PARAMETERS = {_MASTER, _SENTINEL_PASSWORD}


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The addresses of the Sentinels, and the Redis they are asked for."""

    addresses: tuple[tuple[str, int], ...]
    master: str
    database: int = 0
    #: Of the Redis servers; an empty user name means the default user.
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_password: str = field(default="", repr=False)

    @property
    def broker_url(self) -> str:
        """The URL for kombu; the master's name and Sentinel's password are among its options."""
        login = f"{quote(self.username, '')}:{quote(self.password, '')}@" if self.password else ""
        urls = [f"{SCHEME}://{_bracketed(host)}:{port}" for host, port in self.addresses]
        first = urls[0].replace("://", f"://{login}", 1)
        return ";".join([f"{first}/{self.database}", *urls[1:]])

    @property
    def sentinel_login(self) -> dict[str, str]:
        """The login at the Sentinels themselves."""
        return {"password": self.sentinel_password} if self.sentinel_password else {}


def is_sentinel(url: str) -> bool:
    """Return whether a URL means a Redis behind Sentinel."""
    return url.startswith(f"{SCHEME}://")


def parse_sentinels(url: str) -> Sentinels:
    """Parse a Sentinel URL.

    Raises:
        ValueError: it is not such a URL, or names no master; the message repeats nothing of it.
    """
    parts = [urlsplit(one) for one in url.split(";")]
    parameters = dict(pair for part in parts for pair in parse_qsl(part.query))
    if (
        any(part.scheme != SCHEME or not part.hostname for part in parts)
        or not parameters.get(_MASTER)
        or parameters.keys() - _PARAMETERS
    ):
        raise ValueError("expected sentinel://HOST:PORT;sentinel://HOST:PORT?master_name=NAME")
    return Sentinels(
        addresses=tuple((part.hostname or "", part.port or _PORT) for part in parts),
        master=parameters[_MASTER],
        database=_database(parts),
        username=unquote(next((part.username for part in parts if part.username), "")),
        password=unquote(next((part.password for part in parts if part.password), "")),
        sentinel_password=parameters.get(_SENTINEL_PASSWORD, ""),
    )


def plainly(error: Exception) -> str:
    """Return an error's text without the Sentinel objects that redis-py appends."""
    return str(error).partition(" : <")[0].rstrip(".")


def _database(parts: list[SplitResult]) -> int:
    paths = [part.path.strip("/") for part in parts if part.path.strip("/")]
    if not all(path.isdecimal() for path in paths):
        raise ValueError("expected the number of a database at the end of a sentinel URL")
    return int(paths[0]) if paths else 0


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
