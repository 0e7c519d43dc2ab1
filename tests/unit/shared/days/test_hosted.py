"""A domain is charged to the hosted name above it."""

from pathlib import Path

import pytest

from mailtally_shared.days.charging import NOT_HOSTED, parse_hosted
from mailtally_shared.errors import SettingsError
from mailtally_shared.state.hosted_lists import HostedFile


@pytest.mark.parametrize(
    ("domain", "charged"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("deep.example.org", "deep.example.org"),
        ("x.deep.example.org", "deep.example.org"),
        ("example.org", NOT_HOSTED),
        ("notexample.com", NOT_HOSTED),
        ("com", NOT_HOSTED),
    ],
)
def test_a_domain_is_looked_for_through_its_parents(domain: str, charged: str) -> None:
    hosted = parse_hosted("example.com\n\n# a comment\n Deep.Example.ORG.  # ours\n")
    assert hosted.charged_name(domain) == charged


def test_an_international_name_is_matched_in_its_wire_form() -> None:
    assert parse_hosted("bücher.example").charged_name("xn--bcher-kva.example") != NOT_HOSTED


def test_the_list_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "domains"
    path.write_text("example.com\n")
    hosted = HostedFile(path)
    first = hosted.current()
    assert first is not None
    assert hosted.current() is first
    path.write_text("example.com\nexample.org\n")
    second = hosted.current()
    assert second is not None
    assert len(second) == 2


def test_a_list_that_vanishes_for_a_moment_stays_in_force(tmp_path: Path) -> None:
    path = tmp_path / "domains"
    path.write_text("example.com\n")
    hosted = HostedFile(path)
    first = hosted.current()
    path.unlink()
    assert hosted.current() is first


def test_a_list_that_was_never_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        HostedFile(tmp_path / "missing").current()


def test_without_a_list_every_domain_is_its_own() -> None:
    assert HostedFile(None).current() is None
