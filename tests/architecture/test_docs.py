"""The docs say what the code says: every setting, command and key, and nothing that is not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.support import settings_page

if TYPE_CHECKING:
    import pytest


def test_the_settings_page_is_what_the_settings_say() -> None:
    """When this fails: ``python -m tests.support.settings_page`` and commit the page."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.page(), (
        "docs/settings.md is not up to date: run `python -m tests.support.settings_page`"
    )


def test_the_settings_page_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = settings_page.page()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere.example.com")
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Asia/Tokyo")
    assert settings_page.page() == here
