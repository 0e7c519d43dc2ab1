"""RULES sections 2 and 3: the service of a record, and the domain charged."""

from __future__ import annotations

import pytest

from mailtally_collector.formats import StatsParser
from tests.support.parsed_records import records_of

PARSER = StatsParser()


def outcome(kind: str, sender: str, recipient: str, host: str = "mail.example.com") -> str:
    """``service domain``, or the reason."""
    line = f"Jun 20 18:20:14 {host} {kind}[1]: 1119280814|{sender}|{recipient}|69|success\n"
    parsed = PARSER.parse(line.encode("utf-8", "surrogateescape"))
    for label in parsed.rejects.labels():
        return label
    (record,) = records_of(parsed)
    return f"{record.service.label} {record.domain}"


@pytest.mark.parametrize(
    ("sender", "recipient", "expected"),
    [
        ("imap@bob@example.com", "", "imap example.com"),
        ("pop3@bob@example.com", "", "pop3 example.com"),
        ("", "pop3@bob@example.com", "pop3 example.com"),
        ("x@example.net", "imap@bob@example.com", "imap example.com"),
        ("imap@a@b@example.com", "", "imap example.com"),
        ("imap@bob", "", "imap bob"),
        ("imap@bob", "bob", "imap bob"),
        ("imap@bob", "imap@bob", "imap bob"),
        ("", "pop3@bob", "pop3 bob"),
        ("imap@a@example.com", "pop3@b@example.org", "imap example.com"),
        ("x@example.net", "imap@example.com", "smtp-in example.com"),
        ("imap@example.com", "x@example.net", "smtp-in example.net"),
        ("imap@bob", "pop3@bob", "smtp-in bob"),
        ("IMAP@bob@example.com", "x@example.net", "smtp-in example.net"),
        ("imap@bob", "<>", "bad-domain"),
        ("imap@", "", "bad-domain"),
        ("imap@bob@", "", "bad-domain"),
        ("imap@bob@[192.0.2.1]", "", "imap mail.example.com"),
    ],
)
def test_mailbox_traffic(sender: str, recipient: str, expected: str) -> None:
    assert outcome("in", sender, recipient) == expected


def test_a_person_whose_address_is_imap_stays_a_correspondent() -> None:
    assert outcome("out", "imap@example.com", "bob@example.net") == "smtp-out example.com"


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("web@maillist@example.com", "maillist example.com"),
        ("web@maillist-news@example.com", "maillist example.com"),
        ("web@maillist.example.com", "maillist example.com"),
        ("web@maillist-example.com", "maillist example.com"),
        ("web@maillistexample.com", "maillist example.com"),
        ("a.web@maillist.example.com", "maillist example.com"),
        ('"web@maillist"@example.com', "maillist example.com"),
        ("web@maillist", "maillist example.net"),
        ("web@maillist-news", "maillist example.net"),
        ("web@maillist@", "maillist example.net"),
        ("web@maillist@[192.0.2.1]", "maillist mail.example.com"),
        ("web@web@maillist@example.com", "maillist example.com"),
        ("WEB@maillist@example.com", "smtp-out example.com"),
        ("web@maillis", "smtp-out maillis"),
    ],
)
def test_web_mailing_lists(sender: str, expected: str) -> None:
    assert outcome("out", sender, "bob@example.net") == expected


def test_a_mailbox_comes_before_a_mailing_list() -> None:
    assert outcome("out", "imap@web@maillist@example.com", "") == "imap example.com"


def test_incoming_mail_is_charged_to_the_recipient_outgoing_to_the_sender() -> None:
    assert outcome("in", "a@example.net", "b@example.com") == "smtp-in example.com"
    assert outcome("out", "a@example.net", "b@example.com") == "smtp-out example.net"


@pytest.mark.parametrize("sender", ["", "<>", "#@[]", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"])
def test_null_senders_and_literals_are_charged_to_the_host(sender: str) -> None:
    assert outcome("out", sender, "b@example.com") == "smtp-out mail.example.com"


def test_the_host_has_to_be_a_domain_when_it_is_charged() -> None:
    assert outcome("out", "<>", "b@example.com", host="2001:db8::1") == "bad-domain"
    assert outcome("out", "<>", "b@example.com", host="h" * 254) == "bad-domain"
    assert outcome("out", "<>", "b@example.com", host="MX.example.") == "smtp-out mx.example"


def test_an_incoming_literal_is_charged_to_the_host_a_null_recipient_to_nobody() -> None:
    assert outcome("in", "a@example.net", "b@[192.0.2.1]") == "smtp-in mail.example.com"
    assert outcome("in", "a@example.net", "<>") == "bad-domain"
    assert outcome("in", "a@example.net", "") == "bad-domain"


def test_an_address_without_a_domain_is_bad() -> None:
    assert outcome("in", "a@example.net", "root") == "bad-domain"
    assert outcome("out", "root", "a@example.net") == "bad-domain"


@pytest.mark.parametrize(
    "written",
    ["example.com", "EXAMPLE.com", "example.com.", "a@b@example.com", '"@"@example.com'],
)
def test_a_domain_has_one_spelling(written: str) -> None:
    assert outcome("in", "a@example.net", f"b@{written}") == "smtp-in example.com"


def test_spellings_of_a_domain_share_one_entry() -> None:
    text = "".join(
        f"Jun 20 18:20:14 mail.example.com in[1]: 1|a@b|c@{name}|69|success\n"
        for name in ("bücher.example", "xn--bcher-kva.example", "BÜCHER.example.", "a.example")
    )
    columns = PARSER.parse(text.encode()).columns
    assert sorted(columns.domains) == ["a.example", "xn--bcher-kva.example"]
    assert len(set(columns.domain[:3].tolist())) == 1


@pytest.mark.parametrize(
    "name",
    ["", ".", "a b.example", "a/b.example", "<example.com>", "d" * 254, "\udcff.example", "a:b",
     "\u00ad", "a.\u2100.example", "ü" * 600],
)  # fmt: skip
def test_what_is_no_domain(name: str) -> None:
    assert outcome("in", "a@example.net", f"b@{name}") == "bad-domain"
