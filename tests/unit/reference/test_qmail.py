"""FORMATS 8: qmail's relatives, in all their stamps."""

from __future__ import annotations

import pytest

from tests.reference.qmail import Qmail
from tests.unit.reference.reading import IN, OUT, Short, at, read, shorts

MAIL = (
    "new msg 53",
    "info msg 53: bytes 1024 from <a@one.example> qp 20345 uid 501",
    "starting delivery 1: msg 53 to remote x@out.example",
    "delivery 1: success: 192.0.2.25_accepted_message./Remote_host_said:_250_ok/",
    "end msg 53",
)
STAMP = "@40000000690f0a5805f5e100 "


def charged(*sentences: str, stamp: str = STAMP) -> list[Short]:
    text = "\n".join(stamp + sentence for sentence in sentences)
    return shorts(read(Qmail(), text.encode()))


NINE = at("2026-11-08 09:01:02")


@pytest.mark.parametrize(
    "stamp",
    [
        f"@{2**62 + 10 + NINE:016x}05f5e100 ",
        "2026-11-08 09:01:02.123456789 ",
        "2026-11-08_09:01:02.12345 ",
        "1794128462.123456 ",
        "Nov  8 09:05:00 mail.example.com qmail: 1794128462.123456 ",
        "2026-11-08T09:05:00+00:00 mail.example.com qmail[7]: 1794128462.123456 ",
        "<22>1 2026-11-08T09:05:00Z mail.example.com qmail - - -  1794128462.123456 ",
    ],
)
def test_the_whole_family_of_stamps(stamp: str) -> None:
    (record,) = read(Qmail(), "\n".join(stamp + one for one in MAIL).encode()).records
    assert (record.time, record.host) == (NINE, "mail.example.com")
    assert (record.domain, record.size) == ("one.example", 1024)


def test_deferrals_and_failure() -> None:
    later = ("starting delivery 2: msg 53 to remote x@out.example", "delivery 2: deferral: no/")
    mangled = (later[0], "delivery 2: report mangled, will defer")
    failed = (MAIL[2], "delivery 1: failure: no/")
    assert charged(*MAIL[:2], *later, *mangled, *failed) == [
        (OUT, "one.example", 1024, "failure", 3)
    ]


def test_a_local_delivery() -> None:
    assert charged(*MAIL[:2], "starting delivery 1: msg 53 to local b-x@two.example", MAIL[3]) == [
        (IN, "two.example", 1024, "success", 1)
    ]


def test_indimail_has_several_queues_with_numbers_of_their_own() -> None:
    first = [f"{sentence} queue1" for sentence in MAIL]
    second = [
        sentence.replace("queue1", "queue2").replace("one.example", "two.example")
        for sentence in first
    ]
    mixed = [one for pair in zip(first, second, strict=True) for one in pair]
    assert [record[1] for record in charged(*mixed)] == ["one.example", "two.example"]
    dotted = [one.replace("delivery 1", "delivery 1.2") for one in first]
    assert [record[1] for record in charged(*dotted)] == ["one.example"]


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("", "mail.example.com"),
        ("#@[]", "mail.example.com"),
        ("list-return-12-@lists.example-@[]", "lists.example"),
        ("a@[192.0.2.1]", "mail.example.com"),
    ],
)
def test_senders(sender: str, domain: str) -> None:
    lines = [sentence.replace("a@one.example", sender) for sentence in MAIL]
    assert [record[1] for record in charged(*lines)] == [domain]


def test_an_address_without_a_domain_stays_malformed() -> None:
    lines = [STAMP + sentence.replace("a@one.example", "root") for sentence in MAIL]
    assert read(Qmail(), "\n".join(lines).encode()).rejects == [(3, "bad-domain")]


def test_a_delivery_that_was_not_read_is_told() -> None:
    assert read(Qmail(), (STAMP + MAIL[3]).encode()).rejects == [(0, "unknown-delivery")]


def test_other_lines_are_passed() -> None:
    text = "\n".join(
        STAMP + sentence
        for sentence in (
            "status: local 0/10 remote 1/20",
            "bounce msg 53 qp 20346",
            "simscan:[7]:CLEAN (-1.20/12.00):1.2s:subject:192.0.2.1:a@x:b@y",
            "tcpserver: end 4711 status 0",
        )
    )
    assert read(Qmail(), text.encode()).passed == 4


def rejected(*sentences: str) -> list[tuple[int, str]]:
    return read(Qmail(), "\n".join(STAMP + one for one in sentences).encode()).rejects


def test_a_delivery_that_ends_after_its_message_is_told() -> None:
    assert rejected(*MAIL[:3], MAIL[4], MAIL[3]) == [(4, "unknown-delivery")]
    again = (MAIL[0], MAIL[1].replace("1024", "77"))
    assert rejected(*MAIL[:3], MAIL[4], *again, MAIL[3]) == [(6, "unknown-delivery")]


def test_a_delivery_of_an_unknown_message_takes_the_number_of_a_known_one() -> None:
    unknown = "starting delivery 1: msg 99 to remote x@out.example"
    assert rejected(*MAIL[:3], unknown, MAIL[3]) == [(4, "unknown-delivery")]
