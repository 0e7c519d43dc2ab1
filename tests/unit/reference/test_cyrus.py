"""FORMATS 9: Cyrus' audit log."""

from __future__ import annotations

import pytest

from tests.reference.cyrus import Cyrus
from tests.reference.settings import Settings
from tests.unit.reference.reading import Short, read, shorts

DEFAULTS = Settings()
ID = "mx-4711-1794128462-1-123"
LOGIN = f"login: home [192.0.2.7] bob@example.com PLAIN+TLS User logged in SESSIONID=<{ID}>"
OLD = f"auditlog: traffic sessionid=<{ID}> bytes_in=<45> bytes_out=<323>"
NEW = f"event=traffic sessionid={ID} used.bytes.in=45 used.bytes.out=323"


def log(*bodies: str, program: str = "cyrus/imap") -> bytes:
    return "\n".join(f"Nov  8 09:01:02 mx {program}[9]: {body}" for body in bodies).encode()


def charged(
    *bodies: str, program: str = "cyrus/imap", settings: Settings = DEFAULTS
) -> list[Short]:
    return shorts(read(Cyrus(settings), log(*bodies, program=program), settings))


@pytest.mark.parametrize("traffic", [OLD, OLD.replace("=<45>", "=45").replace("<323>", "323"), NEW])
@pytest.mark.parametrize(
    ("program", "service"),
    [("cyrus/imap", "imap"), ("imaps", "imap"), ("cyrus/pop3", "pop3"), ("pop3s", "pop3")],
)
def test_a_session_is_joined_with_its_login(traffic: str, program: str, service: str) -> None:
    assert charged(LOGIN, traffic, program=program) == [(service, "example.com", 368, "success", 1)]


def test_session_bytes_out() -> None:
    assert charged(LOGIN, OLD, settings=Settings(session_bytes="out"))[0][2] == 323


def test_traffic_of_a_login_that_was_not_read_is_told() -> None:
    assert read(Cyrus(DEFAULTS), log(OLD)).rejects == [(0, "unknown-session")]


@pytest.mark.parametrize(
    "body",
    [
        "USAGE bob@example.com user: 0.01 sys: 0.02",
        "counts: retr=<3> top=<0> dele=<1>",
        "Delivered: <1@x> to mailbox: user.bob",
        f"auditlog: logout sessionid=<{ID}>",
    ],
)
def test_what_has_no_bytes_is_passed(body: str) -> None:
    assert charged(LOGIN, body) == []


def test_other_services_have_no_sessions_to_charge() -> None:
    assert charged(LOGIN, OLD, program="cyrus/httpd") == []
