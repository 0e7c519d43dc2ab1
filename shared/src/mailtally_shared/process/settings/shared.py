"""The settings that several services share, under one name (DESIGN section 5).

A service's settings derive from those that it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from mailtally_shared.process.sentinel import is_sentinel, parse_sentinels
from mailtally_shared.process.settings.base import BaseServiceSettings
from mailtally_shared.process.settings.placeholders import has_example_password
from mailtally_shared.process.settings.quantities import Address, CommaList, Kind
from mailtally_shared.process.tls import Certificates, secured
from mailtally_shared.process.url_form import check_form
from mailtally_shared.process.urls import redis_url, sqlite_url


def _in_data_dir(name: str) -> Any:  # noqa: ANN401  # what pydantic's Field itself returns
    """A field whose default is a path below ``data_dir``."""
    return Field(default_factory=lambda data: data["data_dir"] / name)


def _existing_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected a time zone such as UTC or Europe/Berlin") from None
    return name


def _well_formed(url: str) -> str:
    if "://" not in url:
        # The text is not repeated: it may hold a password.
        raise ValueError("expected a URL such as redis://redis.example.com:6379/0")
    check_form(url)
    if is_sentinel(url):
        parse_sentinels(url)
    return url


def _one_of(*schemes: str, with_driver: bool = False) -> AfterValidator:
    """Refuse a URL of another kind, which its library would not know."""

    def checked(url: str) -> str:
        scheme = url.partition("://")[0]
        if (scheme.partition("+")[0] if with_driver else scheme) not in schemes:
            raise ValueError(f"expected a URL that begins with one of {', '.join(schemes)}")
        return url

    return AfterValidator(checked)


def _own_password(url: str) -> str:
    if has_example_password(url):
        raise ValueError("its password is that of an example; set one that nobody else knows")
    return url


def _secured(url: str, info: ValidationInfo) -> str:
    files = (info.data.get(name) for name in ("tls_ca", "tls_cert", "tls_key"))
    return secured(url, Certificates(*files))


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("expected a file that is there")
    return path


#: It may hold a password: a field of this type has ``repr=False``.
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
    """How servers are known, and what is shown to them."""

    tls_ca: Annotated[
        _File | None,
        Field(
            description="The authorities (PEM) for servers at rediss:// and amqps://, and for the "
            "database, which is then asked for TLS; unset: the system's."
        ),
    ] = None
    tls_cert: Annotated[
        _File | None,
        Field(description="The certificate (PEM) to show to servers that ask for one."),
    ] = None
    tls_key: Annotated[_File | None, Field(description="Its private key (PEM).")] = None


class BrokerSettings(TlsSettings):
    """The queue and the state."""

    broker_url: Annotated[
        BrokerUrl,
        Field(
            repr=False,
            description="The queue: a kombu URL, redis://, rediss://, sentinel:// or amqp://.",
        ),
    ]
    state_url: Annotated[
        StateUrl | None,
        Field(
            repr=False,
            description="Redis or Valkey for payloads, ledger and totals; "
            "unset: the broker's, where that is a Redis.",
        ),
    ] = None

    @property
    def resolved_state_url(self) -> str:
        """The state's URL, in redis-py's form."""
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
            description="The database: an SQLAlchemy URL, SQLite, PostgreSQL or MariaDB.",
        ),
    ] = Field(default_factory=lambda data: sqlite_url(data["data_dir"] / "mailtally.sqlite"))


class StatisticSettings(BaseServiceSettings):
    """The day files."""

    statistic_dir: Annotated[
        Path,
        Field(
            description="Where day files appear; `loaded/`, `rejected/` and `snapshots/` below it."
        ),
    ] = _in_data_dir("statistic")


class LogFileSettings(BaseServiceSettings):
    """The traffic logs of a mail host."""

    state_dir: Annotated[
        Path, Field(description="The collector's checkpoint, spool and reject file.")
    ] = _in_data_dir("collector")
    logs: Annotated[
        CommaList, Field(description="Globs of the traffic logs to follow.", min_length=1)
    ] = ("/var/hsphere/mail/logs/stats*",)


class ClusterSettings(BaseServiceSettings):
    """What the whole cluster must agree on."""

    timezone: Annotated[
        str,
        AfterValidator(_existing_zone),
        Kind("IANA time zone"),
        Field(description="The accounting zone: where a day begins and ends."),
    ] = "UTC"
    hosted_domains: Annotated[
        Path | None,
        Field(
            description="A file of the domains to count, one a line, reread when it changes; "
            "unset: all domains."
        ),
    ] = None

    @property
    def zone(self) -> ZoneInfo:
        """The accounting zone itself."""
        return ZoneInfo(self.timezone)


class HealthSettings(BaseServiceSettings):
    """Where a service tells how it is. Each service has its own: they may share a machine."""

    health_address: Annotated[
        Address | None,
        Field(description="Serves /healthz, /readyz and /metrics here; unset: nowhere."),
    ] = None


#: Fields with one name for all services; every other field is in its service's table.
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
