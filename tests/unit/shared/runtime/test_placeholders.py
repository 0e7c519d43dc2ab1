"""Passwords out of an example are refused, however they are written; others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.errors import SettingsError
from mailtally_shared.runtime.settings import load_settings
from mailtally_shared.runtime.settings.placeholders import has_example_password
from mailtally_shared.runtime.settings.shared import BrokerSettings


class Sample(BrokerSettings):
    """Anything with a queue."""

    service = "collector"


@pytest.mark.parametrize(
    "password", ["change-me", "CHANGE_ME", "changeme!", "password", "Passw%6Frd1", "mailtally"]
)
def test_an_example_is_refused_in_a_sentence_that_does_not_repeat_it(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_BROKER_URL", f"redis://aggregator:{password}@redis.example.com/0")
    with pytest.raises(SettingsError, match=r"MAILTALLY_BROKER_URL: .*example") as refused:
        load_settings(Sample)
    assert f":{password}@" not in str(refused.value)


def test_also_the_second_of_several_servers_is_looked_at() -> None:
    url = "sentinel://:1f2e3d4c@a.example.com;sentinel://:change-me@b.example.com"
    assert has_example_password(url)


@given(st.text("0123456789abcdef", min_size=24, max_size=64))
def test_a_password_of_chance_is_taken(password: str) -> None:
    assert not has_example_password(f"redis://aggregator:{password}@redis.example.com/0")


@pytest.mark.parametrize("url", ["redis://redis.example.com/0", "sqlite:////var/lib/x.sqlite"])
def test_without_a_password_there_is_none_to_refuse(url: str) -> None:
    assert not has_example_password(url)
