"""A URL that a driver would misread is refused, and no piece of a password is told."""

from __future__ import annotations

import os
import string
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_aggregator.settings import AggregatorSettings
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.billing.engine import open_engine, probe
from mailtally_shared.errors import MailtallyError, SettingsError
from mailtally_shared.runtime.errors_shown import sentence_of
from mailtally_shared.runtime.settings import load_settings
from mailtally_shared.runtime.urls import check_form, mask_url, redis_url, sqlite_url
from mailtally_shared.state.client import connect_state, unavailable_errors
from mailtally_shared.wire.queue import broker_errors, connect_broker

#: Nothing listens at port 1.
SERVERS = {
    "redis": "127.0.0.1:1/0",
    "rediss": "127.0.0.1:1/0",
    "amqp": "127.0.0.1:1//",
    "sentinel": "127.0.0.1:1/0?master_name=mailtally",
    "postgresql": "127.0.0.1:1/mailtally",
    "mariadb": "127.0.0.1:1/mailtally",
    "mysql": "127.0.0.1:1/mailtally",
}
#: A piece that is looked for in whatever is said.
PIECE = "Zq7xW"
PASSWORDS = st.lists(
    st.sampled_from([*string.punctuation, " ", "\t", "ä", "%41"]), min_size=1, max_size=6
).map(lambda between: PIECE + PIECE.join(between) + PIECE)


def settings_of(scheme: str, url: str) -> AggregatorSettings | LoaderSettings:
    if scheme in ("postgresql", "mariadb", "mysql"):
        return load_settings(LoaderSettings, database_url=url)
    return load_settings(AggregatorSettings, broker_url=url, state_url=state_of(url))


def said_on_loading(scheme: str, url: str) -> str:
    try:
        return repr(settings_of(scheme, url))
    except MailtallyError as error:
        return sentence_of(error)


def said_on_connecting(scheme: str, url: str) -> str:
    """What is said of a server that is not there, with the whole chain of errors."""
    loaded = settings_of(scheme, url)
    try:
        if isinstance(loaded, LoaderSettings):
            probe(open_engine(loaded.database_url))
            return ""
        with broker_errors(broker := connect_broker(loaded.broker_url)):
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=0.2)
        with unavailable_errors():
            connect_state(loaded.resolved_state_url).ping()
    except MailtallyError as error:
        return mask_url("".join(traceback.format_exception(error)))
    return ""


def state_of(url: str) -> str | None:
    return "redis://127.0.0.1:1/0" if url.startswith("amqp") else None


@pytest.mark.parametrize("scheme", SERVERS)
@given(password=PASSWORDS)
def test_no_piece_of_a_password_is_told_of_settings(scheme: str, password: str) -> None:
    for written in (password, quote(password, "")):
        assert PIECE not in said_on_loading(scheme, f"{scheme}://me:{written}@{SERVERS[scheme]}")


@pytest.mark.parametrize("scheme", SERVERS)
@settings(max_examples=2, deadline=None)
@given(password=PASSWORDS)
def test_no_piece_of_a_password_is_told_of_a_server_that_is_away(
    scheme: str, password: str
) -> None:
    url = f"{scheme}://me:{quote(password, '')}@{SERVERS[scheme]}"
    said = said_on_connecting(scheme, url)
    assert said
    assert PIECE not in said


@given(password=PASSWORDS)
def test_an_encoded_password_arrives_as_it_is(password: str) -> None:
    url = f"redis://me:{quote(password, '')}@h.example.com:6379/0"
    check_form(url)
    client = redis.Redis.from_url(redis_url(url))
    assert client.connection_pool.connection_kwargs["password"] == password
    engine = open_engine(f"postgresql://me:{quote(password, '')}@h.example.com/db")
    assert engine.url.password == password


@pytest.mark.parametrize("sign", [*"@/#?%[ "])
@pytest.mark.parametrize("scheme", SERVERS)
def test_a_password_that_is_not_encoded_is_refused_with_the_way_to_encode_it(
    scheme: str, sign: str
) -> None:
    with pytest.raises(ValueError, match="%40"):
        check_form(f"{scheme}://me:pa{sign}zz@{SERVERS[scheme]}")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://127.0.0.1:7391/mailtally", "number of a database"),
        ("redis://a.example.com,b.example.com/0", "several servers"),
        ("mysql://me@a,b/db", "several servers"),
        ("redis://h:66666/0", "port"),
        ("redis://a..b/0", "host"),
        (f"redis://{'a' * 64}.example.com/0", "host"),
    ],
)
def test_what_no_server_can_be_reached_by_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_form(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example.com:6379/0",
        "redis://:p%40w@[2001:db8::1]:6379/2",
        "redis+socket:///run/a@b/r.sock?virtual_host=0",
        "unix://:pw@/run/r.sock?db=0",
        "amqp://me:pw@a.example.com:5672//;amqp://me:pw@b.example.com//",
        "sentinel://:pw@s1:26379/0;sentinel://s2?master_name=mailtally",
        "postgresql://me:p:w@a:5432,b:5433/db?target_session_attrs=read-write",
        "postgresql:///db?host=/run/postgresql",
        "sqlite:////srv/a@b#c/m.sqlite",
        "rediss://redis.example.com./0?ssl_ca_certs=/etc/ca.pem",
    ],
)
def test_what_can_be_read_is_left_alone(url: str) -> None:
    check_form(url)


@pytest.mark.parametrize("scheme", ["http", "rediss2", "redis+tls", "postgresql"])
def test_a_broker_of_a_kind_that_is_not_known_is_refused_before_anything_starts(
    scheme: str,
) -> None:
    with pytest.raises(SettingsError, match="begins with one of"):
        load_settings(AggregatorSettings, broker_url=f"{scheme}://h.example.com/0")


@given(name=st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name))
def test_a_path_is_a_path_and_no_url(name: str) -> None:
    path = Path("/srv") / os.fsdecode(name.encode("utf-8", "surrogatepass")) / "m.sqlite"
    assert open_engine(sqlite_url(path)).url.database == str(path)


def test_several_hosts_of_postgresql_are_all_tried() -> None:
    url = "postgresql://me:pw@127.0.0.1:1,127.0.0.1:2/db?target_session_attrs=read-write"
    engine = open_engine(url)
    _, arguments = engine.dialect.create_connect_args(engine.url)
    assert arguments["host"] == "127.0.0.1,127.0.0.1"
    assert arguments["port"] == "1,2"
    assert arguments["target_session_attrs"] == "read-write"
    assert arguments["dbname"] == "db"
