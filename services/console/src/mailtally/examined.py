"""The examination of the site that a command's settings name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mailtally.local.state_found import open_state
from mailtally.settings import unknown_settings
from mailtally_shared.calendar import Calendar
from mailtally_shared.examination import Examination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.settings import ConsoleSettings
    from mailtally_shared.audit.finding import Finding
    from mailtally_shared.site_settings import SiteSettings


def findings(
    settings: ConsoleSettings, aggregator: SiteSettings, now: float, *, deep: bool = False
) -> Iterator[Finding]:
    """Yield what is found of a site; a stopped Redis of its data directory is started for it.

    Args:
        settings: where the site is.
        aggregator: the settings of its aggregators.
        now: Unix seconds.
        deep: whether to read the archived files, too.
    """
    examination = Examination(
        aggregator,
        Calendar(settings.zone),
        open_state=partial(open_state, settings, wake=True),
        database_url=settings.database_url,
        directory=settings.statistic_dir,
        deep=deep,
    )
    return examination.findings(now, unknown_settings())
