"""A URL that asks for TLS gets it whole, or is refused."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import kombu
import pytest
import redis

from mailtally_shared.runtime.tls import Certificates, amqp_tls, secured

FILES = Certificates(Path("/etc/ca.pem"), Path("/etc/me.pem"), Path("/etc/me.key"))


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example.com:6379/0",
        "redis+socket:///run/r.sock?virtual_host=0",
        "amqp://rabbit.example.com//",
        "sqlite:////var/lib/x.sqlite",
    ],
)
def test_what_does_not_ask_for_tls_stays_as_it_is(url: str) -> None:
    assert secured(url, FILES) == url


def test_who_asks_for_tls_and_says_no_more_has_the_server_checked() -> None:
    url = secured("rediss://:word@redis.example.com/0", Certificates())
    assert kombu.Connection(url).ssl == {"ssl_cert_reqs": 2, "ssl_check_hostname": True}
    (connection,) = [redis.Redis.from_url(url).connection_pool.connection_kwargs]
    assert connection["ssl_cert_reqs"] == "required"
    assert connection["ssl_check_hostname"] is True


def test_files_are_named_as_both_drivers_name_them() -> None:
    url = secured("rediss://redis.example.com/0", FILES)
    asked = {name: values[0] for name, values in query(url).items()}
    assert asked["ssl_ca_certs"] == "/etc/ca.pem"
    assert asked["ssl_certfile"] == "/etc/me.pem"
    assert asked["ssl_keyfile"] == "/etc/me.key"


def test_what_stands_in_the_url_wins() -> None:
    url = secured("rediss://redis.example.com/0?ssl_ca_certs=/other.pem", FILES)
    assert query(url)["ssl_ca_certs"] == ["/other.pem"]
    url = secured("postgresql://db.example.com/m?sslmode=require", FILES)
    assert query(url)["sslmode"] == ["require"]


@pytest.mark.parametrize(
    "url",
    [
        "rediss://redis.example.com/0?ssl_cert_reqs=none",
        "rediss://redis.example.com/0?ssl_cert_reqs=CERT_OPTIONAL",
        "rediss://redis.example.com/0?ssl_check_hostname=false",
        "amqps://rabbit.example.com//?ssl_cert_reqs=CERT_NONE",
    ],
)
def test_tls_with_anybody_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="accepts any server as the right one"):
        secured(url, FILES)


def test_an_authority_makes_postgresql_check_the_name() -> None:
    url = secured("postgresql+psycopg://u@db.example.com/m", FILES)
    assert query(url)["sslmode"] == ["verify-full"]
    assert query(url)["sslrootcert"] == ["/etc/ca.pem"]
    assert (
        secured("postgresql://db.example.com/m", Certificates()) == "postgresql://db.example.com/m"
    )


def test_an_authority_makes_mariadb_check_the_name() -> None:
    url = secured("mariadb://u@db.example.com/m", FILES)
    assert query(url)["ssl_ca"] == ["/etc/ca.pem"]
    assert query(url)["ssl_check_hostname"] == ["true"]
    assert secured("mysql://db.example.com/m", Certificates()) == "mysql://db.example.com/m"


def test_rabbitmqs_driver_is_told_apart_from_its_url() -> None:
    url, tls = amqp_tls(secured("amqps://u:word@rabbit.example.com//?heartbeat=5", FILES))
    assert url == "amqps://u:word@rabbit.example.com//?heartbeat=5"
    assert tls == {
        "ca_certs": "/etc/ca.pem",
        "certfile": "/etc/me.pem",
        "keyfile": "/etc/me.key",
        "server_hostname": "rabbit.example.com",
    }
    assert amqp_tls("amqp://rabbit.example.com//") == ("amqp://rabbit.example.com//", None)
