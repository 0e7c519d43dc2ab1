"""What every service process needs, loaded and compiled once; children are forked from here.

A fault run starts hundreds of processes. Each is a process of its own, started by the
service's own command; only the loading of Python modules is done ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mailtally.__main__
import mailtally.commands.doctor
import mailtally_aggregator.__main__
import mailtally_collector.__main__
import mailtally_loader.__main__
from mailtally_collector.formats import warm
from tests.faults import next_version

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, Callable[..., Any]] = {
    **next_version.COMMANDS,
    "collector": mailtally_collector.__main__.main,
    "aggregator": mailtally_aggregator.__main__.main,
    "loader": mailtally_loader.__main__.main,
    "doctor": mailtally.commands.doctor.doctor,
}

warm()
