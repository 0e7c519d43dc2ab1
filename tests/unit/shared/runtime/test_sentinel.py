"""A sentinel URL says where the Sentinels are and which Redis they are asked for."""

from __future__ import annotations

import pytest

from mailtally_shared.runtime.sentinel import Sentinels, parse_sentinels
from mailtally_shared.runtime.urls import redis_url

URL = "sentinel://me:p%40w@s1.example.com:26380/2;sentinel://s2.example.com?master_name=mailtally"
READ = Sentinels(
    addresses=(("s1.example.com", 26380), ("s2.example.com", 26379)),
    master="mailtally",
    database=2,
    username="me",
    password="p@w",  # noqa: S106 - an example
)


def test_all_of_it_is_read() -> None:
    assert parse_sentinels(URL) == READ


def test_its_password_does_not_show() -> None:
    assert "p@w" not in repr(READ)


def test_kombu_is_given_the_same_without_what_it_takes_as_options() -> None:
    expected = "sentinel://me:p%40w@s1.example.com:26380/2;sentinel://s2.example.com:26379"
    assert READ.broker_url == expected
    assert parse_sentinels(f"{expected}?master_name=mailtally") == READ


def test_the_state_is_behind_the_same_sentinels() -> None:
    assert redis_url(URL) == URL


def test_addresses_of_version_6_keep_their_brackets() -> None:
    read = parse_sentinels("sentinel://[2001:db8::1]:26379?master_name=m")
    assert read.addresses == (("2001:db8::1", 26379),)
    assert read.broker_url == "sentinel://[2001:db8::1]:26379/0"


def test_sentinels_have_a_password_of_their_own() -> None:
    assert parse_sentinels("sentinel://s1?master_name=m").sentinel_login == {}
    read = parse_sentinels("sentinel://s1?master_name=m&sentinel_password=secret")
    assert read.sentinel_login == {"password": "secret"}
    assert "secret" not in repr(read)


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://s1.example.com",
        "sentinel://?master_name=m",
        "sentinel://s1.example.com/zero?master_name=m",
        "sentinel://s1.example.com?master_name=m&socket_timeout=1",
        "sentinel://s1.example.com;redis://s2.example.com?master_name=m",
    ],
)
def test_what_says_too_little_or_too_much_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_sentinels(url)
