"""The settings of the collector."""

from __future__ import annotations

import socket
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from mailtally_shared.header import HostName
from mailtally_shared.process.settings import (
    BrokerSettings,
    Bytes,
    HealthSettings,
    LogFileSettings,
    Seconds,
    SecondsOrZero,
)

Count = Annotated[int, Field(gt=0)]


class SpoolSettings(BaseModel):
    """How long applied batches are kept, to send them again if the cluster forgets them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_applied: Annotated[
        SecondsOrZero, Field(description="How long applied batches are kept in the spool.")
    ] = 3600.0
    keep_bytes: Annotated[
        Bytes, Field(description="How much of applied batches is kept in the spool.")
    ] = 512 * 2**20


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
    chunk_size: Annotated[Bytes, Field(description="How much of a log is read at once.")] = (
        4 * 2**20
    )
    batch_records: Annotated[
        Count, Field(description="A batch is sent when it has so many lines.", le=2**20)
    ] = 65_536
    linger: Annotated[
        SecondsOrZero, Field(description="A smaller batch is sent when it is this old.")
    ] = 0.2
    window: Annotated[
        Count, Field(description="Batches not yet applied, at most; reading waits beyond.")
    ] = 64
    resend_first: Annotated[
        Seconds, Field(description="A batch not applied after this is sent again, then later.")
    ] = 5.0
    resend_longest: Annotated[
        Seconds, Field(description="The longest time between two sendings of a batch.")
    ] = 60.0
    heartbeat: Annotated[
        Seconds, Field(description="How often an idle collector says how far it has read.")
    ] = 5.0
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
