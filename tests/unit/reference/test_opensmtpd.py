"""FORMATS 10: OpenSMTPD's lines and what they are charged."""

from __future__ import annotations

import pytest

from tests.reference.opensmtpd import Opensmtpd
from tests.reference.settings import Settings
from tests.unit.reference.reading import IN, OUT, Short, read, shorts

DEFAULTS = Settings()
S = "7f3c1a2b9d0e4f56"
RECEIVED = (
    f"{S} smtp connected address=192.0.2.1 host=mail.sender.example",
    f"{S} smtp message msgid=1a2b3c4d size=1200 nrcpt=1 proto=ESMTP",
    f"{S} smtp envelope evpid=1a2b3c4d5e6f7081 from=<a@sender.example> to=<bob@example.com>",
)
ENVELOPE = "evpid=1a2b3c4d5e6f7081 from=<a@sender.example>"


def mda(to: str = "to=<bob@example.com>", result: str = "Ok", stat: str = "Delivered") -> str:
    return f"{S} mda delivery {ENVELOPE} {to} user=vmail delay=1s result={result} stat={stat}"


def mta(
    result: str = "Ok",
    relay: str = "192.0.2.25 (mx.example.net)",
    stat: str = "250 2.0.0 ok",
    rcpt: str = "-",
) -> str:
    return (
        f'{S} mta delivery {ENVELOPE} to=<x@example.net> rcpt=<{rcpt}> source="198.51.100.1"'
        f' relay="{relay}" delay=1s result="{result}" stat="{stat}"'
    )


def charged(*bodies: str, settings: Settings = DEFAULTS) -> list[Short]:
    text = "\n".join(f"Nov  8 09:01:02 mx smtpd[123]: {body}" for body in bodies)
    return shorts(read(Opensmtpd(settings), text.encode(), settings))


def test_a_delivery_into_a_store() -> None:
    assert charged(*RECEIVED, mda()) == [(IN, "example.com", 1200, "success", 1)]


def test_the_recipient_as_addressed_is_charged() -> None:
    line = mda("to=<bob@example.com> rcpt=<info@customer.example>")
    assert charged(*RECEIVED, line)[0][1] == "customer.example"
    mailbox = Settings(charge_in="mailbox")
    assert charged(*RECEIVED, line, settings=mailbox)[0][1] == "example.com"


def test_a_delivery_to_elsewhere_after_deferrals() -> None:
    assert charged(*RECEIVED, mta("TempFail"), mta("TempFail"), mta()) == [
        (OUT, "sender.example", 1200, "success", 3)
    ]


def test_a_relay_that_was_not_reached_is_elsewhere() -> None:
    failed = mta("PermFail", relay="[relay:example.net, no route]", stat="no valid route")
    assert charged(*RECEIVED, failed)[0][:1] == (OUT,)


def test_failure() -> None:
    assert charged(*RECEIVED, mta("TempFail"), mta("PermFail"))[0][3:] == ("failure", 2)


def expire(who: str = "relay", sender: str = "a@sender.example") -> str:
    return (
        f"{who}: Expire for 1a2b3c4d5e6f7081: from=<{sender}>, to=<x@example.net>, rcpt=<->,"
        " delay=4d0s, stat=Envelope expired"
    )


def test_expiry_is_the_queues_word_and_adds_no_attempt() -> None:
    assert charged(*RECEIVED, mta("TempFail"), mta("TempFail"), expire()) == [
        (OUT, "sender.example", 1200, "expired", 2)
    ]
    assert charged(*RECEIVED, mda(result="TempFail"), expire("delivery"))[0][0] == IN


def test_the_null_sender_is_the_host() -> None:
    bounce = mta().replace("a@sender.example", "@")
    assert charged(*RECEIVED, bounce)[0][1] == "mx"
    assert charged(*RECEIVED, expire(sender="@"))[0][1] == "mx"


def test_expanded_envelopes_have_the_messages_size() -> None:
    other = mda().replace("5e6f7081", "00000001")
    assert charged(*RECEIVED, mda(), other) == [(IN, "example.com", 1200, "success", 1)] * 2


def test_a_relay_on_loopback_is_no_foreign_host() -> None:
    assert charged(*RECEIVED, mta(relay="127.0.0.1 (localhost)"))[0][0] == IN
    onward = mta(relay="127.0.0.1 (localhost)", stat="250 2.0.0 Ok: queued as 9F9F9F9F")
    assert charged(*RECEIVED, onward) == []


@pytest.mark.parametrize(
    ("arrival", "way"),
    [
        (RECEIVED, IN),
        ((RECEIVED[0].replace("192.0.2.1", "local"), *RECEIVED[1:]), OUT),
        ((RECEIVED[0], f"{S} smtp authentication user=ann result=ok", *RECEIVED[1:]), OUT),
        ((RECEIVED[0], f"{S} smtp authentication user=ann result=permfail", *RECEIVED[1:]), IN),
    ],
)
def test_origin_decides_what_a_filter_refused(arrival: tuple[str, ...], way: str) -> None:
    assert charged(*arrival, mta("PermFail", relay="127.0.0.1 (localhost)"))[0][0] == way


def test_a_message_that_was_not_read_is_told() -> None:
    reading = read(Opensmtpd(DEFAULTS), f"Nov  8 09:01:02 mx smtpd[1]: {mda()}".encode())
    assert reading.rejects == [(0, "unknown-delivery")]


def test_other_lines_are_passed() -> None:
    assert charged(f"{S} smtp disconnected reason=quit", "info: OpenSMTPD 7.4.0 starting") == []


def test_charge_out_login() -> None:
    login = f"{S} smtp authentication user=ann@login.example result=ok"
    lines = (RECEIVED[0], login, *RECEIVED[1:], mta())
    assert charged(*lines)[0][1] == "sender.example"
    assert charged(*lines, settings=Settings(charge_out="login"))[0][1] == "login.example"
