"""The settings of the collector."""

from __future__ import annotations

import socket
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from mailtally_collector.formats import FORMATS, Setting
from mailtally_shared.runtime.settings import (
    BrokerSettings,
    Bytes,
    CommaList,
    HealthSettings,
    LogFileSettings,
    Seconds,
    SecondsOrZero,
    existing_zone,
)
from mailtally_shared.runtime.settings.quantities import Kind
from mailtally_shared.runtime.zones import offsets_of
from mailtally_shared.schema import MAX_ROWS, host_name
from mailtally_shared.state.keys import CHECKSUMS_KEPT

Count = Annotated[int, Field(gt=0)]
#: Values of the settings for a log's format.
_FORMATS = ("auto", *FORMATS)
_CHOICE = ", ".join(_FORMATS)


def _log_format(name: str) -> str:
    if name not in _FORMATS:
        raise ValueError(f"expected one of {_CHOICE}")
    return name


def _log_formats(entries: tuple[str, ...]) -> tuple[str, ...]:
    for entry in entries:
        glob, equals, name = entry.rpartition("=")
        if not glob or not equals or name not in _FORMATS:
            raise ValueError(f"expected GLOB=FORMAT, the format one of {_CHOICE}")
    return entries


def _clock_time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise ValueError("expected a time of day such as 00:00 or 23:55") from None


ClockTime = Annotated[time, BeforeValidator(_clock_time), Kind("time: HH:MM")]
LogFormat = Annotated[str, AfterValidator(_log_format)]
LogZone = Annotated[str, AfterValidator(existing_zone)]
LogFormats = Annotated[CommaList, AfterValidator(_log_formats)]


class SpoolSettings(BaseModel):
    """Retention of applied batches, which are sent again if Redis loses them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    keep_applied: Annotated[
        SecondsOrZero, Field(description="Retention of applied batches in the spool.")
    ] = 3600.0
    keep_bytes: Annotated[
        Bytes, Field(description="Maximum size of applied batches kept in the spool.")
    ] = 512 * 2**20
    remember_hours: Annotated[
        Seconds,
        Field(description="Retention of the record of which hours a batch touched."),
    ] = 35 * 86_400.0


class JoinSettings(BaseModel):
    """Limits of the join, which combines several lines of a log to one record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    max_age: Annotated[
        Seconds,
        Field(description="Time after its last line when an unfinished message is dropped."),
    ] = 14 * 86_400.0
    max_entries: Annotated[
        Count,
        Field(description="Maximum of messages, recipients and deliveries remembered for a log."),
    ] = 250_000


class RotationSettings(BaseModel):
    """Rotation of logs that nothing else rotates; off unless ``at`` or ``size`` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    at: Annotated[
        ClockTime | None,
        Field(description="Time of day to rotate logs, in the machine's zone; unset: never."),
    ] = None
    size: Annotated[
        Bytes | None, Field(description="Size at which a log is rotated; unset: at no size.")
    ] = None
    logs: Annotated[
        CommaList, Field(description="Globs of the logs to rotate; unset: all logs.")
    ] = ()
    keep: Annotated[
        Count,
        Field(description="Rotated files to keep of a log; unread ones are kept in any case."),
    ] = 14
    compress: Annotated[
        bool, Field(description="Compress rotated files with gzip once they are read.")
    ] = True
    command: Annotated[
        str | None,
        Field(
            description="Shell command that makes the writer reopen its log, given `$LOG` and "
            "`$ROTATED`; unset: the writer reopens it automatically."
        ),
    ] = None
    command_longest: Annotated[
        Seconds,
        Field(description="Time after which the command is killed, to be tried again later."),
    ] = 30.0

    @property
    def is_on(self) -> bool:
        """Return whether any log is rotated."""
        return self.at is not None or self.size is not None


class CollectorSettings(BrokerSettings, LogFileSettings, HealthSettings):
    """Follows the traffic logs of a mail host and ships their records."""

    service: ClassVar[str] = "collector"

    host: Annotated[
        str,
        AfterValidator(host_name),
        Field(description="Name of this mail host, unique in the cluster."),
    ] = Field(default_factory=lambda: socket.gethostname().lower())
    start: Annotated[
        Literal["beginning", "end"],
        Field(description="Position in existing logs at which the very first start begins."),
    ] = "beginning"
    format: Annotated[
        LogFormat,
        Field(description=f"Format of the logs: {_CHOICE}; auto: detected from each log's lines."),
    ] = "auto"
    formats: Annotated[
        LogFormats,
        Field(description="Format of some logs, as GLOB=FORMAT; the first matching one counts."),
    ] = ()
    log_zone: Annotated[
        LogZone | None,
        Field(description="Time zone of stamps without an offset; unset: the machine's."),
    ] = None
    first_year: Annotated[
        int | None,
        Field(
            description="Year of a log's first stamp if it has none; unset: the last year in which "
            "the stamp is at most a day after the file's last change.",
            ge=1970,
            le=9998,
        ),
    ] = None
    chunk_size: Annotated[Bytes, Field(description="Size of a single read from a log.")] = 4 * 2**20
    fold: Annotated[
        bool,
        Field(
            description="Add up records of the same hour, host, domain, service and status before "
            "they are sent; off: send each record as a row of its own."
        ),
    ] = True
    batch_keys: Annotated[
        Count, Field(description="Number of rows at which a batch is sent.", le=MAX_ROWS // 2)
    ] = 65_536
    batch_bytes: Annotated[
        Bytes, Field(description="Size of the log lines at which a batch is sent.")
    ] = 64 * 2**20
    linger: Annotated[SecondsOrZero, Field(description="Age at which a smaller batch is sent.")] = (
        0.2
    )
    window: Annotated[
        Count,
        Field(
            description="Maximum of batches not yet applied; reading pauses when it is reached.",
            le=CHECKSUMS_KEPT,
        ),
    ] = 64
    queue: Annotated[
        Count,
        Field(description="Number of messages in the queue at which sending pauses."),
    ] = 1000
    resend_first: Annotated[
        Seconds,
        Field(description="Time after which a batch that is not applied is first sent again."),
    ] = 5.0
    resend_longest: Annotated[
        Seconds, Field(description="Longest interval between two sendings of a batch.")
    ] = 60.0
    heartbeat: Annotated[
        Seconds,
        Field(description="Interval between an idle collector's reports of how far it has read."),
    ] = 30.0
    rescan: Annotated[
        Seconds,
        Field(description="Interval between scans of the directories, in addition to events."),
    ] = 5.0
    rotate_wait: Annotated[
        Seconds, Field(description="Time without change after which a rotated log is complete.")
    ] = 60.0
    forget_after: Annotated[
        Seconds, Field(description="Retention of the position in a log that has vanished.")
    ] = 7 * 86_400.0
    max_open_files: Annotated[Count, Field(description="Maximum of logs open at once.")] = 256
    rejects_bytes: Annotated[
        Bytes, Field(description="Size at which the reject file of malformed lines is rotated.")
    ] = 64 * 2**20
    spool: SpoolSettings = SpoolSettings()
    join: JoinSettings = JoinSettings()
    rotation: RotationSettings = RotationSettings()

    @property
    def parsing(self) -> Setting:
        """Return what formats need to know about the mail host."""
        return Setting(
            host=self.host,
            max_age=int(self.join.max_age),
            max_entries=self.join.max_entries,
            offset_at=offsets_of(self.log_zone),
            first_year=self.first_year,
        )

    def format_of(self, log: str) -> str | None:
        """Return the format set for a log, by its primary's path; ``None``: to be detected."""
        pairs = (entry.rsplit("=", 1) for entry in self.formats)
        fits = (name for glob, name in pairs if fnmatchcase(log, glob))
        name = next(fits, self.format)
        return None if name == "auto" else name
