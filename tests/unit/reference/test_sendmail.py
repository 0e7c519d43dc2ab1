"""FORMATS 7: Sendmail's lines and what they are charged."""

from __future__ import annotations

import pytest

from tests.reference.sendmail import Sendmail
from tests.reference.settings import Settings
from tests.unit.reference.reading import IN, OUT, Short, read, shorts

DEFAULTS = Settings()
A, B, C = "u31FFPtp032300", "u31FFPtq032301", "u31FFPtr032302"


def arrived(
    name: str = A,
    sender: str = "<a@sender.example>",
    relay: str = "mail.sender.example [192.0.2.1]",
    size: int = 1140,
) -> str:
    return (
        f"{name}: from={sender}, size={size}, class=0, nrcpts=1, msgid=<1@sender.example>,"
        f" proto=ESMTP, daemon=MTA-v4, relay={relay}"
    )


def to(
    recipients: str,
    stat: str = "Sent (ok)",
    *,
    name: str = A,
    mailer: str = "esmtp",
    relay: str = ", relay=mx.example.net. [192.0.2.25]",
    owner: str = "",
    dsn: str = ", dsn=2.0.0",
) -> str:
    return (
        f"{name}: to={recipients}{owner}, delay=00:00:01, xdelay=00:00:01, mailer={mailer},"
        f" pri=30000{relay}{dsn}, stat={stat}"
    )


def local(recipients: str, stat: str = "Sent", **fields: str) -> str:
    return to(recipients, stat, mailer="local", relay="", **fields)


def charged(*bodies: str, settings: Settings = DEFAULTS) -> list[Short]:
    text = "\n".join(f"Nov  8 09:01:02 mx sm-mta[123]: {body}" for body in bodies)
    return shorts(read(Sendmail(settings), text.encode(), settings))


@pytest.mark.parametrize("program", ["sendmail", "sm-mta", "sm-msp-queue", "sendmail-in"])
@pytest.mark.parametrize("name", [A, "u31FFPtp0323001", "AA12345"])
def test_tags_and_queue_ids(program: str, name: str) -> None:
    lines = (arrived(name), local("<bob@example.com>", name=name))
    text = "\n".join(f"Nov  8 09:01:02 mx {program}[123]: {line}" for line in lines)
    assert shorts(read(Sendmail(DEFAULTS), text.encode())) == [
        (IN, "example.com", 1140, "success", 1)
    ]


def test_a_delivery_to_elsewhere() -> None:
    assert charged(arrived(), to("<x@example.net>")) == [
        (OUT, "sender.example", 1140, "success", 1)
    ]


def test_recipients_of_one_outcome_share_a_line() -> None:
    line = to('<x@example.net>,"y, z"@example.net,<@a,@b:w@example.net>,v@example.net')
    assert charged(arrived(), line) == [(OUT, "sender.example", 1140, "success", 1)] * 4


def test_a_line_that_was_split_has_its_own_recipients() -> None:
    lines = (to("<x@example.net>,<y@example.net>, [more]"), to("<z@example.net>"))
    assert len(charged(arrived(), *lines)) == 3


@pytest.mark.parametrize(
    ("stat", "dsn", "status"),
    [
        ("Sent", "", "success"),
        ("Sent (250 2.0.0 ok, stat=Deferred)", ", dsn=2.0.0", "success"),
        ("User unknown", ", dsn=5.1.1", "failure"),
        ("Service unavailable", "", "failure"),
        ("Host unknown (Name server: x: host not found)", ", dsn=5.1.2", "failure"),
        ("Deferred: Connection refused", ", dsn=4.0.0", None),
        ("Deferred", "", None),
        ("Operating system error", ", dsn=4.0.0", None),
        ("queued", "", None),
        ("quarantined", ", dsn=5.0.0", None),
    ],
)
def test_the_outcome_is_last(stat: str, dsn: str, status: str | None) -> None:
    records = charged(arrived(), to("<x@example.net>", stat, dsn=dsn))
    assert [record[3] for record in records] == ([status] if status else [])


def test_deferrals_are_attempts_and_queued_is_none() -> None:
    later = to("<x@example.net>", "Deferred: Connection refused", dsn=", dsn=4.0.0")
    error = to("<x@example.net>", "Operating system error", dsn=", dsn=4.0.0")
    queued = to("<x@example.net>", "queued", relay="", dsn="")
    assert charged(arrived(), queued, later, error, to("<x@example.net>"))[0][4] == 3


def test_expiry_is_of_the_remaining_deferred() -> None:
    lines = (
        to("<x@example.net>,<y@example.net>", "Deferred: no", dsn=", dsn=4.0.0"),
        to("<y@example.net>"),
        f"{A}: {B}: sender notify: Warning: could not send message for past 4 hours",
        f"{A}: {C}: return to sender: Cannot send message for 5 days",
    )
    assert charged(arrived(), *lines) == [
        (OUT, "sender.example", 1140, "success", 2),
        (OUT, "sender.example", 1140, "expired", 1),
    ]


@pytest.mark.parametrize(
    ("mailer", "relay", "stat", "way"),
    [
        ("local", "", "Sent", IN),
        ("prog", "", "Sent", IN),
        ("*file*", "", "Sent", IN),
        ("cyrusv2", ", relay=localhost", "Sent", IN),
        ("dovecot", "", "Sent", IN),
        ("*include*", "", "Sent", None),
        ("nullmail", "", "Sent", None),
        ("esmtp", ", relay=mx.example.net. [192.0.2.25]", "Sent (ok)", OUT),
        ("esmtp", ", relay=[127.0.0.1] [127.0.0.1]", "Sent (ok)", IN),
        ("relay", ", relay=[127.0.0.1] [127.0.0.1]", f"Sent ({B} Message accepted for d)", IN),
        (
            "relay",
            ", relay=[127.0.0.1] [127.0.0.1]",
            f"Sent ({B} Message accepted for delivery)",
            None,
        ),
        ("relay", ", relay=mx. [192.0.2.25]", f"Sent ({B} Message accepted for delivery)", OUT),
    ],
)
def test_where_what_was_sent_goes(mailer: str, relay: str, stat: str, way: str | None) -> None:
    records = charged(arrived(), to("<bob@example.com>", stat, mailer=mailer, relay=relay))
    assert [record[0] for record in records] == ([way] if way else [])


def test_in_mailers() -> None:
    line = to("<bob@example.com>", mailer="mystore", relay="")
    assert charged(arrived(), line)[0][0] == OUT
    assert charged(arrived(), line, settings=Settings(in_mailers=("my*",)))[0][0] == IN


def test_the_submission_queue_is_a_hop() -> None:
    lines = (
        arrived(A, "www-data", "www-data@localhost", 312),
        arrived(B, "<www-data@mx.example.com>", "localhost [127.0.0.1]", 600),
        to(
            "x@example.net",
            f"Sent ({B} Message accepted for delivery)",
            owner=", ctladdr=www-data (33/33)",
            mailer="relay",
            relay=", relay=[127.0.0.1] [127.0.0.1]",
        ),
        to("<x@example.net>", name=B),
    )
    assert charged(*lines) == [(OUT, "mx.example.com", 600, "success", 1)]


def test_a_list_message_is_split() -> None:
    lines = (
        arrived(),
        f"{A}: {B}: clone: owner=owner-news@lists.example",
        to("<x@example.net>", name=B),
    )
    assert charged(*lines) == [(OUT, "lists.example", 1140, "success", 1)]


@pytest.mark.parametrize("what", ["DSN: User unknown", "return to sender: Host unknown"])
def test_a_bounce_without_a_size_is_charged_nothing_to_the_host(what: str) -> None:
    lines = (arrived(), f"{A}: {B}: {what}", to("<a@sender.example>", name=B))
    assert charged(*lines) == [(OUT, "mx", 0, "success", 1)]
    sized = (*lines[:2], arrived(B, "<>", "localhost", 900), lines[2])
    assert charged(*sized) == [(OUT, "mx", 900, "success", 1)]


def test_forwarded_by_an_alias() -> None:
    line = to("<x@example.net>", owner=", ctladdr=<info@customer.example> (1000/1000)")
    assert charged(arrived(), line)[0][1] == "sender.example"
    assert (
        charged(arrived(), line, settings=Settings(forwarded="alias"))[0][1] == "customer.example"
    )


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("<a@sender.example>", "sender.example"),
        ("a@sender.example", "sender.example"),
        ('<"a, size=5, class=0"@sender.example>', "sender.example"),
        ("<>", "mx"),
        ("root", "mx"),
    ],
)
def test_senders(sender: str, domain: str) -> None:
    records = charged(arrived(sender=sender), to("<x@example.net>"))
    assert records == [(OUT, domain, 1140, "success", 1)]


def test_a_hostile_message_id_is_no_size() -> None:
    line = arrived().replace("<1@sender.example>", "<x, size=5, class=0>")
    assert charged(line, to("<x@example.net>"))[0][2] == 1140


def test_programs_and_bare_users_are_the_hosts() -> None:
    recipients = '"|/usr/bin/vacation bob@x",/var/mail/bob,bob'
    assert [record[1] for record in charged(arrived(), local(recipients))] == ["mx"] * 3


def test_a_delivery_of_unknown_size_is_told() -> None:
    text = f"Nov  8 09:01:02 mx sm-mta[1]: {local('<bob@example.com>')}".encode()
    assert read(Sendmail(DEFAULTS), text).rejects == [(0, "unknown-delivery")]


def test_other_lines_are_passed() -> None:
    assert (
        charged(
            f"{A}: ruleset=check_rcpt, arg1=<x@y.example>, relay=z [192.0.2.1], reject=550 no",
            f"{A}: Milter: data, reject=554 5.7.1 no",
            f"{A}: discarded",
            f"{A}: done; delay=00:00:01, ntries=1",
            "NOQUEUE: connect from x [192.0.2.1]",
            "starting daemon (8.18.0): SMTP+queueing@00:10:00",
        )
        == []
    )


@pytest.mark.parametrize(("owner", "way"), [("", IN), (", ctladdr=<bob@example.com> (8/8)", OUT)])
def test_what_a_local_user_sent_on_is_submitted(owner: str, way: str) -> None:
    refused = to(
        "<x@example.net>",
        "Service unavailable",
        relay=", relay=[127.0.0.1] [127.0.0.1]",
        dsn=", dsn=5.0.0",
        owner=owner,
    )
    assert [record[0] for record in charged(arrived(), refused)] == [way]


def test_a_foreign_host_may_repeat_the_messages_own_id() -> None:
    lines = (
        arrived(relay="localhost [127.0.0.1]"),
        to("<x@example.net>", f"Sent ({A} Message accepted for delivery)"),
    )
    assert [record[0] for record in charged(*lines)] == [OUT]
