"""The settings of the collector."""

from __future__ import annotations

import socket
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from mailtally_collector.parse.formats import FORMATS
from mailtally_shared.header import HostName
from mailtally_shared.process.settings import (
    BrokerSettings,
    Bytes,
    CommaList,
    HealthSettings,
    LogFileSettings,
    Seconds,
    SecondsOrZero,
)
from mailtally_shared.process.settings.quantities import Kind
from mailtally_shared.state.keys import CHECKSUMS_KEPT

Count = Annotated[int, Field(gt=0)]
#: What a log's format may be set to.
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
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a clock shows no zone
    except ValueError:
        raise ValueError("expected a time of the clock such as 00:00 or 23:55") from None


ClockTime = Annotated[time, BeforeValidator(_clock_time), Kind("time: HH:MM")]
LogFormat = Annotated[str, AfterValidator(_log_format)]
LogFormats = Annotated[CommaList, AfterValidator(_log_formats)]


class SpoolSettings(BaseModel):
    """How long applied batches are kept, to send them again if the cluster forgets them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_applied: Annotated[
        SecondsOrZero, Field(description="How long applied batches are kept in the spool.")
    ] = 3600.0
    keep_bytes: Annotated[
        Bytes, Field(description="How much of applied batches is kept in the spool.")
    ] = 512 * 2**20
    remember_hours: Annotated[
        Seconds,
        Field(description="How long it is known which hours a batch touched; as retention."),
    ] = 35 * 86_400.0


class JoinSettings(BaseModel):
    """What is remembered of a log between lines that make one record together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_age: Annotated[
        Seconds,
        Field(description="How long after its last line a message under way is forgotten."),
    ] = 14 * 86_400.0
    max_entries: Annotated[
        Count,
        Field(description="Messages, recipients and deliveries of a log remembered, at most."),
    ] = 250_000


class RotationSettings(BaseModel):
    """Logs that nothing else rotates; off unless one of the first two is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Annotated[
        ClockTime | None,
        Field(description="When logs are rotated each day, in the machine's zone; unset: never."),
    ] = None
    size: Annotated[
        Bytes | None, Field(description="The size at which a log is rotated; unset: at none.")
    ] = None
    logs: Annotated[
        CommaList, Field(description="Globs: which of the logs are rotated; unset: all.")
    ] = ()
    keep: Annotated[
        Count, Field(description="Rotated files of a log that are kept, once they were read.")
    ] = 14
    compress: Annotated[
        bool, Field(description="Compress rotated files with gzip, once they were read.")
    ] = True
    command: Annotated[
        str | None,
        Field(
            description="Has the writer open its log anew, by `sh -c`, with `$LOG` and `$ROTATED`; "
            "unset: it does so by itself."
        ),
    ] = None
    command_longest: Annotated[
        Seconds, Field(description="The command is killed after this, and tried again later.")
    ] = 30.0

    @property
    def is_on(self) -> bool:
        """Whether anything is rotated."""
        return self.at is not None or self.size is not None


class CollectorSettings(BrokerSettings, LogFileSettings, HealthSettings):
    """Follows the traffic logs of a mail host and ships their records."""

    service: ClassVar[str] = "collector"

    host: Annotated[
        HostName, Field(description="This mail host's name in the cluster, unique there.")
    ] = Field(default_factory=lambda: socket.gethostname().lower())
    start: Annotated[
        Literal["beginning", "end"],
        Field(description="Where the very first start begins in the logs that it finds."),
    ] = "beginning"
    format: Annotated[
        LogFormat,
        Field(description=f"The logs' format: {_CHOICE}; auto: as the lines of each show."),
    ] = "auto"
    formats: Annotated[
        LogFormats,
        Field(description="The format of some logs, each as GLOB=FORMAT; the first that fits."),
    ] = ()
    chunk_size: Annotated[Bytes, Field(description="How much of a log is read at once.")] = (
        8 * 2**20
    )
    batch_records: Annotated[
        Count, Field(description="A batch is sent when it has so many lines.", le=2**20)
    ] = 65_536
    linger: Annotated[
        SecondsOrZero, Field(description="A smaller batch is sent when it is this old.")
    ] = 0.2
    window: Annotated[
        Count,
        Field(
            description="Batches not yet applied, at most; reading waits beyond.",
            le=CHECKSUMS_KEPT,
        ),
    ] = 64
    queue: Annotated[
        Count,
        Field(description="Nothing more is sent while so many messages wait in the queue."),
    ] = 1000
    resend_first: Annotated[
        Seconds, Field(description="A batch not applied after this is sent again, then later.")
    ] = 5.0
    resend_longest: Annotated[
        Seconds, Field(description="The longest time between two sendings of a batch.")
    ] = 60.0
    heartbeat: Annotated[
        Seconds, Field(description="How often an idle collector says how far it has read.")
    ] = 30.0
    rescan: Annotated[
        Seconds, Field(description="How often the directories are looked at, events or not.")
    ] = 5.0
    rotate_wait: Annotated[
        Seconds, Field(description="A rotated log unchanged for this long is read to its end.")
    ] = 60.0
    forget_after: Annotated[
        Seconds, Field(description="How long a log that vanished is remembered.")
    ] = 7 * 86_400.0
    max_open_files: Annotated[Count, Field(description="Logs held open at once, at most.")] = 256
    rejects_bytes: Annotated[
        Bytes, Field(description="Size at which the file of malformed lines begins anew.")
    ] = 64 * 2**20
    spool: SpoolSettings = SpoolSettings()
    join: JoinSettings = JoinSettings()
    rotation: RotationSettings = RotationSettings()

    def format_of(self, log: str) -> str | None:
        """The format set for a log, by its primary's path; ``None`` where its lines are to tell."""
        pairs = (entry.rsplit("=", 1) for entry in self.formats)
        fits = (name for glob, name in pairs if fnmatchcase(log, glob))
        name = next(fits, self.format)
        return None if name == "auto" else name
