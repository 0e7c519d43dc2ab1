"""What the settings of all services have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mailtally_shared.process.logs import LogFormat, LogLevel

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

#: Begins the name of every variable.
PREFIX = "MAILTALLY_"
#: Stands between the parts of a variable's name.
DELIMITER = "__"
#: The services that may have a table in the settings file.
SERVICES = ("collector", "aggregator", "loader", "console")


class SettingsTable(BaseModel):
    """Base of settings that stand together in a table of their own, below a service's.

    ``spool: SpoolSettings`` makes ``[collector.spool] keep_applied`` and
    ``MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BaseServiceSettings(BaseSettings):
    """Base of each service's settings.

    Making an instance reads nothing but the arguments; only ``load_settings``
    looks at the file and the environment. An instance cannot be changed.

    A subclass names its ``service``; the fields that it adds itself belong to
    that service's table. Every field has a description: the documentation is
    made from it.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    #: The name of the service's table in the settings file.
    service: ClassVar[str]

    data_dir: Annotated[
        Path,
        Field(description="Where the other directories are, unless they are set themselves."),
    ] = Path("/var/lib/mailtally")
    log_level: Annotated[LogLevel, Field(description="The least important lines to log.")] = "info"
    log_format: Annotated[
        LogFormat,
        Field(description="Log lines for people (text), for machines (json), or as fits (auto)."),
    ] = "auto"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the arguments: see the class."""
        return (init_settings,)
