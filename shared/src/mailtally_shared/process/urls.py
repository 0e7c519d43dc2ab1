"""The URLs of servers: shown without their secrets, and turned from kombu's form to redis-py's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mailtally_shared.process.sentinel import is_sentinel, parse_sentinels

if TYPE_CHECKING:
    from pathlib import Path

_MASK = "***"
#: The password of a URL, up to the last ``@`` of the word: a password with an
#: unescaped ``/`` or ``@`` in it must not show either.
_PASSWORD = re.compile(r"""(://[^\s:/@"']*:)[^\s"']*@""")
_SECRET_PARAMETER = re.compile(
    r"""([?&;]\w*(?:password|passwd|secret|token)=)[^\s&;"']*""", re.IGNORECASE
)

_SSL_REQUIREMENTS = {"CERT_NONE": "none", "CERT_OPTIONAL": "optional", "CERT_REQUIRED": "required"}


def mask_url(text: str) -> str:
    """The text with every password in a URL replaced by ``***``.

    Any text will do; what is not part of a URL stays as it is.
    """
    return _SECRET_PARAMETER.sub(rf"\1{_MASK}", _PASSWORD.sub(rf"\1{_MASK}@", text))


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file, whatever characters its path has."""
    return f"sqlite:///{quote(bytes(path))}"


def redis_url(broker_url: str) -> str:
    """The URL for redis-py of the server that a kombu URL means.

    ``unix://``, ``redis://`` and ``rediss://`` stay (but for how a certificate is
    required); ``redis+socket:///path?virtual_host=2`` becomes
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
        # Not geturl(): it would leave out the "//" before an empty host.
        query = _rename_database(parts.query)
        return f"unix://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")
    raise ValueError(f"a broker of the kind {parts.scheme or 'without a scheme'!r} keeps no state")


def _rename_requirements(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(key, _SSL_REQUIREMENTS.get(value, value)) for key, value in pairs])


def _rename_database(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([("db" if key == "virtual_host" else key, value) for key, value in pairs])
