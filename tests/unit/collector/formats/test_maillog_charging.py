"""Who is charged for a delivery in qmail's log, and under which reason a line is malformed."""

from __future__ import annotations

import pytest

from mailtally_collector.formats import Setting
from mailtally_collector.formats.maillog.format import MaillogFormat
from mailtally_shared.schema import Service
from tests.support.parsed_records import records_of

HOST = "mail.example.com"
FORMAT = MaillogFormat(Setting(HOST))
STAMP = "@4000000038c3eeb027f6b0a4 "  # 952364710


def chunk(*texts: str) -> bytes:
    return "".join(f"{STAMP}{text}\n" for text in texts).encode("utf-8", "surrogateescape")


def delivery(channel: str, sender: str, recipient: str) -> bytes:
    return chunk(
        f"info msg 7: bytes 100 from <{sender}> qp 1 uid 2",
        f"starting delivery 1: msg 7 to {channel} {recipient}",
        "delivery 1: success: ok/",
    )


@pytest.mark.parametrize(
    ("channel", "sender", "recipient", "domain"),
    [
        ("local", "a@far.example", "info@example.com", "example.com"),
        ("local", "a@far.example", "example.com-info@example.com", "example.com"),
        ("local", "a@far.example", "example.com-info@Alias.Example.ORG.", "alias.example.org"),
        ("local", "a@far.example", "info@[192.0.2.1]", HOST),
        ("local", "", "info@example.com", "example.com"),
        ("remote", "a@example.com", "b@far.example", "example.com"),
        ("remote", "a@b@Example.com", "b@far.example", "example.com"),
        ("remote", "list-return-1-b=far.example@example.com", "b@far.example", "example.com"),
        ("remote", "a@m\u00fcller.example", "b@far.example", "xn--mller-kva.example"),
        ("remote", "a@[192.0.2.1]", "b@far.example", HOST),
        ("remote", "", "b@far.example", HOST),
        ("remote", "#@[]", "b@far.example", HOST),
        ("remote", "imap@example.com", "b@far.example", "example.com"),
    ],
)
def test_the_recipients_domain_is_charged_locally_the_senders_otherwise(
    channel: str, sender: str, recipient: str, domain: str
) -> None:
    (record,) = records_of(FORMAT.parse(delivery(channel, sender, recipient))[0])
    service = Service.SMTP_IN if channel == "local" else Service.SMTP_OUT
    assert (record.service, record.domain, record.host) == (service, domain, HOST)
    assert (record.time, record.size, record.attempts, record.status) == (
        952364710,
        100,
        1,
        "success",
    )


@pytest.mark.parametrize(
    ("channel", "sender", "recipient"),
    [
        ("local", "a@example.com", "nobody"),
        ("local", "a@example.com", ""),
        ("local", "a@example.com", "a@"),
        ("local", "a@example.com", "a@b/c"),
        ("remote", "nobody", "b@far.example"),
        ("remote", "a@b c", "b@far.example"),
    ],
)
def test_where_nobody_can_be_charged_the_line_is_malformed(
    channel: str, sender: str, recipient: str
) -> None:
    parsed, _ = FORMAT.parse(delivery(channel, sender, recipient))
    assert not len(parsed.columns)
    assert set(parsed.rejects.labels()) & {"bad-domain", "bad-event"}


def test_deferrals_before_count_as_attempts_and_are_none_themselves() -> None:
    again = ("delivery 1: deferral: later/", "starting delivery 1: msg 7 to remote b@far.example")
    texts = (
        delivery("remote", "a@example.com", "b@far.example")
        .decode()
        .replace(STAMP, "")
        .splitlines()
    )
    parsed, _ = FORMAT.parse(chunk(*texts[:2], *again, *again, "delivery 1: failure: no/"))
    (record,) = records_of(parsed)
    assert (record.attempts, record.status, parsed.lines) == (3, "failure", 1)


def test_attempts_are_those_of_the_recipient_on_its_channel() -> None:
    parsed, _ = FORMAT.parse(
        chunk(
            "info msg 7: bytes 100 from <a@example.com> qp 1 uid 2",
            "starting delivery 1: msg 7 to remote b@far.example",
            "starting delivery 2: msg 7 to local b@far.example",
            "starting delivery 3: msg 7 to remote c@far.example",
            "delivery 1: report mangled, will defer",
            "delivery 2: success: ok/",
            "delivery 3: success: ok/",
            "starting delivery 4: msg 7 to remote b@far.example",
            "delivery 4: success: ok/",
        )
    )
    assert [record.attempts for record in records_of(parsed)] == [1, 1, 2]


def test_attempts_whose_bytes_no_sum_could_hold_are_malformed() -> None:
    """So large a message may be sent 1024 times, and not once more."""
    begin = "starting delivery 1: msg 7 to remote b@far.example"
    info = f"info msg 7: bytes {2**53 - 1} from <a@example.com> qp 1 uid 2"
    for deferrals, reasons in ((1023, []), (1024, ["bad-attempts"])):
        texts = [info, *[begin, "delivery 1: deferral: later/"] * deferrals, begin]
        parsed, _ = FORMAT.parse(chunk(*texts, "delivery 1: success: ok/"))
        assert parsed.rejects.labels() == reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("new msg", None),
        ("new msg ", "bad-event"),
        ("end msg x", "bad-event"),
        ("info msg 1: bytes 5 from a qp 1 uid 2", "bad-event"),
        (f"info msg 1: bytes {2**53} from <a> qp 1 uid 2", "bad-bytes"),
        ("starting delivery 1: msg x to local a", "bad-event"),
        ("starting delivery 1: msg 1 to nowhere a", "bad-event"),
        ("delivery 1: perhaps: x", "bad-event"),
        ("delivery 1", "bad-event"),
        ("delivery 1: success: ok/", "unknown-delivery"),
        ("delivery 1: deferral: later/", None),
        ("triple bounce: discarding bounce/1", None),
        ("warning: trouble opening remote", None),
    ],
)
def test_a_sentence_that_goes_wrong_is_malformed_and_any_other_is_passed(
    text: str, reason: str | None
) -> None:
    parsed, _ = FORMAT.parse(chunk(text))
    assert parsed.rejects.labels() == ([reason] if reason else [])
    assert parsed.passed == (not reason)


def test_malformed_lines_are_told_in_their_order_with_their_places() -> None:
    lines = chunk("delivery 1: success: ok/", "new msg ", "delivery 2: failure: no/")
    rejects = FORMAT.parse(lines)[0].rejects
    assert rejects.labels() == ["unknown-delivery", "bad-event", "unknown-delivery"]
    assert [lines[a:b] for a, b in zip(rejects.start, rejects.end, strict=True)] == lines.split(
        b"\n"
    )[:-1]
