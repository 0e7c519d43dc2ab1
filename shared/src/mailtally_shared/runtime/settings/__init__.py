"""Settings of a service, from a TOML file and the environment.

The name of a variable follows from the setting's place in the file: ``MAILTALLY_``, then the
parts of that place, joined by ``__``.

===========================  ==============================
in the file                  in the environment
===========================  ==============================
``timezone``                 ``MAILTALLY_TIMEZONE``
``[collector] window``       ``MAILTALLY_COLLECTOR__WINDOW``
===========================  ==============================

Shared settings stand at the top of the file. Each service has its own table
below, in which it may also override a shared one for itself.
"""

from mailtally_shared.runtime.settings.base import BaseServiceSettings, SettingsTable
from mailtally_shared.runtime.settings.describe import SettingRow, describe
from mailtally_shared.runtime.settings.loading import load_settings
from mailtally_shared.runtime.settings.quantities import (
    Address,
    Bytes,
    CommaList,
    Seconds,
    SecondsOrZero,
)
from mailtally_shared.runtime.settings.shared import (
    BrokerSettings,
    ClusterSettings,
    DatabaseSettings,
    HealthSettings,
    LogFileSettings,
    StatisticSettings,
    existing_zone,
)
from mailtally_shared.runtime.urls import mask_url

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
    "existing_zone",
    "load_settings",
    "mask_url",
]
