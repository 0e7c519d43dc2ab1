"""Whether a server's URL says what its author meant, before a driver misreads it. Pure.

A password that is not encoded moves the end of the host, the port or the path. Drivers then speak
of a host, or of a number, that is a piece of the password. Nothing that is raised here repeats any
of the URL.
"""

from __future__ import annotations

import re

ENCODE = (
    "special characters in a user name or password must be written as %XX "
    "(@ as %40, / as %2F, # as %23, ? as %3F, % as %25)"
)
#: Redis's databases have numbers.
NUMBER = "expected the number of a database at the end of the URL, such as /0"
_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?",
    re.IGNORECASE,
)
_UNENCODED = re.compile(r"[\s\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]]*)(?::([0-9]*))?")
_LAST_PORT, _LONGEST_LABEL = 65535, 63
#: URLs of files, in which an ``@`` is a part of a name.
_OF_SOCKETS = ("unix", "redis+socket")


def check_form(url: str) -> None:
    """Check the URL of a server, or several separated by semicolons.

    Raises:
        ValueError: it would be misread; says what to write, without any of the text.
    """
    if url.lower().startswith("sqlite"):
        return
    for one in url.split(";"):
        _check_one(one)


def _check_one(url: str) -> None:
    parts = _PARTS.fullmatch(url)
    if parts is None or _UNENCODED.search(url):
        raise ValueError(f"it cannot be read as a URL: {ENCODE}")
    scheme, authority, path = (parts[name] for name in ("scheme", "authority", "path"))
    login, _, servers = authority.rpartition("@")
    elsewhere = servers if scheme in _OF_SOCKETS else f"{path}{parts['query'] or ''}"
    # Brackets are of addresses alone; to Python's reader they are so wherever they are.
    misread = re.search(r"[@\[\]]", login) or "@" in elsewhere
    if misread or (scheme in _OF_SOCKETS and servers):
        raise ValueError(f"it cannot be read as a URL: {ENCODE}")
    _check_servers(scheme, servers)
    if scheme in ("redis", "rediss", "sentinel") and not re.fullmatch(r"/?[0-9]*/?", path):
        raise ValueError(NUMBER)


def _check_servers(scheme: str, servers: str) -> None:
    several = servers.split(",")
    if len(several) > 1 and not scheme.startswith("postgres"):
        raise ValueError(
            "it names several servers: name one; several are possible for PostgreSQL "
            "(postgresql://a,b/…), RabbitMQ (amqp://a;amqp://b) and Redis behind Sentinel "
            "(sentinel://a;sentinel://b?master_name=…)"
        )
    for server in several:
        _check_server(server)


def _check_server(server: str) -> None:
    address = _ADDRESS.fullmatch(server)
    if address is None or int(address[2] or 0) > _LAST_PORT:
        raise ValueError(f"its port is no number from 0 to {_LAST_PORT}, or {ENCODE}")
    labels = address[1].removesuffix(".").split(".")
    named = any(labels) and not address[1].startswith("[")
    if named and not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError("its host is no name that a machine can have")
