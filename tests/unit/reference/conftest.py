from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tests.reference.settings import Settings


@pytest.fixture
def berlin() -> Settings:
    return Settings(log_zone=ZoneInfo("Europe/Berlin"))
