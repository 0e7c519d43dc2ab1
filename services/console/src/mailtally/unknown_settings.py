"""Variables of the environment that are no setting of any service.

It imports the settings of all services, which takes a tenth of a second: commands that must start
quickly do without.
"""

from __future__ import annotations

from mailtally.settings import ConsoleSettings
from mailtally_aggregator.settings import AggregatorSettings
from mailtally_collector.settings import CollectorSettings
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.process.settings.sources import described_unknown


def unknown_settings() -> list[str]:
    """Return a sentence for each variable that is no setting of the command or of a service."""
    return described_unknown(ConsoleSettings, CollectorSettings, AggregatorSettings, LoaderSettings)
