"""FORMATS 16: each policy, both ways, on Postfix's lines."""

from __future__ import annotations

from tests.reference.postfix import Postfix
from tests.reference.settings import LIST_SENDERS, Settings
from tests.unit.reference.postfix_lines import ARRIVED, PICKED_UP, SUBMITTED, line, of
from tests.unit.reference.reading import IN, OUT, Short, read, shorts

FOREIGN = "mx.example.net[192.0.2.25]:25"
SENT_OUT = of("smtp", "to=<x@example.net>", FOREIGN)
STORED = of("virtual", "to=<bob@example.com>", "virtual")
ALIASED_OUT = of("smtp", "to=<x@example.net>, orig_to=<info@customer.example>", FOREIGN)
EXPIRED = line("qmgr", "4D2F1A0C5E: from=<a@sender.example>, status=expired, returned to sender")


def charged(text: str, settings: Settings) -> list[Short]:
    return shorts(read(Postfix(settings), text.encode(), settings))


def domains(text: str, settings: Settings) -> list[str]:
    return [record[1] for record in charged(text, settings)]


def test_charge_out_sender() -> None:
    assert domains(SUBMITTED + SENT_OUT, Settings()) == ["sender.example"]


def test_charge_out_login() -> None:
    settings = Settings(charge_out="login")
    assert domains(SUBMITTED + SENT_OUT, settings) == ["login.example"]
    bare = SUBMITTED.replace("ann@login.example", "ann")
    assert domains(bare + SENT_OUT, settings) == ["sender.example"]
    assert domains(ARRIVED + SENT_OUT, settings) == ["sender.example"]


ALIASED_IN = of("virtual", "to=<bob@example.com>, orig_to=<info@customer.example>", "virtual")


def test_charge_in_addressed() -> None:
    assert domains(ARRIVED + ALIASED_IN, Settings()) == ["customer.example"]


def test_charge_in_mailbox() -> None:
    assert domains(ARRIVED + ALIASED_IN, Settings(charge_in="mailbox")) == ["example.com"]


def test_forwarded_sender() -> None:
    assert domains(ARRIVED + ALIASED_OUT, Settings()) == ["sender.example"]


def test_forwarded_alias() -> None:
    settings = Settings(forwarded="alias")
    assert domains(ARRIVED + ALIASED_OUT, settings) == ["customer.example"]
    same = ALIASED_OUT.replace("customer.example", "example.net")
    assert domains(ARRIVED + same, settings) == ["sender.example"]


def test_forwarded_with_a_hosted_list_is_alias_where_the_sender_is_not_hosted() -> None:
    ours = Settings(hosted=frozenset({"customer.example"}))
    assert domains(ARRIVED + ALIASED_OUT, ours) == ["customer.example"]
    both = Settings(hosted=frozenset({"customer.example", "example"}))
    assert domains(ARRIVED + ALIASED_OUT, both) == ["sender.example"]
    neither = Settings(hosted=frozenset({"other.example"}))
    assert domains(ARRIVED + ALIASED_OUT, neither) == ["sender.example"]


def test_charge_local_senders_false() -> None:
    assert charged(SUBMITTED + STORED, Settings()) == [(IN, "example.com", 1200, "success", 1)]


def test_charge_local_senders_true() -> None:
    settings = Settings(charge_local_senders=True)
    both = [(IN, "example.com", 1200, "success", 1), (OUT, "sender.example", 1200, "success", 1)]
    assert charged(SUBMITTED + STORED, settings) == both
    assert charged(PICKED_UP + STORED, settings) == both
    assert charged(ARRIVED + STORED, settings) == both[:1]


THREE = STORED + STORED.replace("bob", "ann") + SENT_OUT


def test_count_recipients() -> None:
    assert [record[0] for record in charged(ARRIVED + THREE, Settings())] == [IN, IN, OUT]


def test_count_messages_the_size_once_per_message_and_direction() -> None:
    settings = Settings(count="messages")
    assert [record[0] for record in charged(ARRIVED + THREE, settings)] == [IN, OUT]


CLUSTER = of("smtp", "to=<bob@example.com>", "store1[10.0.0.7]:25", said="250 stored")
ONWARD = of("smtp", "to=<bob@example.com>", "store1[10.0.0.7]:25", said="250 Ok: queued as 7F7F7F")


def test_inside_loopback_only() -> None:
    assert [record[0] for record in charged(ARRIVED + CLUSTER + ONWARD, Settings())] == [OUT, OUT]


def test_inside_names_addresses_and_networks() -> None:
    for entry in ("store1", "STORE1", "10.0.0.7", "10.0.0.0/24"):
        settings = Settings(inside=(entry,))
        assert [record[0] for record in charged(ARRIVED + CLUSTER + ONWARD, settings)] == [IN]


def test_pipe_hops() -> None:
    for service, records in (("vacation", 0), ("dovecot", 1), ("myfilter", 1)):
        assert (
            len(charged(ARRIVED + of("pipe", "to=<b@c.example>", service), Settings())) == records
        )
    settings = Settings(pipe_hops=frozenset({b"myfilter"}))
    assert charged(ARRIVED + of("pipe", "to=<b@c.example>", "myfilter"), settings) == []
    assert len(charged(ARRIVED + of("pipe", "to=<b@c.example>", "vacation"), settings)) == 1


def test_uncharged_recipients() -> None:
    archived = of("virtual", "to=<Archive@isp.example>", "virtual")
    assert domains(ARRIVED + archived, Settings()) == ["isp.example"]
    settings = Settings(uncharged_recipients=frozenset({b"archive@isp.example"}))
    assert domains(ARRIVED + archived + STORED, settings) == ["example.com"]


UNCONNECTED = of("smtp", "to=<x@example.net>", "none", status="deferred")
CONNECTED = of("smtp", "to=<x@example.net>", FOREIGN, status="deferred")


def test_attempts_every_deferral() -> None:
    text = ARRIVED + UNCONNECTED + CONNECTED + SENT_OUT
    assert charged(text, Settings())[0][4] == 3


def test_attempts_connected() -> None:
    text = ARRIVED + UNCONNECTED + CONNECTED + SENT_OUT
    assert charged(text, Settings(attempts="connected"))[0][4] == 2


FROM_A_LIST = ARRIVED.replace("a@sender.example", "News-Bounces+bob=x@lists.example")


def test_list_senders_none() -> None:
    assert [record[0] for record in charged(FROM_A_LIST + SENT_OUT, Settings())] == [OUT]


def test_list_senders_are_maillist_when_out_and_stay_smtp_in() -> None:
    settings = Settings(list_senders=LIST_SENDERS)
    assert [record[:2] for record in charged(FROM_A_LIST + SENT_OUT + STORED, settings)] == [
        ("maillist", "lists.example"),
        (IN, "example.com"),
    ]
    assert [record[0] for record in charged(ARRIVED + SENT_OUT, settings)] == [OUT]


FAILED = of("smtp", "to=<x@example.net>", "none", status="bounced")


def test_unsent_size() -> None:
    for text in (FAILED, UNCONNECTED + EXPIRED):
        assert [record[2] for record in charged(ARRIVED + text, Settings())] == [1200]


def test_unsent_zero_where_no_connection_was_made() -> None:
    settings = Settings(unsent="zero")
    for text in (FAILED, UNCONNECTED + EXPIRED):
        assert [record[2] for record in charged(ARRIVED + text, settings)] == [0]
    for text in (CONNECTED + EXPIRED, CONNECTED + FAILED, SENT_OUT):
        assert [record[2] for record in charged(ARRIVED + text, settings)] == [1200]
