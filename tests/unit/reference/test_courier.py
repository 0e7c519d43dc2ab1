"""FORMATS 6: Courier's sessions and queue."""

from __future__ import annotations

import pytest

from tests.reference.courier import Courier
from tests.reference.settings import Settings
from tests.unit.reference.reading import IN, OUT, Short, read, shorts

DEFAULTS = Settings()


def charged(*lines: str, settings: Settings = DEFAULTS) -> list[Short]:
    text = "\n".join(f"Nov  8 09:01:02 mx {line}" for line in lines)
    return shorts(read(Courier(settings), text.encode(), settings))


WHO = "user=bob@example.com, ip=[::ffff:192.0.2.7], port=[4711]"


@pytest.mark.parametrize("level", ["", "INFO: "])
@pytest.mark.parametrize(
    ("program", "text", "record"),
    [
        ("imapd", f"LOGOUT, {WHO}, headers=9, body=8, rcvd=45, sent=323, time=0", ("imap", 368)),
        ("imapd-ssl", f"DISCONNECTED, {WHO}, headers=9, body=8, rcvd=1, sent=2", ("imap", 3)),
        ("imapd", f"TIMEOUT, {WHO}, headers=9, body=8, rcvd=1, sent=2, starttls=1", ("imap", 3)),
        (
            "imapd",
            f"Disconnected during shutdown by signal, {WHO}, headers=0, body=0, rcvd=1, sent=2",
            ("imap", 3),
        ),
        ("pop3d", f"LOGOUT, {WHO}, top=0, retr=900, rcvd=24, sent=1200, time=1", ("pop3", 1224)),
        ("pop3d-ssl", f"I/O error disconnect, {WHO}, top=0, retr=9, rcvd=1, sent=2", ("pop3", 3)),
        ("pop3d", f"disc, {WHO}, top=0, retr=9, rcvd=1, sent=2, time=1, stls=1", ("pop3", 3)),
        (
            "pop3d",  # before 0.60
            "LOGOUT, user=bob@example.com, ip=[192.0.2.7], top=100, retr=900, time=1",
            ("pop3", 1000),
        ),
    ],
)
def test_sessions(level: str, program: str, text: str, record: tuple[str, int]) -> None:
    service, size = record
    assert charged(f"{program}: {level}{text}") == [(service, "example.com", size, "success", 1)]


@pytest.mark.parametrize(
    "line",
    [
        "imaplogin: LOGOUT, ip=[::ffff:192.0.2.7], rcvd=45, sent=323",
        "imapd: LOGOUT, ip=[::ffff:192.0.2.7], rcvd=45, sent=323",
        "imaplogin: Disconnected, ip=[::ffff:192.0.2.7], time=0",
        "imapd: LOGIN, user=bob@example.com, ip=[::ffff:192.0.2.7], port=[1], protocol=IMAP",
        "pop3d: LOGIN FAILED, user=bob@example.com, ip=[::ffff:192.0.2.7]",
    ],
)
def test_without_a_user_or_an_end_nothing_is_charged(line: str) -> None:
    assert charged(line) == []


def test_a_user_without_a_domain_is_all_of_it() -> None:
    assert charged("imapd: LOGOUT, user=bob, ip=[::1], rcvd=1, sent=2")[0][1] == "bob"


def test_session_bytes_out() -> None:
    settings = Settings(session_bytes="out")
    line = "imapd: LOGOUT, user=bob, ip=[::1], headers=0, body=0, rcvd=45, sent=323"
    assert charged(line, settings=settings)[0][2] == 323


def test_session_services() -> None:
    settings = Settings(session_services=frozenset({b"imap"}))
    assert charged(f"pop3d: LOGOUT, {WHO}, rcvd=1, sent=2", settings=settings) == []


ID = "0000000000423E4A.000000006560A1B2.00000D31"
NEW = f"courierd: newmsg,id={ID}: dns; mail (mail.sender.example [192.0.2.1])"


def started(module: str, recipient: str, host: str = "mx.example.net") -> str:
    sender = "a@sender.example"
    return (
        f"courierd: started,id={ID},from=<{sender}>,module={module},host={host},addr=<{recipient}>"
    )


def told(program: str, recipient: str, text: str) -> str:
    return f"{program}: id={ID},from=<a@sender.example>,addr=<{recipient}>{text}"


def test_a_local_delivery() -> None:
    lines = (
        started("local", "bob@example.com", "bob!!1000!1000!/home/b,b!!"),
        told("courierlocal", "bob@example.com", "{}"),
    )
    success = lines[1].replace("{}", ",size=1200,success: Message delivered.")
    assert charged(NEW, lines[0], success) == [(IN, "example.com", 1200, "success", 1)]


def test_the_same_success_told_again_is_one() -> None:
    lines = (
        started("esmtp", "x@example.net"),
        told("courieresmtp", "x@example.net", ": 250 ok"),
        told("courieresmtp", "x@example.net", ",size=1200,success: delivered: mx.example.net"),
        told("courieresmtp", "x@example.net", ",size=1200,status: success"),
    )
    one = [(OUT, "sender.example", 1200, "success", 1)]
    assert charged(NEW, *lines) == one
    assert charged(NEW, lines[0], lines[3]) == one
    assert charged(NEW, *lines, lines[0], lines[3]) == one * 2


def test_deferrals_and_failures() -> None:
    lines = (
        started("esmtp", "x@example.net"),
        told("courieresmtp", "x@example.net", ",status: deferred"),
        f"courierd: completed,id={ID}",
        started("esmtp", "x@example.net"),
        told("courieresmtp", "x@example.net", ",status: failure"),
    )
    assert charged(NEW, *lines) == [(OUT, "sender.example", 0, "failure", 2)]
    stored = told("courierlocal", "bob@example.com", ",size=1200,success: Message delivered.")
    assert charged(NEW, stored, *lines)[1] == (OUT, "sender.example", 1200, "failure", 2)


def test_hops() -> None:
    forwarded = told("courierlocal", "bob@example.com", ",size=1200,success: Message forwarded.")
    bounce = told("courierdsn", "a@sender.example", ",size=1200,success: delivered")
    assert charged(NEW, forwarded, bounce) == []


def test_a_relay_on_loopback() -> None:
    start = started("esmtp", "bob@example.com", "[127.0.0.1]")
    stored = told("courieresmtp", "bob@example.com", ",size=1200,success: 250 stored")
    onward = told("courieresmtp", "bob@example.com", ",size=1200,success: 250 queued as 9F9F9F")
    assert [record[0] for record in charged(NEW, start, stored)] == [IN]
    assert charged(NEW, start, onward) == []


@pytest.mark.parametrize(
    ("new", "way"),
    [
        (NEW, IN),
        (f"courierd: newmsg,id={ID}: dns; localhost (evil.example [192.0.2.1])", IN),
        (f"courierd: newmsg,id={ID}, auth=bob: dns; home (home.example [192.0.2.7])", OUT),
        (f"courierd: newmsg,id={ID}: dns; localhost (localhost [127.0.0.1])", OUT),
        (f"courierd: newmsg,id={ID}: dns; localhost (uid 33)", OUT),
        (f"courierd: newmsg,id={ID}", IN),
        (f"courierd: newmsg,id={ID}, auth=bob@example.com", OUT),
    ],
)
def test_origin_decides_what_a_filter_refused(new: str, way: str) -> None:
    start = started("esmtp", "bob@example.com", "127.0.0.1")
    refused = told("courieresmtp", "bob@example.com", ",status: failure")
    assert [record[0] for record in charged(new, start, refused)] == [way]


def test_the_null_sender_and_a_bare_user_are_the_hosts() -> None:
    bounce = told("courieresmtp", "x@example.net", ",size=9,success: ok").replace(
        "a@sender.example", ""
    )
    local = told("courierlocal", "bob", ",size=9,success: Message delivered.")
    path = told("courierlocal", r'"\"/var/mail/bob\""', ",size=9,success: Message delivered.")
    assert [record[1] for record in charged(NEW, bounce, local, path)] == ["mx"] * 3
