"""The settings that several services share, under one name.

A service's settings derive from the groups that it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from mailtally_shared.runtime.sentinel import is_sentinel, parse_sentinels
from mailtally_shared.runtime.settings.base import BaseServiceSettings
from mailtally_shared.runtime.settings.placeholders import has_example_password
from mailtally_shared.runtime.settings.quantities import Address, CommaList, Kind
from mailtally_shared.runtime.tls import Certificates, secured
from mailtally_shared.runtime.urls import check_form, redis_url, sqlite_url


def _in_data_dir(name: str) -> Any:  # noqa: ANN401  # what pydantic's Field itself returns
    """Return a field whose default is a path below ``data_dir``."""
    return Field(default_factory=lambda data: data["data_dir"] / name)


def existing_zone(name: str) -> str:
    """Return a zone's name; raise ``ValueError`` for one that there is not."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected a time zone such as UTC or Europe/Berlin") from None
    return name


def _well_formed(url: str) -> str:
    if "://" not in url:
        # The message does not repeat the text: it may contain a password.
        raise ValueError("expected a URL such as redis://redis.example.com:6379/0")
    check_form(url)
    if is_sentinel(url):
        parse_sentinels(url)
    return url


def _one_of(*schemes: str, with_driver: bool = False) -> AfterValidator:
    """Return a validator that refuses URLs with another scheme, unknown to their library."""

    def checked(url: str) -> str:
        scheme = url.partition("://")[0]
        if (scheme.partition("+")[0] if with_driver else scheme) not in schemes:
            raise ValueError(f"expected a URL that begins with one of {', '.join(schemes)}")
        return url

    return AfterValidator(checked)


def _own_password(url: str) -> str:
    if has_example_password(url):
        raise ValueError("its password is a well-known example; set one of your own")
    return url


def _secured(url: str, info: ValidationInfo) -> str:
    files = (info.data.get(name) for name in ("tls_ca", "tls_cert", "tls_key"))
    return secured(url, Certificates(*files))


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("expected an existing file")
    return path


#: A URL may contain a password: a field of this type has ``repr=False``.
Url = Annotated[
    str,
    AfterValidator(_well_formed),
    AfterValidator(_own_password),
    AfterValidator(_secured),
    Kind("URL"),
]
BrokerUrl = Annotated[Url, _one_of("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps")]
StateUrl = Annotated[Url, _one_of("redis", "rediss", "redis+socket", "unix", "sentinel")]
DatabaseUrl = Annotated[
    Url, _one_of("sqlite", "postgresql", "postgres", "mariadb", "mysql", with_driver=True)
]
_File = Annotated[Path, AfterValidator(_file), Kind("path")]


class TlsSettings(BaseServiceSettings):
    """The certificates by which servers are verified, and the client's own."""

    tls_ca: Annotated[
        _File | None,
        Field(
            description="Authorities (PEM) of servers at rediss:// and amqps://, and of the "
            "database, which must then use TLS; unset: the system's."
        ),
    ] = None
    tls_cert: Annotated[
        _File | None,
        Field(description="Client certificate (PEM), for servers that require one."),
    ] = None
    tls_key: Annotated[
        _File | None, Field(description="Private key (PEM) of the client certificate.")
    ] = None


class BrokerSettings(TlsSettings):
    """The queue and the state."""

    broker_url: Annotated[
        BrokerUrl,
        Field(
            repr=False,
            description="URL of the queue, for kombu: redis://, rediss://, sentinel:// or amqp://.",
        ),
    ]
    state_url: Annotated[
        StateUrl | None,
        Field(
            repr=False,
            description="URL of the Redis or Valkey that holds payloads, ledger and totals; "
            "unset: the broker's, if that is a Redis.",
        ),
    ] = None

    @property
    def resolved_state_url(self) -> str:
        """The state's URL in redis-py's form."""
        return redis_url(self.broker_url if self.state_url is None else self.state_url)

    @model_validator(mode="after")
    def _state_is_somewhere(self) -> Self:
        try:
            _ = self.resolved_state_url
        except ValueError as error:
            raise ValueError(f"state_url is not set, and {error}; set it") from None
        return self


class DatabaseSettings(TlsSettings):
    """The billing database."""

    database_url: Annotated[
        DatabaseUrl,
        Field(
            repr=False,
            description="URL of the database, for SQLAlchemy: SQLite, PostgreSQL or MariaDB.",
        ),
    ] = Field(default_factory=lambda data: sqlite_url(data["data_dir"] / "mailtally.sqlite"))


class StatisticSettings(BaseServiceSettings):
    """The day files."""

    statistic_dir: Annotated[
        Path,
        Field(
            description="Directory of day files; `loaded/`, `rejected/` and `snapshots/` are below."
        ),
    ] = _in_data_dir("statistic")


class LogFileSettings(BaseServiceSettings):
    """The traffic logs of a mail host."""

    state_dir: Annotated[
        Path, Field(description="Directory of the collector's checkpoint, spool and reject file.")
    ] = _in_data_dir("collector")
    logs: Annotated[
        CommaList, Field(description="Globs of the traffic logs to read.", min_length=1)
    ] = ("/var/hsphere/mail/logs/stats*",)


class ClusterSettings(BaseServiceSettings):
    """The settings on which the whole cluster must agree."""

    timezone: Annotated[
        str,
        AfterValidator(existing_zone),
        Kind("IANA time zone"),
        Field(description="Accounting time zone, in which a day begins and ends."),
    ] = "UTC"
    hours: Annotated[
        bool,
        Field(description="Count by hour as well: messages and bytes of each domain and service."),
    ] = True
    hosted_domains: Annotated[
        Path | None,
        Field(
            description="File of the hosted domains to count, one per line, reread when it "
            "changes; unset: all domains."
        ),
    ] = None

    @property
    def zone(self) -> ZoneInfo:
        """The accounting time zone."""
        return ZoneInfo(self.timezone)


class HealthSettings(BaseServiceSettings):
    """The address of a service's probes. Each service has its own: they may share a machine."""

    health_address: Annotated[
        Address | None,
        Field(description="Address that serves /healthz, /readyz and /metrics; unset: none."),
    ] = None


#: Fields with one name for all services; every other field belongs to its service's table.
SHARED_NAMES = frozenset(
    name
    for settings in (
        BaseServiceSettings,
        BrokerSettings,
        DatabaseSettings,
        StatisticSettings,
        LogFileSettings,
        ClusterSettings,
    )
    for name in settings.model_fields
)
