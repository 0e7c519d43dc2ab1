"""The settings of the operator's command, and those it looks up at the aggregator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from mailtally_aggregator.settings import AggregatorSettings
from mailtally_shared.process.settings import (
    ClusterSettings,
    DatabaseSettings,
    StatisticSettings,
    load_settings,
)
from mailtally_shared.process.settings.shared import BrokerUrl, StateUrl
from mailtally_shared.process.urls import redis_url

if TYPE_CHECKING:
    from pathlib import Path

#: Stands for the queue where only the aggregator's other settings are wanted.
_NO_BROKER = "redis://unset.invalid/"


class ConsoleSettings(DatabaseSettings, StatisticSettings, ClusterSettings):
    """The operator's command: reports, and whether all is well."""

    service: ClassVar[str] = "console"

    broker_url: Annotated[
        BrokerUrl | None,
        Field(repr=False, description="The queue: a kombu URL; unset: there is none to look at."),
    ] = None
    state_url: Annotated[
        StateUrl | None,
        Field(
            repr=False,
            description="Redis or Valkey for payloads, ledger and totals; unset: the broker's, "
            "or the one in the data directory.",
        ),
    ] = None

    @property
    def configured_state_url(self) -> str | None:
        """The state's URL in redis-py's form, where one is set."""
        if self.state_url is None and self.broker_url is not None:
            return redis_url(self.broker_url)
        return self.state_url

    @model_validator(mode="after")
    def _state_is_told(self) -> Self:
        try:
            _ = self.configured_state_url
        except ValueError as error:
            raise ValueError(f"state_url is not set, and {error}; set it") from None
        return self


def console_settings(config: Path | None, data: Path | None) -> ConsoleSettings:
    """The settings of a command.

    Args:
        config: a TOML file, or ``None``.
        data: the data directory of the command line, or ``None``.

    Raises:
        SettingsError: names everything that is wrong.
    """
    return load_settings(ConsoleSettings, config, data_dir=data and data.absolute())


def aggregator_settings(settings: ConsoleSettings, config: Path | None) -> AggregatorSettings:
    """What the aggregators go by, from the same file and environment: they say what is charged.

    Raises:
        SettingsError: names everything that is wrong.
    """
    return load_settings(
        AggregatorSettings,
        config,
        data_dir=settings.data_dir,
        broker_url=settings.broker_url or _NO_BROKER,
    )
