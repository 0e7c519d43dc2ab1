"""URLs do not show their passwords, and mean the same server to kombu and redis-py."""

from __future__ import annotations

import kombu
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.runtime.urls import mask_url, redis_url

#: What may stand unescaped in a password that somebody pasted into a URL.
PASTED = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pw@redis.example.com/0", "redis://:***@redis.example.com/0"),
        ("amqp://me:pw@example.com//", "amqp://me:***@example.com//"),
        ("redis+socket://:pw@/run/r.sock", "redis+socket://:***@/run/r.sock"),
        ("rediss://h/0?ssl_password=pw&x=1", "rediss://h/0?ssl_password=***&x=1"),
        ("redis://redis.example.com:6379/0", "redis://redis.example.com:6379/0"),
        ("cannot reach redis://u:p@a/ now", "cannot reach redis://u:***@a/ now"),
    ],
)
def test_a_password_does_not_show(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@given(PASTED.map(lambda text: f"s3cr3t{text}s3cr3t"))
def test_not_even_a_password_that_should_have_been_escaped(password: str) -> None:
    assert "s3cr3t" not in mask_url(f"redis://user:{password}@redis.example.com:6379/0")


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)


@pytest.mark.parametrize(
    ("broker", "state"),
    [
        ("redis://redis.example.com:6380/2", "redis://redis.example.com:6380/2"),
        ("redis+socket:///run/r.sock?virtual_host=2", "unix:///run/r.sock?db=2"),
        ("redis+socket:///run/r.sock", "unix:///run/r.sock"),
        ("redis+socket://:p%40w@/a%20b.sock?virtual_host=0", "unix://:p%40w@/a%20b.sock?db=0"),
        (
            "rediss://example.com/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/etc/ca.pem",
            "rediss://example.com/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem",
        ),
    ],
)
def test_the_state_is_on_the_brokers_server(broker: str, state: str) -> None:
    assert redis_url(broker) == state


@pytest.mark.parametrize(
    "broker",
    [
        "redis://:p%40w@redis.example.com:6380/2",
        "redis://redis.example.com",
        "redis+socket://:p%40w@/tmp/a%20b.sock?virtual_host=3",
        "redis+socket:///tmp/r.sock",
    ],
)
def test_kombu_and_redis_py_go_to_the_same_place(broker: str) -> None:
    theirs = kombu_parameters(broker)
    ours = redis.Redis.from_url(redis_url(broker)).connection_pool.connection_kwargs
    for key, default in {"host": "localhost", "path": None, "port": 6379, "db": 0}.items():
        assert (ours.get(key) or default) == (theirs.get(key) or default)
    assert ours.get("password") == theirs.get("password")


def kombu_parameters(broker: str) -> dict[str, object]:
    """What kombu would connect with; nothing is connected."""
    channel_class = kombu.Connection(broker).get_transport_cls().Channel

    class Unconnected(channel_class):  # type: ignore[misc,valid-type]  # a class found at run time
        def __init__(self, connection: object) -> None:
            self.connection = connection

    channel = Unconnected(kombu.Connection(broker).transport)
    parameters: dict[str, object] = channel._connparams()  # noqa: SLF001  # no public way
    return parameters


@pytest.mark.parametrize(
    "broker",
    [
        "amqp://guest:pw@rabbit.example.com//",
        "redis://a.example.com;redis://b.example.com",
        "memory://",
        "no url",
    ],
)
def test_other_brokers_do_not_say_where_the_state_is(broker: str) -> None:
    with pytest.raises(ValueError, match="state"):
        redis_url(broker)
