"""FORMATS 4: Exim's lines and what they are charged."""

from __future__ import annotations

import pytest

from tests.reference.exim import Exim
from tests.reference.settings import Settings
from tests.unit.reference.reading import IN, OUT, Short, at, read, shorts

DEFAULTS = Settings()
NAME = "1vHd3O-0000000Abcd-0001"
ARRIVED = (
    "<= a@sender.example H=mail.sender.example [192.0.2.1]:4711 P=esmtps"
    ' X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=5215 id=1@sender.example T="hello"'
)
SUBMITTED = "<= a@sender.example H=home [192.0.2.7] P=esmtpsa A=plain:ann@login.example S=5215"
LOCAL = "<= a@sender.example U=www-data P=local S=5215"
LOOPBACK = "<= a@sender.example H=localhost [127.0.0.1] P=esmtp S=5215"
FOREIGN = 'R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.25] X=TLS1.3:x:256 C="250 ok"'


def log(*texts: str, name: str = NAME) -> str:
    return "".join(f"2026-11-08 09:01:02 {name} {text}\n" for text in texts)


def charged(*texts: str, settings: Settings = DEFAULTS) -> list[Short]:
    return shorts(read(Exim(settings), log(*texts).encode(), settings))


@pytest.mark.parametrize("name", ["1vHd3O-0000000Abcd-0001", "1vHd3O-000Abc-5T"])
def test_old_and_new_ids(name: str) -> None:
    text = log(ARRIVED, "=> bob@example.com R=virtual T=mail_spool", name=name)
    assert len(read(Exim(DEFAULTS), text.encode()).records) == 1


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-08 09:01:02 ",
        "2026-11-08 09:01:02.123 ",
        "2026-11-08 10:01:02 +0100 ",
        "2026-11-08 10:01:02.123 +0100 ",
        "2026-11-08 09:01:02 [4711] ",
        "Nov  8 09:01:02 mail.example.com exim[4711]: ",
        "Nov  8 09:01:02 mail.example.com exim4[4711]: 2026-11-08 09:01:02 ",
        "Nov  8 09:01:02 mail.example.com exim[4711]: 2026-11-08 09:01:02.123 +0000 [4711] ",
    ],
)
def test_stamps_and_syslog(stamp: str) -> None:
    text = f"{stamp}{NAME} {ARRIVED}\n{stamp}{NAME} => bob@example.com R=v T=mail_spool\n"
    (record,) = read(Exim(DEFAULTS), text.encode()).records
    assert (record.time, record.host) == (at("2026-11-08 09:01:02"), "mail.example.com")


@pytest.mark.parametrize("mark", ["/", "\\"])
@pytest.mark.parametrize("stamp", ["2026-11-08 09:01:02 {part}", "{part}2026-11-08 09:01:02 "])
def test_long_lines_in_syslog_are_joined_by_pid(mark: str, stamp: str) -> None:
    arrived = stamp.format(part=f"[1{mark}2] ") + f"{NAME} <= a@sender.example H=x [192.0.2.1]"
    text = (
        f"Nov  8 09:01:02 mx exim[7]: {arrived}\n"
        f"Nov  8 09:01:02 mx exim[8]: [1{mark}2] something else\n"
        "Nov  8 09:01:02 mx exim[7]: [2/2]  P=esmtp S=77\n"
        f"Nov  8 09:01:02 mx exim[7]: {NAME} => bob@example.com R=v T=mail_spool\n"
    )
    reading = read(Exim(DEFAULTS), text.encode())
    if mark == "/":
        assert [record.size for record in reading.records] == [77]
    else:  # Cut at a line's end: the arrival itself is the first line, without its size.
        assert [reason for _, reason in reading.rejects] == ["bad-event", "unknown-delivery"]


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ("H=([1.2.3.4]) [5.6.7.8] P=smtp S=9215", 9215),
        ('H=name (a b" S=9) [192.0.2.1] P=esmtp S=77', 77),
        ("H=name (a S=9) [192.0.2.1] P=esmtp S=77 M8S=0 DKIM=x RT=0.1s", 77),
        ('H=x [192.0.2.1] P=esmtps DN="/CN=\\" S=9 " SNI="y" S=77 id=z', 77),
        ('H=x [192.0.2.1] P=esmtp S=77 id=z T="S=9 now" from <raw@x> for bob@example.com', 77),
        ("H=x [192.0.2.1] P=esmtp K S=77 id*=z S=9 from <> for a@b", 77),
        ("U=mail P=spam-scanned S=77", 77),
        ("R=1vHd3O-0000000Abcd-0000 U=Debian-exim P=local S=77", 77),
    ],
)
def test_the_size_is_the_last_outside_quotes_and_before_headers(fields: str, size: int) -> None:
    records = charged(f"<= a@sender.example {fields}", "=> bob@example.com R=v T=mail_spool")
    assert records == [(IN, "example.com", size, "success", 1)]


def test_an_arrival_without_a_size_is_malformed() -> None:
    text = log("<= a@sender.example H=x [192.0.2.1] P=esmtp").encode()
    assert read(Exim(DEFAULTS), text).rejects == [(0, "bad-event")]


def test_a_message_after_a_fake_reject_is_delivered_all_the_same() -> None:
    assert len(charged(ARRIVED.replace("<=", "(="), "=> bob@example.com R=v T=mail_spool")) == 1


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("bob@example.com", "example.com"),
        ("bob", "mail.example.com"),
        ("bob <bob@customer.example>", "customer.example"),
        (
            "bob@mail.isp.example (info@x.example, y@z.example) <info@customer.example>",
            "customer.example",
        ),
        ('john doe@remote.example <"john doe"@customer.example>', "customer.example"),
        ('a>b r=z@remote.example <"a>b R=z"@customer.example>', "customer.example"),
        ("|/usr/bin/vacation -a bob@x.example <bob@customer.example>", "customer.example"),
        ("/var/mail/bob <bob@customer.example>", "customer.example"),
        ("/var/mail/bob", "mail.example.com"),
    ],
)
def test_addresses(address: str, domain: str) -> None:
    records = charged(ARRIVED, f"=> {address} R=virtual T=address_pipe S=5296")
    assert records == [(IN, domain, 5215, "success", 1)]


def test_a_top_behind_an_error_text_is_the_servers_word() -> None:
    records = charged(
        ARRIVED,
        "** x@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.25]: SMTP error from"
        " remote mail server after RCPT TO:<y@z.example>: 550 <y@z.example>: no",
    )
    assert records == [(OUT, "sender.example", 5215, "failure", 1)]


@pytest.mark.parametrize(
    ("fields", "way"),
    [
        ("R=local_user T=mail_spool", IN),
        (FOREIGN, OUT),
        ('R=r T=t H=store [127.0.0.1]:24 C="250 2.0.0 <u@d> TOKEN Saved"', IN),
        ('R=r T=t H=127.0.0.1 [127.0.0.1] C="250 2.0.0 Ok: queued as 9F9F9F9F"', None),
        (f'R=r T=t H=localhost [::1] C="250 OK id={NAME}"', None),
        ('R=r T=t H=mx.example.net [192.0.2.25] C="250 OK id=1vHd3O-000Abc-5T"', OUT),
        ("R=r T=spamcheck", None),
        ("R=r T=amavis_pipe", None),
        ("R=r T=vac_reply", None),
        ("R=r T=my_autoreply", None),
    ],
)
def test_where_a_delivery_goes(fields: str, way: str | None) -> None:
    records = charged(ARRIVED, f"=> bob@example.com {fields}")
    assert [record[0] for record in records] == ([way] if way else [])


def test_an_autoreply_of_a_filter_is_a_hop() -> None:
    assert charged(ARRIVED, "=> >a@sender.example <bob@example.com> R=f T=address_reply") == []


@pytest.mark.parametrize(
    ("arrival", "way"), [(ARRIVED, IN), (SUBMITTED, OUT), (LOCAL, OUT), (LOOPBACK, OUT)]
)
@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("=> :blackhole: <bob@example.com> R=system_aliases", "discarded"),
        ("=> discarded (system filter)", "discarded"),
        (
            '=> b@c.example R=r T=t H=a [127.0.0.1] C="250 2.7.0 Ok, discarded, id=00001-01"',
            "discarded",
        ),
        ("** bob@example.com: Unrouteable address", "failure"),
        ("** bob@example.com R=r T=t H=a [127.0.0.1]: 550 spam", "failure"),
        ("** q@defer.example: retry timeout exceeded", "expired"),
        ("** q@defer.example F=<> : retry timeout exceeded", "expired"),
        ("** q@d.example R=r T=t: all hosts for 'd' have been failing for a long time", "expired"),
    ],
)
def test_what_names_no_next_host_goes_by_origin(
    arrival: str, way: str, line: str, status: str
) -> None:
    assert [record[0::3] for record in charged(arrival, line)] == [(way, status)]


DEFERRED = (
    "== x@example.net R=dnslookup T=remote_smtp defer (-44) H=mx [192.0.2.25]: SMTP error: 451 x",
    "== x@example.net R=dnslookup T=remote_smtp defer (110): Connection timed out",
    "== x@example.net R=dnslookup T=remote_smtp defer (-53): retry time not reached for any host",
)


def test_deferrals_are_attempts_unless_the_retry_time_was_not_reached() -> None:
    assert charged(ARRIVED, *DEFERRED, f"=> x@example.net {FOREIGN}") == [
        (OUT, "sender.example", 5215, "success", 3)
    ]


def test_expiry_adds_no_attempt() -> None:
    (record,) = charged(ARRIVED, *DEFERRED, "** x@example.net: retry timeout exceeded")
    assert record[3:] == ("expired", 2)


def test_attempts_connected() -> None:
    settings = Settings(attempts="connected")
    records = charged(ARRIVED, *DEFERRED, f"=> x@example.net {FOREIGN}", settings=settings)
    assert records[0][4] == 2


def test_exim_size_arrival_or_delivered() -> None:
    lines = (ARRIVED, "=> bob@example.com R=v T=mail_spool S=5296")
    assert charged(*lines)[0][2] == 5215
    assert charged(*lines, settings=Settings(exim_size="delivered"))[0][2] == 5296
    unsaid = (ARRIVED, "=> bob@example.com R=v T=mail_spool")
    assert charged(*unsaid, settings=Settings(exim_size="delivered"))[0][2] == 5215


def test_hop_transports() -> None:
    lines = (ARRIVED, "=> bob@example.com R=v T=scanner")
    assert len(charged(*lines)) == 1
    assert charged(*lines, settings=Settings(hop_transports=("scan*",))) == []


def test_charge_out_login() -> None:
    settings = Settings(charge_out="login")
    records = charged(SUBMITTED, f"=> x@example.net {FOREIGN}", settings=settings)
    assert [record[1] for record in records] == ["login.example"]


def test_forwarded_alias() -> None:
    line = f"=> x@example.net <info@customer.example> {FOREIGN}"
    assert [record[1] for record in charged(ARRIVED, line)] == ["sender.example"]
    settings = Settings(forwarded="alias")
    assert [record[1] for record in charged(ARRIVED, line, settings=settings)] == [
        "customer.example"
    ]


def test_the_null_sender_is_the_host() -> None:
    bounce = "<= <> R=1vHd3O-0000000Abcd-0000 U=Debian-exim P=local S=900"
    assert charged(bounce, f"=> x@example.net {FOREIGN}") == [
        (OUT, "mail.example.com", 900, "success", 1)
    ]


# FORMATS 4.3.


def test_hazard_4_3_a_further_recipient_is_a_record_like_any_other() -> None:
    lines = (ARRIVED, f"=> x@example.net {FOREIGN}", f"-> y@example.net {FOREIGN}")
    assert charged(*lines) == [(OUT, "sender.example", 5215, "success", 1)] * 2


def test_hazard_4_3_an_arrival_is_no_record() -> None:
    assert charged(ARRIVED) == []


def test_hazard_4_3_cutthrough_stands_before_its_arrival() -> None:
    line = ">> x@example.net F=<a@sender.example> R=r T=t H=mx.example.net [192.0.2.25] S=1"
    assert charged(line, ARRIVED) == [(OUT, "sender.example", 5215, "success", 1)]


def test_hazard_4_3_a_delivery_of_an_earlier_log_is_told() -> None:
    text = log("=> bob@example.com R=v T=mail_spool").encode()
    assert read(Exim(DEFAULTS), text).rejects == [(0, "unknown-delivery")]


def test_hazard_4_3_completed_comes_after_removed_by() -> None:
    lines = (ARRIVED, "Frozen (message created with -f <>)", "removed by root", "Completed")
    assert charged(*lines) == []
    cancelled = ("cancelled by root", "** bob@example.com: delivery cancelled by administrator")
    assert [record[3] for record in charged(ARRIVED, *cancelled, "Completed")] == ["failure"]


def test_hazard_4_3_received_recipients_are_no_deliveries() -> None:
    assert charged(f"{ARRIVED} for => b@c.example ** d@e.example") == []


def test_hazard_4_3_a_router_and_a_parent_have_the_same_letter() -> None:
    bounce = "<= <> R=1vHd3O-0000000Abcd-0000 P=local-x S=900"
    assert charged(bounce, "** x@y.example R=router: no")[0][0] == OUT


def test_hazard_4_3_bytes_that_are_no_utf_8() -> None:
    text = log(ARRIVED).encode() + log("=> bob").encode()[:-1] + b"\xff@example.com R=v T=s\n"
    assert len(read(Exim(DEFAULTS), text).records) == 1


def test_hazard_4_3_a_rewritten_sender_and_srs() -> None:
    arrived = f"{ARRIVED} from <raw@other.example>"
    line = f"=> x@example.net P=<SRS0=x=sender.example=a@isp.example> {FOREIGN}"
    assert charged(arrived, line)[0][1] == "sender.example"


def test_not_really_delivered() -> None:
    assert charged(ARRIVED, "*> bob@example.com R=v T=mail_spool") == []


def test_other_lines_are_passed() -> None:
    noise = (
        log("H=x [192.0.2.1] F=<a@b> rejected after DATA: no", "DKIM: d=x [verification failed]")
        + "2026-11-08 09:01:02 H=x [192.0.2.1] F=<a@b> rejected RCPT <c@d>: no\n"
        + "2026-11-08 09:01:02 Start queue run: pid=7\n"
    )
    reading = read(Exim(DEFAULTS), noise.encode())
    assert reading.passed == 4


def test_a_foreign_host_may_repeat_the_messages_own_id() -> None:
    line = f'=> x@example.net R=r T=t H=mx.example.net [192.0.2.25] C="250 OK id={NAME}"'
    assert [record[0] for record in charged(LOOPBACK, line)] == [OUT]
