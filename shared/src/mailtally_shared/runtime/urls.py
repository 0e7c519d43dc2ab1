"""Checks of server URLs, before a driver misreads one. Pure.

A password that is not percent-encoded shifts the end of the host, the port or the path. A driver's
error then names a host or a port that is a piece of the password. No error raised here repeats any
part of the URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mailtally_shared.runtime.sentinel import is_sentinel, parse_sentinels

if TYPE_CHECKING:
    from pathlib import Path


ENCODE = (
    "special characters in a user name or password must be written as %XX "
    "(@ as %40, / as %2F, # as %23, ? as %3F, % as %25)"
)
#: Redis's databases are numbered.
NUMBER = "expected the number of a database at the end of the URL, such as /0"
_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?",
    re.IGNORECASE,
)
_UNENCODED = re.compile(r"[\s\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]]*)(?::([0-9]*))?")
_LAST_PORT, _LONGEST_LABEL = 65535, 63
#: URLs of socket files, in which an ``@`` is part of a name.
_OF_SOCKETS = ("unix", "redis+socket")


def check_form(url: str) -> None:
    """Check the URL of a server, or of several separated by semicolons.

    Raises:
        ValueError: the URL would be misread; the message says what to write and repeats none of it.
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
    # Brackets belong to addresses only; urllib.parse takes them for one wherever they are.
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
        raise ValueError("its host is not a valid host name")


_MASK = "***"
#: The password of a URL, up to the last ``@`` of the word: a password with an
#: unescaped ``/`` or ``@`` must be masked as well.
_PASSWORD = re.compile(r"""(://[^\s:/@"']*:)[^\s"']*@""")
_SECRET_PARAMETER = re.compile(
    r"""([?&;]\w*(?:password|passwd|secret|token)=)[^\s&;"']*""", re.IGNORECASE
)

_SSL_REQUIREMENTS = {"CERT_NONE": "none", "CERT_OPTIONAL": "optional", "CERT_REQUIRED": "required"}


def mask_url(text: str) -> str:
    """Return the text with every password in a URL replaced by ``***``.

    Text that is not part of a URL stays unchanged.
    """
    return _SECRET_PARAMETER.sub(rf"\1{_MASK}", _PASSWORD.sub(rf"\1{_MASK}@", text))


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file, whatever characters its path contains."""
    return f"sqlite:///{quote(bytes(path))}"


def redis_url(broker_url: str) -> str:
    """Return the URL for redis-py of the server that a kombu URL means.

    ``unix://``, ``redis://`` and ``rediss://`` stay unchanged (except for how a certificate
    is required); ``redis+socket:///path?virtual_host=2`` becomes
    ``unix:///path?db=2``. A Redis behind Sentinel has one form for both.

    Raises:
        ValueError: the broker is not one Redis server.
    """
    if is_sentinel(broker_url):
        parse_sentinels(broker_url)
        return broker_url
    if ";" in broker_url:
        raise ValueError("a broker URL with several servers does not say where the state is")
    parts = urlsplit(broker_url)
    if parts.scheme == "unix":
        return broker_url
    if parts.scheme in ("redis", "rediss"):
        return parts._replace(query=_rename_requirements(parts.query)).geturl()
    if parts.scheme == "redis+socket":
        # Not geturl(): it would drop the "//" before an empty host.
        query = _rename_database(parts.query)
        return f"unix://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")
    raise ValueError(f"a broker with the URL scheme {parts.scheme!r} cannot hold the state")


def _rename_requirements(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(key, _SSL_REQUIREMENTS.get(value, value)) for key, value in pairs])


def _rename_database(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([("db" if key == "virtual_host" else key, value) for key, value in pairs])
