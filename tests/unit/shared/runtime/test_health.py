"""A stuck process is neither alive nor ready; a waiting one is alive."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

import pytest

from mailtally_shared.errors import MailtallyError
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.health_server import HealthServer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def get(server: HealthServer, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_it_begins_alive_and_not_ready() -> None:
    health = Health(clock=Clock())
    assert health.alive().ok
    assert health.ready().reason == "starting"
    assert not health.ready().ok


def test_readiness_comes_and_goes_with_a_reason() -> None:
    health = Health(clock=Clock())
    health.set_ready()
    assert health.ready().ok
    health.set_not_ready("Redis is away")
    assert (health.ready().ok, health.ready().reason) == (False, "Redis is away")
    assert health.alive().ok


def test_a_silent_main_loop_is_neither_alive_nor_ready_until_it_beats() -> None:
    clock = Clock()
    health = Health(stale_after=30, clock=clock)
    health.set_ready()
    clock.now += 31
    assert "silent for 31 s" in health.alive().reason
    assert not health.ready().ok
    health.beat()
    assert health.alive().ok
    assert health.ready().ok


def test_the_answers_are_served_with_their_reason() -> None:
    health = Health(clock=Clock())
    with HealthServer(("127.0.0.1", 0), health) as server:
        assert get(server, "/healthz") == (200, "alive\n")
        assert get(server, "/readyz?verbose") == (503, "starting\n")
        health.set_not_ready("redis://:s3cr3t@example.com/0 is away")
        assert get(server, "/readyz") == (503, "redis://:***@example.com/0 is away\n")
        health.set_ready()
        assert get(server, "/readyz") == (200, "ready\n")
        assert get(server, "/metrics")[0] == 404
        assert get(server, "/")[0] == 404


def test_metrics_are_served_when_there_are_some() -> None:
    with HealthServer(("127.0.0.1", 0), Health(), metrics=lambda: "lines_total 3\n") as server:
        assert get(server, "/metrics") == (200, "lines_total 3\n")


def test_a_client_that_says_nothing_does_not_hold_up_the_others() -> None:
    with (
        HealthServer(("127.0.0.1", 0), Health()) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert get(server, "/healthz")[0] == 200


def test_a_client_that_hangs_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> str:
        raise ConnectionResetError

    with HealthServer(("127.0.0.1", 0), Health(), metrics=broken) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/metrics")
        with pytest.raises(ConnectionError):
            connection.getresponse()
        connection.close()
    assert "Traceback" not in capfd.readouterr().err


def test_an_address_in_use_is_one_plain_sentence() -> None:
    with (
        HealthServer(("127.0.0.1", 0), Health()) as server,
        pytest.raises(MailtallyError, match="Set another health_address"),
        HealthServer(("127.0.0.1", server.port), Health()),
    ):
        pass


def test_after_it_ends_the_port_is_free_again() -> None:
    with HealthServer(("127.0.0.1", 0), Health()) as server:
        port = server.port
    with HealthServer(("127.0.0.1", port), Health()) as server:
        assert server.port == port
    with pytest.raises(RuntimeError):
        _ = server.port
