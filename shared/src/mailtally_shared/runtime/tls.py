"""TLS: the certificate parameters of server URLs. Pure.

A connection with TLS is always verified: the server must show a certificate for the name in the
URL, signed by a trusted authority. kombu alone would accept any certificate for ``rediss://``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: In the words that kombu and redis-py both accept.
_CHECKED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
_AS_CHECKED = {
    "ssl_cert_reqs": {"required", "CERT_REQUIRED"},
    "ssl_check_hostname": {"true", "True", "1", "yes"},
}
_OF_REDIS = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}
_OF_POSTGRES = {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"}
_OF_MARIADB = {"ca": "ssl_ca", "cert": "ssl_cert", "key": "ssl_key"}


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM format.

    Attributes:
        ca: authorities that servers' certificates are verified against; ``None``: the system's.
        cert: the client certificate, for servers that require one.
        key: its private key.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def named(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return the files that are set, under the names of a driver's parameters."""
        files = {"ca": self.ca, "cert": self.cert, "key": self.key}
        return {names[kind]: str(file) for kind, file in files.items() if file is not None}


def secured(url: str, certificates: Certificates) -> str:
    """Return the URL with the TLS parameters that its driver needs; its own parameters win.

    A URL that does not ask for TLS stays unchanged, except for a database's where an
    authority is set: TLS is then required.

    Raises:
        ValueError: the URL asks for TLS without verification.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("rediss", "amqps"):
        _refuse_unchecked(url)
        return _with(url, {**certificates.named(_OF_REDIS), **_given(url), **_CHECKED})
    if not certificates.ca:
        return url
    if scheme.startswith("postgres"):
        asked = {"sslmode": "verify-full", **certificates.named(_OF_POSTGRES)}
        return _with(url, asked | _given(url))
    if scheme.startswith(("mariadb", "mysql")):
        asked = {"ssl_check_hostname": "true", **certificates.named(_OF_MARIADB)}
        return _with(url, asked | _given(url))
    return url


def amqp_tls(url: str) -> tuple[str, dict[str, str] | None]:
    """Return an AMQP URL without its TLS parameters, and these as py-amqp needs them."""
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        return url, None
    given = _given(url)
    files = {name: given.pop(f"ssl_{name}", None) for name in ("ca_certs", "certfile", "keyfile")}
    rest = {name: value for name, value in given.items() if name not in _CHECKED}
    tls = {name: file for name, file in files.items() if file is not None}
    return _with(url, rest), {**tls, "server_hostname": parts.hostname or ""}


def _refuse_unchecked(url: str) -> None:
    for name, value in _given(url).items():
        if value not in _AS_CHECKED.get(name, {value}):
            raise ValueError(
                f"{name}={value} accepts any server as the right one; name its authority in tls_ca"
            )


def _given(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _with(url: str, parameters: Mapping[str, str]) -> str:
    # Not geturl(): it would drop the "//" before an empty host.
    return url.partition("?")[0] + (f"?{urlencode(parameters)}" if parameters else "")
