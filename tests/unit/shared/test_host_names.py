"""Settings name only mail hosts that a collector can register."""

from __future__ import annotations

import pytest

from mailtally_collector.settings import CollectorSettings
from mailtally_shared.errors import SettingsError
from mailtally_shared.runtime.settings import load_settings
from mailtally_shared.site_settings import SiteSettings

WRONG = ["Mail1", "mail 1", "mail1|mail2", "m\u00e4il", "x" * 256]
SENTENCE = "expected the name of a mail host: lowercase letters, digits and . _ : - only"


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_BROKER_URL", "redis://redis.example.com/0")


@pytest.mark.parametrize("name", WRONG)
def test_a_collector_with_another_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__HOST", name)
    with pytest.raises(SettingsError) as caught:
        load_settings(CollectorSettings)
    assert str(caught.value) == f"MAILTALLY_COLLECTOR__HOST: {SENTENCE}, not {name!r}"


@pytest.mark.parametrize("name", WRONG)
def test_days_do_not_wait_for_a_host_that_cannot_exist(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__EXPECTED_HOSTS", f"mail1,{name}")
    with pytest.raises(SettingsError, match="EXPECTED_HOSTS: expected the name of a mail host"):
        load_settings(SiteSettings)
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__EXPECTED_HOSTS", "mail1.example.com, ::1")
    assert load_settings(SiteSettings).expected_hosts == ("mail1.example.com", "::1")
