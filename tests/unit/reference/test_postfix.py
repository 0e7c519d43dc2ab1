"""FORMATS 3: Postfix's lines and what they are charged."""

from __future__ import annotations

import pytest

from tests.reference.postfix import Postfix
from tests.reference.settings import Settings
from tests.unit.reference import postfix_lines as lines
from tests.unit.reference.postfix_lines import ARRIVED, of
from tests.unit.reference.reading import IN, OUT, read, short, shorts

DEFAULTS = Settings()
FOREIGN = "mx.example.net[192.0.2.25]:25"


def charged(text: str, settings: Settings = DEFAULTS) -> list[tuple[str, str, int, str, int]]:
    return shorts(read(Postfix(settings), text.encode(), settings))


def rejected(text: str) -> list[str]:
    reading = read(Postfix(DEFAULTS), text.encode())
    assert reading.records == []
    return [reason for _, reason in reading.rejects]


def test_a_delivery_into_a_store() -> None:
    text = ARRIVED + of("lmtp", "to=<bob@example.com>", "mx[private/dovecot-lmtp]")
    assert charged(text) == [(IN, "example.com", 1200, "success", 1)]


def test_a_delivery_to_elsewhere() -> None:
    text = ARRIVED + of("smtp", "to=<x@example.net>", FOREIGN, said="250 2.0.0 Ok: queued as 9F")
    assert charged(text) == [(OUT, "sender.example", 1200, "success", 1)]


def test_the_time_is_that_of_the_line_that_ends_it() -> None:
    text = ARRIVED + of("virtual", "to=<bob@example.com>", "virtual", at="09:30:00")
    (record,) = read(Postfix(DEFAULTS), text.encode()).records
    assert record.time % 86_400 == 9 * 3600 + 30 * 60
    assert record.host == "mx"


@pytest.mark.parametrize("arguments", lines.ARGUMENTS)
def test_fields_between_relay_and_status_of_all_versions(arguments: str) -> None:
    line = lines.line(
        "virtual",
        f"4D2F1A0C5E: to=<bob@example.com>, relay=virtual, {arguments}status=sent (delivered)",
    )
    assert charged(ARRIVED + line) == [(IN, "example.com", 1200, "success", 1)]


@pytest.mark.parametrize(
    "name", ["4D2F1A", "4D2F1A0C5E1234", "4jcBYc59RRzLCk8", "3yqTbt2Zq8zz1F", "4jcBYc59RRz1"]
)
def test_short_and_long_queue_ids(name: str) -> None:
    text = ARRIVED + of("virtual", "to=<bob@example.com>", "virtual")
    assert len(charged(text.replace("4D2F1A0C5E", name))) == 1


@pytest.mark.parametrize("name", ["NOQUEUE", "4D2F1", "4d2f1a", "warning", "4jcAYc59RRzLCk8"])
def test_what_is_no_queue_id_is_passed(name: str) -> None:
    text = ARRIVED + of("virtual", "to=<bob@example.com>", "virtual")
    assert charged(text.replace("4D2F1A0C5E", name)) == []


@pytest.mark.parametrize(
    "program", ["postfix-in/{}", "postfix/submission/{}", "postfix/10025/{}", "mail-25/{}"]
)
def test_the_daemon_is_what_follows_the_last_slash(program: str) -> None:
    text = (
        lines.line("smtpd", "4D2F1A0C5E: client=x[192.0.2.1]", program=program)
        + lines.line("qmgr", lines.SIZE)
        + lines.line("virtual", lines.SENT, program=program)
    )
    assert charged(text) == [(IN, "example.com", 1200, "success", 1)]


@pytest.mark.parametrize(
    ("recipient", "domain"),
    [
        ('<"john doe"@example.com>', "example.com"),
        ('<"a>b, relay=z"@example.com>', "example.com"),
        (r'<"a\">, relay=z"@example.com>', "example.com"),
        ("<john doe@example.com>", "example.com"),
        ("<a>b@example.com>", "example.com"),
        ("<bob@EXAMPLE.com.>", "example.com"),
        ("<b\u00fcro@b\u00fccher.example>", "xn--bcher-kva.example"),
        ("<bob@[192.0.2.9]>", "mx"),
        ("<root>", "mx"),
        ("<bob@example.com>, orig_to=<info@customer.example>", "customer.example"),
        ("<bob@example.com>, orig_to=<root>", "example.com"),
        ('<bob@example.com>, orig_to=<"a>b, relay=none, x"@c.example>', "c.example"),
    ],
)
def test_addresses(recipient: str, domain: str) -> None:
    text = ARRIVED + of("virtual", f"to={recipient}", "virtual")
    assert charged(text) == [(IN, domain, 1200, "success", 1)]


def test_a_domain_that_is_none_is_malformed() -> None:
    text = ARRIVED + of("virtual", "to=<bob@exa mple>", "virtual")
    assert rejected(text) == ["bad-domain"]


@pytest.mark.parametrize("cut", [40, 60, 80, 100, 120])
def test_a_cut_line_is_bad_event(cut: int) -> None:
    line = of("virtual", "to=<bob@example.com>, orig_to=<info@customer.example>", "virtual")
    assert rejected(ARRIVED + line[: len("Nov  8 09:01:02 mx ") + cut]) == ["bad-event"]


def test_deferrals_are_attempts() -> None:
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred", said="450 later")
    final = of("smtp", "to=<x@example.net>", FOREIGN, said="250 ok")
    text = ARRIVED + again + again.replace("deferred", "SOFTBOUNCE") + final
    assert charged(text) == [(OUT, "sender.example", 1200, "success", 3)]


def test_a_bounce_is_a_failure_and_an_attempt() -> None:
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred", said="450 later")
    final = of("smtp", "to=<x@example.net>", FOREIGN, status="bounced", said="550 no")
    assert charged(ARRIVED + again + final) == [(OUT, "sender.example", 1200, "failure", 2)]


@pytest.mark.parametrize("word", ["expired", "force-expired"])
def test_expiry_fails_every_recipient_still_deferred_and_adds_no_attempt(word: str) -> None:
    text = (
        ARRIVED
        + of("virtual", "to=<bob@example.com>", "virtual")
        + of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
        + of("smtp", "to=<y@example.net>", "none", status="deferred") * 2
        + lines.line("qmgr", f"4D2F1A0C5E: from=<a@sender.example>, status={word}, returned to")
        + lines.line("qmgr", "4D2F1A0C5E: removed")
    )
    assert charged(text) == [
        (IN, "example.com", 1200, "success", 1),
        (OUT, "sender.example", 1200, "expired", 1),
        (OUT, "sender.example", 1200, "expired", 2),
    ]


def test_an_expiry_of_what_was_not_read_is_told() -> None:
    line = lines.line("qmgr", "4D2F1A0C5E: from=<a@b.example>, status=expired, returned to sender")
    assert rejected(line) == ["unknown-delivery"]


@pytest.mark.parametrize("status", ["deliverable", "undeliverable", "undeliverable-but-not-cached"])
def test_probes_are_no_mail(status: str) -> None:
    assert charged(ARRIVED + of("smtp", "to=<x@example.net>", FOREIGN, status=status)) == []


def test_a_message_that_was_requeued_is_the_same_under_a_new_id() -> None:
    again = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
    requeued = (
        lines.line("pickup", "7A7A7A7A7A: uid=0 from=<a@sender.example> orig_id=4D2F1A0C5E")
        + lines.line("cleanup", "7A7A7A7A7A: message-id=<1@sender.example>")
        + lines.line("qmgr", lines.SIZE.replace("4D2F1A0C5E", "7A7A7A7A7A"))
    )
    final = of("smtp", "to=<x@example.net>", FOREIGN).replace("4D2F1A0C5E", "7A7A7A7A7A")
    assert charged(ARRIVED + again + requeued + final) == [
        (OUT, "sender.example", 1200, "success", 2)
    ]


def test_texts_that_quote_hostile_headers_are_passed() -> None:
    text = ARRIVED + lines.line(
        "cleanup",
        "4D2F1A0C5E: warning: header Subject: to=<x@y.example>, relay=virtual, status=sent (ok)",
    )
    assert charged(text) == []


def test_only_the_agents_of_mail_are_believed() -> None:
    assert charged(ARRIVED + lines.line("smtpd", lines.SENT)) == []
    assert charged(ARRIVED + lines.line("postscreen", lines.SENT)) == []


@pytest.mark.parametrize(
    ("agent", "relay", "said", "way"),
    [
        ("local", "local", "delivered to maildir", IN),
        ("local", "local", "forwarded as 9F9F9F9F", None),
        ("local", "local", 'delivered to command: echo "forwarded as 9F9F9F9F"', IN),
        ("virtual", "virtual", "delivered to maildir", IN),
        ("lmtp", "mx[private/dovecot-lmtp]", "250 2.0.0 <bob@example.com> Xy12 Saved", IN),
        ("lmtp", "10.0.0.9[10.0.0.9]:24", "250 2.0.0 <bob@example.com> Xy12 Saved", IN),
        ("lmtp", "127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok: queued as 9F9F9F9F", None),
        ("pipe", "dovecot", "delivered via dovecot service", IN),
        ("pipe", "mailman", "delivered via mailman service", IN),
        ("pipe", "spamassassin", "delivered via spamassassin service", None),
        ("smtp", "127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok: queued as 9F9F9F9F", None),
        ("smtp", "filter[::1]:10024", "250 OK id=1vHd3O-0000000Abcd-0001", None),
        ("smtp", "localhost[127.0.0.1]:26", "250 2.0.0 uA1b2C Message accepted for del", IN),
        ("smtp", "localhost[127.0.0.1]:26", "uA1b2C Message accepted for delivery", None),
        ("smtp", "store[127.0.0.1]:2525", "250 stored", IN),
        ("smtp", FOREIGN, "250 2.0.0 Ok: queued as 9F9F9F9F", OUT),
    ],
)
def test_where_what_was_sent_goes(agent: str, relay: str, said: str, way: str | None) -> None:
    records = charged(ARRIVED + of(agent, "to=<bob@example.com>", relay, said=said))
    assert [record[0] for record in records] == ([way] if way else [])


@pytest.mark.parametrize(
    ("agent", "relay", "ways"),
    [
        ("local", "local", (IN, IN)),
        ("lmtp", "mx[private/dovecot-lmtp]", (IN, IN)),
        ("pipe", "dovecot", (IN, IN)),
        ("smtp", FOREIGN, (OUT, OUT)),
        ("smtp", "none", (OUT, OUT)),
        # A filter's refusal, and what speaks of no next host: by the message's origin.
        ("smtp", "127.0.0.1[127.0.0.1]:10024", (IN, OUT)),
        ("pipe", "filter", (IN, OUT)),
        ("bounce", "none", (IN, OUT)),
        ("cleanup", "none", (IN, OUT)),
        ("error", "none", (IN, OUT)),
    ],
)
def test_where_what_bounced_goes(agent: str, relay: str, ways: tuple[str, str]) -> None:
    bounced = of(agent, "to=<bob@example.com>", relay, status="bounced", said="no")
    found = [charged(arrival + bounced)[0][0] for arrival in (ARRIVED, lines.SUBMITTED)]
    assert tuple(found) == ways


def test_error_speaks_in_place_of_the_agent_of_the_earlier_deferral() -> None:
    deferred = of("lmtp", "to=<bob@example.com>", "mx[private/x]", status="deferred")
    bounced = of("error", "to=<bob@example.com>", "none", status="bounced")
    assert charged(lines.SUBMITTED + deferred + bounced) == [
        (IN, "example.com", 1200, "failure", 2)
    ]


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("delivery temporarily suspended: connect to mx[private/lmtp]: No such file", IN),
        ("delivery temporarily suspended: connect to mx.example.net[192.0.2.25]:25: no", OUT),
    ],
)
def test_error_without_an_earlier_deferral_by_its_text(said: str, way: str) -> None:
    deferred = of("error", "to=<bob@example.com>", "none", status="deferred", said=said)
    expired = lines.line("qmgr", "4D2F1A0C5E: from=<a@sender.example>, status=expired, x")
    for arrival in (ARRIVED, lines.SUBMITTED):
        assert charged(arrival + deferred + expired)[0][:1] == (way,)


@pytest.mark.parametrize(
    ("arrival", "way"), [(ARRIVED, IN), (lines.SUBMITTED, OUT), (lines.PICKED_UP, OUT)]
)
def test_discard_throws_away_by_origin(arrival: str, way: str) -> None:
    text = arrival + of("discard", "to=<bob@example.com>", "none", said="throw it away")
    assert [record[0::3] for record in charged(text)] == [(way, "discarded")]


def test_a_filter_that_threw_the_message_away_discarded_it() -> None:
    said = "250 2.7.0 Ok, discarded, id=00001-01 - INFECTED: Eicar"
    here = of("smtp", "to=<bob@example.com>", "127.0.0.1[127.0.0.1]:10024", said=said)
    there = of("smtp", "to=<x@example.net>", FOREIGN, said=said)
    assert [short[3] for short in charged(ARRIVED + here + there)] == ["discarded", "success"]


def test_a_delivery_of_unknown_size_or_sender_is_told() -> None:
    assert rejected(of("virtual", "to=<bob@example.com>", "virtual")) == ["unknown-delivery"]


def test_queue_ids_are_per_host() -> None:
    other = of("virtual", "to=<bob@example.com>", "virtual").replace(" mx ", " mx2 ")
    assert rejected(ARRIVED + other) == ["unknown-delivery"]


def test_repeated_deferrals_are_attempts() -> None:
    text = (
        ARRIVED
        + of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")
        + "Nov  8 09:02:00 mx last message repeated 2 times\n"
        + of("smtp", "to=<x@example.net>", FOREIGN)
    )
    assert charged(text) == [(OUT, "sender.example", 1200, "success", 4)]


def test_a_line_may_end_good_and_bad_records() -> None:
    text = (
        ARRIVED
        + of("lmtp", "to=<bob@example.com>", "x[private/y]", status="deferred")
        + of("lmtp", "to=<bob@exa mple>", "x[private/y]", status="deferred")
        + lines.line("qmgr", "4D2F1A0C5E: from=<a@sender.example>, status=expired, returned")
    )
    reading = read(Postfix(DEFAULTS), text.encode())
    assert [short(record)[3] for record in reading.records] == ["expired"]
    assert [reason for _, reason in reading.rejects] == ["bad-domain"]
    assert (reading.ended, reading.malformed) == (1, 0)


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ("to=<bob@example.com>, relay=local, delay=1, status=sent (ok)", IN),
        ("to=<bob@example.com>, relay=virtual, delay=1, status=sent (ok)", IN),
        ("to=<bob@example.com>, relay=mx[/run/lmtp], delay=1, status=sent (ok)", IN),
        ("to=<b@example.com>, relay=s[192.0.2.4]:24, delay=1, status=sent (<b@c> Xy Saved)", IN),
        (f"to=<b@example.com>, relay={FOREIGN}, delay=1, status=sent (ok)", OUT),
        ("to=<b@example.com>, relay=dovecot, delay=1, status=sent (ok)", IN),
        ("to=<b@example.com>, relay=none, delay=1, status=sent (thrown away)", IN),
        ("to=<b@example.com>, relay=none, delay=1, status=bounced (connect to x)", OUT),
        ("to=<b@example.com>, relay=none, delay=1, status=bounced (x: name not found)", OUT),
        ("to=<b@example.com>, relay=none, delay=1, status=bounced (unknown)", IN),
    ],
)
def test_when_the_daemons_name_is_lost_the_text_tells(body: str, way: str) -> None:
    text = (
        lines.line("", "4D2F1A0C5E: client=x[192.0.2.1]", program="postfix")
        + lines.line("", "4D2F1A0C5E: message-id=<1@sender.example>", program="postfix")
        + lines.line("", lines.SIZE, program="postfix")
        + lines.line("", f"4D2F1A0C5E: {body}", program="postfix")
        + lines.line("", "4D2F1A0C5E: removed", program="postfix")
    )
    assert [record[0] for record in charged(text)] == [way]
