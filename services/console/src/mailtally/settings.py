"""The settings of the operator's commands, and access to those of the aggregators."""

from __future__ import annotations

import os
from importlib.metadata import distribution, entry_points
from typing import TYPE_CHECKING, Annotated, ClassVar, Self, cast

from pydantic import Field, model_validator

from mailtally_shared.runtime.settings import (
    ClusterSettings,
    DatabaseSettings,
    StatisticSettings,
    load_settings,
)
from mailtally_shared.runtime.settings.base import PREFIX
from mailtally_shared.runtime.settings.shared import BrokerUrl, StateUrl
from mailtally_shared.runtime.settings.sources import described_unknown
from mailtally_shared.runtime.urls import redis_url

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.runtime.settings import BaseServiceSettings
    from mailtally_shared.site_settings import SiteSettings

#: A placeholder for the queue where only other settings of the aggregator are needed.
_NO_BROKER = "redis://unset.invalid/"
#: The group of entry points that name the services' settings classes.
_SETTINGS = "mailtally.settings"


class ConsoleSettings(DatabaseSettings, StatisticSettings, ClusterSettings):
    """Settings of the operator's commands, such as reports and the doctor."""

    service: ClassVar[str] = "console"

    broker_url: Annotated[
        BrokerUrl | None,
        Field(repr=False, description="Kombu URL of the queue; unset: no queue is examined."),
    ] = None
    state_url: Annotated[
        StateUrl | None,
        Field(
            repr=False,
            description="URL of the Redis or Valkey with payloads, ledger and totals; unset: the "
            "broker's, or the one in the data directory.",
        ),
    ] = None

    @property
    def configured_state_url(self) -> str | None:
        """Return the configured URL of the state in redis-py's form, or ``None``."""
        if self.state_url is None and self.broker_url is not None:
            return redis_url(self.broker_url)
        return self.state_url

    @model_validator(mode="after")
    def _has_state_url(self) -> Self:
        try:
            _ = self.configured_state_url
        except ValueError as error:
            raise ValueError(f"state_url is not set, and {error}; set it") from None
        return self


def console_settings(config: Path | None, data: Path | None) -> ConsoleSettings:
    """Load the settings of a command.

    Args:
        config: a TOML file, or ``None``.
        data: the data directory of the command line, or ``None``.

    Raises:
        SettingsError: settings are invalid; the error names all of them.
    """
    return load_settings(ConsoleSettings, config, data_dir=data and data.absolute())


def site_settings(settings: ConsoleSettings, config: Path | None) -> SiteSettings:
    """Load the settings of the site's aggregators, from the same file and environment.

    Raises:
        SettingsError: settings are invalid; the error names all of them.
    """
    (cls,) = settings_of_services("aggregator")
    return load_settings(
        cast("type[SiteSettings]", cls),
        config,
        data_dir=settings.data_dir,
        broker_url=settings.broker_url or _NO_BROKER,
    )


def settings_of_services(*services: str) -> list[type[BaseServiceSettings]]:
    """Return the settings classes of installed services, all by default, in order of names.

    A service's package names its class as an entry point of the group ``mailtally.settings``, so
    that the command does not import any service by name.
    """
    # One distribution is found sooner than all are searched.
    points = (
        [
            point
            for service in services
            for point in distribution(f"mailtally-{service}").entry_points
            if point.group == _SETTINGS
        ]
        if services
        else entry_points(group=_SETTINGS)
    )
    return [point.load() for point in sorted(points, key=lambda point: point.name)]


def unknown_settings() -> list[str]:
    """Return a sentence for each variable that is not a setting of a command or a service."""
    if not any(name.upper().startswith(PREFIX) for name in os.environ):
        return []  # without importing the settings of all services, which takes long
    return described_unknown(ConsoleSettings, *settings_of_services())
