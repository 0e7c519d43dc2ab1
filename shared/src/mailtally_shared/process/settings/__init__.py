"""Settings of a service, from a TOML file and the environment.

One rule names everything: a setting's place in the file, with ``MAILTALLY_``
before it and ``__`` between its parts, is its variable.

===========================  ==============================
in the file                  in the environment
===========================  ==============================
``timezone``                 ``MAILTALLY_TIMEZONE``
``[collector] window``       ``MAILTALLY_COLLECTOR__WINDOW``
===========================  ==============================

Shared settings stand at the top of the file; each service has its own table
below, in which it may also override a shared one for itself.
"""

from mailtally_shared.process.settings.base import BaseServiceSettings, SettingsTable
from mailtally_shared.process.settings.describe import SettingRow, describe
from mailtally_shared.process.settings.loading import load_settings
from mailtally_shared.process.settings.quantities import (
    Address,
    Bytes,
    CommaList,
    Seconds,
    SecondsOrZero,
)
from mailtally_shared.process.settings.shared import (
    BrokerSettings,
    ClusterSettings,
    DatabaseSettings,
    HealthSettings,
    LogFileSettings,
    StatisticSettings,
)
from mailtally_shared.process.urls import mask_url

__all__ = [
    "Address",
    "BaseServiceSettings",
    "BrokerSettings",
    "Bytes",
    "ClusterSettings",
    "CommaList",
    "DatabaseSettings",
    "HealthSettings",
    "LogFileSettings",
    "Seconds",
    "SecondsOrZero",
    "SettingRow",
    "SettingsTable",
    "StatisticSettings",
    "describe",
    "load_settings",
    "mask_url",
]
