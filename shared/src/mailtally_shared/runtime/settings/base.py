"""The settings that all services have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from mailtally_shared.runtime.logs import LogFormat, LogLevel

#: The beginning of every variable's name.
PREFIX = "MAILTALLY_"
#: The separator of the parts of a variable's name.
DELIMITER = "__"
#: The services that may have a table in the settings file.
SERVICES = ("collector", "aggregator", "loader", "console")


class SettingsTable(BaseModel):
    """Base of a group of settings in a table of its own, below a service's.

    ``spool: SpoolSettings`` defines ``[collector.spool] keep_applied`` and
    ``MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED``.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class BaseServiceSettings(BaseModel):
    """Base of each service's settings.

    An instance is made from its arguments only; ``load_settings`` alone reads the
    file and the environment. An instance is immutable.

    A subclass names its ``service``; the fields that it adds itself belong to
    that service's table. Every field has a description, from which the
    documentation is generated.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
        # A command imports many models and uses few: each is built when it is first used.
        defer_build=True,
    )

    #: The name of the service's table in the settings file.
    service: ClassVar[str]

    data_dir: Annotated[
        Path,
        Field(description="Parent of the other directories, where those are not set."),
    ] = Path("/var/lib/mailtally")
    log_level: Annotated[LogLevel, Field(description="Minimum severity to log.")] = "info"
    log_format: Annotated[
        LogFormat,
        Field(description="Format of log lines: text, json, or text on a terminal only (auto)."),
    ] = "auto"
