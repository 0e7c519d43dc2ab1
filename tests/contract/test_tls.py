"""Encrypted connections to real servers: the right one is spoken to, any other is refused."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from sqlalchemy import text

from mailtally_aggregator.intake.receive import Receiver
from mailtally_collector.ship.publish import Publisher
from mailtally_shared.billing.engine import open_engine, probe, reading
from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.settings import BrokerSettings, DatabaseSettings, load_settings
from mailtally_shared.state.client import connect_state, unavailable_errors
from mailtally_shared.wire.announcement import Heartbeat
from mailtally_shared.wire.queue import broker_errors, connect_broker
from tests.support.certificates import Authority
from tests.support.mariadb import running_server
from tests.support.own_redis import OwnRedis
from tests.support.ports import free_port
from tests.support.rabbitmq import RabbitNode, require_rabbitmq
from tests.support.records import NONCE
from tests.support.servers import missing
from tests.support.tls_postgres import running_tls_postgres
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.client import State
    from tests.support.certificates import Issued

HERE = ("DNS:localhost", "IP:127.0.0.1")


class Queue(BrokerSettings):
    """What speaks to the queue and the state."""

    service: ClassVar[str] = "aggregator"


class Stored(DatabaseSettings):
    """What speaks to the database."""

    service: ClassVar[str] = "loader"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


def tls_redis(
    directory: Path, shown: Issued, ca: Path, *, clients: str = "no", port: int | None = None
) -> OwnRedis:
    """A server that speaks nothing but TLS; ``clients``: whether they must show a certificate."""
    port = port or free_port()
    options = ("--port", "0", "--tls-port", str(port), "--tls-auth-clients", clients)
    files = ("--tls-cert-file", shown.cert, "--tls-key-file", shown.key, "--tls-ca-cert-file", ca)
    return OwnRedis(directory, (*options, *map(str, files)), port)


def queue_at(
    server: OwnRedis, ca: Path | None, host: str = "localhost", *, shows: Issued | None = None
) -> Queue:
    return load_settings(
        Queue,
        broker_url=f"rediss://{host}:{server.port}/0",
        tls_ca=ca,
        tls_cert=shows and shows.cert,
        tls_key=shows and shows.key,
    )


def speak_to(settings: Queue) -> None:
    """Both ways: the state's driver, and the queue's."""
    with connect_state(settings.resolved_state_url) as state, unavailable_errors():
        state.ping()
    receiver = Receiver(settings.broker_url, prefetch=1)
    with connect_state(settings.resolved_state_url) as state:
        publisher = Publisher(settings.broker_url, state)
        publisher.batches([(b"{}", "{mailtally}:payload:x:1", b"x")])
        received = receiver.collect(lambda count: count >= 1)
        assert received.bodies() == [b"{}"]
        receiver.acknowledge(received.messages)
        publisher.reset()
    receiver.close()


def assert_refused(settings: Queue, why: str) -> None:
    """By both drivers, in one sentence."""
    with (
        connect_state(settings.resolved_state_url) as state,
        pytest.raises(Unavailable, match=f"Redis .* does not answer: .*{why}"),
        unavailable_errors(),
    ):
        state.ping()
    assert_broker_refused(settings, why)


def assert_broker_refused(settings: Queue, why: str) -> None:
    connection = connect_broker(settings.broker_url)
    with (
        pytest.raises(Unavailable, match=f"The broker does not answer: .*{why}"),
        broker_errors(connection),
    ):
        connection.ensure_connection(max_retries=1, timeout=5)
    connection.release()


def test_queue_and_state_are_reached_over_tls(tmp_path: Path, ours: Authority) -> None:
    with tls_redis(tmp_path, ours.issue("redis", *HERE), ours.ca) as server:
        speak_to(queue_at(server, ours.ca))
        speak_to(queue_at(server, ours.ca, host="127.0.0.1"))


def test_a_redis_with_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    with tls_redis(tmp_path, theirs.issue("redis", *HERE), theirs.ca) as server:
        assert_refused(queue_at(server, ours.ca), "certificate verify failed")
        # Without an authority of the site's own, the system's decide.
        assert_refused(queue_at(server, None), "certificate verify failed")


def test_a_redis_with_the_certificate_of_another_host_is_refused(
    tmp_path: Path, ours: Authority
) -> None:
    shown = ours.issue("elsewhere", "DNS:redis.example.com")
    with tls_redis(tmp_path, shown, ours.ca) as server:
        assert_refused(queue_at(server, ours.ca), "certificate verify failed: Hostname mismatch")


def test_a_redis_that_asks_for_a_certificate_gets_the_one_that_is_set(
    tmp_path: Path, ours: Authority
) -> None:
    shown, mine = ours.issue("redis", *HERE), ours.issue("client")
    with tls_redis(tmp_path, shown, ours.ca, clients="yes") as server:
        speak_to(queue_at(server, ours.ca, shows=mine))
        with connect_state(queue_at(server, ours.ca).resolved_state_url) as state:
            assert not answers(state)


def test_what_is_said_without_tls_reaches_nobody(tmp_path: Path, ours: Authority) -> None:
    with (
        tls_redis(tmp_path, ours.issue("redis", *HERE), ours.ca) as server,
        connect_state(f"redis://localhost:{server.port}/0") as state,
    ):
        assert not answers(state)


def test_renewed_certificates_are_taken_up_at_the_next_connection(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    trusted = tmp_path / "ca.pem"
    shutil.copy(ours.ca, trusted)
    with tls_redis(tmp_path, ours.issue("redis", *HERE), ours.ca) as server:
        settings = queue_at(server, trusted)
        state = connect_state(settings.resolved_state_url)
        assert answers(state)
    with tls_redis(tmp_path, theirs.issue("redis", *HERE), theirs.ca, port=server.port):
        assert not answers(state)  # the connection was lost
        assert not answers(state)  # the new server's authority is not trusted yet
        shutil.copy(theirs.ca, trusted)
        assert answers(state)
    state.close()


def answers(state: State) -> bool:
    try:
        with unavailable_errors():
            return bool(state.ping())
    except Unavailable:
        return False


@pytest.fixture(scope="module")
def rabbit(ours: Authority) -> Iterator[int]:
    """The TLS port of a RabbitMQ."""
    require_rabbitmq()
    shown, port = ours.issue("rabbit", *HERE), free_port()
    with tempfile.TemporaryDirectory(prefix="mailtally-mq-tls-") as directory:
        config = Path(directory) / "rabbitmq.conf"
        config.write_text(
            f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {ours.ca}\n"
            f"ssl_options.certfile = {shown.cert}\nssl_options.keyfile = {shown.key}\n"
        )
        with RabbitNode(Path(directory), config):
            yield port


def rabbit_at(port: int, ca: Path, host: str = "localhost") -> Queue:
    return load_settings(
        Queue,
        broker_url=f"amqps://guest:guest@{host}:{port}//",
        state_url="redis://redis.example.com/0",
        tls_ca=ca,
    )


def test_rabbitmq_is_reached_over_tls(rabbit: int, ours: Authority) -> None:
    url = rabbit_at(rabbit, ours.ca).broker_url
    receiver = Receiver(url, prefetch=1)
    beat = Heartbeat(
        collector_id="0" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=0, watermark=5
    )
    with connect_state("redis://redis.example.com/0") as unused:
        publisher = Publisher(url, unused)
        publisher.heartbeat(beat)
        received = wait_until(lambda: receiver.collect(lambda count: count >= 1).messages)
        assert bytes(received[0].body) == beat.to_bytes()
        publisher.reset()
    receiver.close()


def test_a_rabbitmq_of_another_authority_is_refused(rabbit: int, theirs: Authority) -> None:
    assert_broker_refused(rabbit_at(rabbit, theirs.ca), "certificate verify failed")


def test_a_rabbitmq_under_another_name_is_refused(rabbit: int, ours: Authority) -> None:
    # It has the address in its certificate, and not this name for it.
    settings = rabbit_at(rabbit, ours.ca, host="127.1")
    assert_broker_refused(settings, "certificate verify failed")


@pytest.fixture(scope="module")
def postgres(ours: Authority) -> Iterator[int]:
    with running_tls_postgres(ours.issue("postgres", "DNS:localhost"), ours.ca) as port:
        yield port


def database_at(port: int, ca: Path | None, host: str = "localhost") -> str:
    url = f"postgresql://mailtally@{host}:{port}/postgres"
    return load_settings(Stored, database_url=url, tls_ca=ca).database_url


def test_postgresql_is_reached_over_tls(postgres: int, ours: Authority) -> None:
    probe(open_engine(database_at(postgres, ours.ca)))


def test_a_postgresql_of_another_authority_is_refused(postgres: int, theirs: Authority) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        probe(open_engine(database_at(postgres, theirs.ca)))


def test_a_postgresql_under_another_name_is_refused(postgres: int, ours: Authority) -> None:
    with pytest.raises(Unavailable, match="does not match host name"):
        probe(open_engine(database_at(postgres, ours.ca, host="127.0.0.1")))


@pytest.fixture(scope="module")
def mariadb(ours: Authority) -> Iterator[int]:
    if shutil.which("mariadbd") is None:
        missing("MariaDB", "mariadbd is not on the PATH")
    port, shown = free_port(), ours.issue("mariadb", "DNS:localhost")
    options = ("--skip-networking=0", f"--port={port}", "--bind-address=127.0.0.1")
    files = (f"--ssl-cert={shown.cert}", f"--ssl-key={shown.key}", f"--ssl-ca={ours.ca}")
    with running_server(*options, *files):
        yield port


def mariadb_at(port: int, ca: Path, host: str = "localhost") -> str:
    url = f"mariadb://root@{host}:{port}/mysql"
    return load_settings(Stored, database_url=url, tls_ca=ca).database_url


def test_mariadb_is_reached_over_tls(mariadb: int, ours: Authority) -> None:
    engine = open_engine(mariadb_at(mariadb, ours.ca))
    with reading(engine) as connection:
        row = connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()
    assert row[1]
    engine.dispose()


def test_a_mariadb_of_another_authority_is_refused(mariadb: int, theirs: Authority) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        probe(open_engine(mariadb_at(mariadb, theirs.ca)))


def test_a_mariadb_under_another_name_is_refused(mariadb: int, ours: Authority) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        probe(open_engine(mariadb_at(mariadb, ours.ca, host="127.0.0.1")))
