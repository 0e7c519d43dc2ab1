"""FORMATS 5: Dovecot's sessions."""

from __future__ import annotations

import pytest

from tests.reference.dovecot import Dovecot
from tests.reference.settings import Settings
from tests.unit.reference.reading import Short, at, read, shorts

DEFAULTS = Settings()
IMAP, POP3 = "imap", "pop3"


def charged(*bodies: str, settings: Settings = DEFAULTS) -> list[Short]:
    text = "\n".join(f"Nov  8 09:01:02 mx dovecot: {body}" for body in bodies)
    return shorts(read(Dovecot(settings), text.encode(), settings))


def of(service: str, size: int, domain: str = "example.com") -> list[Short]:
    return [(service, domain, size, "success", 1)]


@pytest.mark.parametrize(
    "prefix",
    [
        "imap(bob@example.com): ",  # 1.1 to 2.2
        "IMAP(bob@example.com): ",  # 1.0
        "imap(bob@example.com)<846><EgPmyrZJ7NKsHgAB>: ",  # 2.3, 2.4
        "imap(bob@example.com,192.0.2.7): ",
        "imap(bob@example.com)<EgPmyrZJ7NKsHgAB>: ",
        "imap(bob (x): y@example.com)<846><EgPmyrZJ7NKsHgAB>: ",
        'imap("b\u00f6b"@example.com)<846><>: ',
        "imap(bob@example.com)<846><EgPmyrZJ7NKsHgAB>: Info: ",
        "Info: imap(bob@example.com)<846><EgPmyrZJ7NKsHgAB>: ",
    ],
)
def test_prefixes_of_all_versions(prefix: str) -> None:
    assert charged(f"{prefix}Disconnected: Logged out in=29 out=399") == of(IMAP, 428)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Disconnected: Logged out bytes=29/399", 428),
        ("Disconnected in IDLE bytes=29/399", 428),
        ("Logged out in=29 out=399", 428),
        ("Disconnected: Internal error occurred. Refer to server log in=29 out=399", 428),
        ("Connection closed in=29 out=399", 428),
        ("Disconnected for inactivity in=29 out=399", 428),
        ("Disconnected in IDLE in=29 out=399", 428),
        (
            "Logged out in=29 out=399 deleted=0 hdr_count=17 hdr_bytes=5147",
            428,
        ),
        (
            "Connection closed (IDLE for 0.001 + waiting 3.2 secs) in=29 out=399 body_bytes=31",
            428,
        ),
        ("Disconnected: Logged out (in=7, out=8) in=29 out=399 deleted=0", 428),
        ("Disconnected: Logged out in=0 out=0", 0),
    ],
)
def test_imap_ends_are_known_by_their_keys(text: str, size: int) -> None:
    assert charged(f"imap(bob@example.com)<846><Eg>: {text}") == of(IMAP, size)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Disconnected: Logged out top=1/100, retr=2/3000, del=0/5, size=99999", 3100),
        ("Logged out top=0/0, retr=2/3000, del=0/5, size=99999", 3000),
        ("Disconnected for inactivity top=1/100, retr=0/0, del=0/5, size=99999", 100),
        ("Connection closed top=0/0, retr=0/0, del=0/5, size=99999", 0),
        (
            "Disconnected: Logged out top=0/0, retr=2/3000, del=2/3000, size=9, in=40, out=3200",
            3240,
        ),
    ],
)
def test_pop3_ends(text: str, size: int) -> None:
    assert charged(f"pop3(bob@example.com)<846><Eg>: {text}") == of(POP3, size)


@pytest.mark.parametrize(
    "body",
    [
        "imap-login: Login: user=<bob@example.com>, method=PLAIN, rip=192.0.2.7, session=<Eg>",
        "imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.7",
        "pop3-login: Aborted login in=1 out=2",
        "auth: Debug: client in: AUTH 1 PLAIN in=1 out=2",
        "auth-worker(7): conn in=1 out=2",
        "master: Warning: Killed with signal 15",
        "stats: x in=1 out=2",
        "indexer-worker(bob@example.com)<1><Eg>: Indexed 5 messages in INBOX in=1 out=2",
        "doveadm(bob@example.com): x in=1 out=2",
        "imap-urlauth(bob@example.com): Logged out in=1 out=2",
        "lmtp(bob@example.com)<1><Eg>: sieve: msgid=<x>: stored mail into mailbox 'INBOX'",
        "lda(bob@example.com)<1><Eg>: msgid=<x>: saved mail to INBOX",
        "managesieve(bob@example.com)<1><Eg>: Disconnected: Logged out bytes=1/2",
        "submission(bob@example.com)<1><Eg>: Disconnected: Logged out in=1 out=2",
        "imap(bob@example.com)<1><Eg>: sieve: msgid=<in=1 out=2>: forwarded to <x@y.example>",
        "imap(bob@example.com)<1><Eg>: expunge: box=INBOX, uid=7, msgid=<x>, size=1200",
        "imap(bob@example.com)<1><Eg>: copy from INBOX: box=Trash, msgid=< in=1 out=2 >, size=3",
        "imap(bob@example.com)<1><Eg>: save: box=INBOX, uid=7, subject=hello in=1 out=999999999",
        "imap(bob@example.com)<1><Eg>: Disconnected: Logged out admin=1 logout=2",
    ],
)
def test_what_is_not_charged(body: str) -> None:
    assert charged(body) == []


def test_an_account_without_a_domain_is_all_of_it() -> None:
    assert charged("imap(bob): Logged out in=29 out=399") == of(IMAP, 428, "bob")


def test_an_account_of_no_domain_is_malformed() -> None:
    line = b"Nov  8 09:01:02 mx dovecot: imap(bob smith): Logged out in=29 out=399"
    assert read(Dovecot(DEFAULTS), line).rejects == [(0, "bad-domain")]


def test_hazard_5_3_1_proxies_and_directors_are_not_counted() -> None:
    for text in (
        "imap-login: proxy(bob@example.com): disconnecting 192.0.2.7 (Disconnected by client)",
        "imap-login: proxy(bob@example.com): Disconnected by server (9s idle, in=29, out=399)",
        "imap-login: Info: proxy(bob@example.com): started proxying to 10.0.0.7:143",
    ):
        assert charged(text) == []


def test_hazard_5_3_2_a_session_that_ends_while_it_hibernates_is_imap() -> None:
    body = "imap-hibernate(bob@example.com)<846><Eg>: Disconnected: Connection closed in=24 out=761"
    assert charged(body) == of(IMAP, 785)


def test_hazard_5_3_3_a_killed_process_logs_no_end() -> None:
    assert (
        charged("imap(bob@example.com)<8><Eg>: Fatal: master: service(imap): child 8 killed") == []
    )


def test_hazard_5_3_4_a_session_lands_wholly_where_it_ends() -> None:
    line = b"2026-11-11T00:00:01Z mx dovecot: imap(b@example.com)<1><E>: Logged out in=1 out=2"
    (record,) = read(Dovecot(DEFAULTS), line).records
    assert record.time == at("2026-11-11 00:00:01")


def test_hazard_5_3_5_identical_lines_are_legitimate_and_repeats_hide_them() -> None:
    body = "imap(bob@example.com): Logged out in=29 out=399"
    assert charged(body, body) == of(IMAP, 428) * 2
    assert charged(body, f"message repeated 2 times: [ {body}]") == of(IMAP, 428) * 3


WEBMAIL = (
    "imap-login: Login: user=<b@example.com>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=8,"
    " secured, session=<Web>"
)
FROM_AFAR = WEBMAIL.replace("rip=127.0.0.1", "rip=192.0.2.7").replace("Web", "Far")
ENDS = (
    "imap(b@example.com)<1><Web>: Logged out in=1 out=2",
    "imap(b@example.com)<1><Far>: Logged out in=10 out=20",
)


def test_hazard_5_3_6_webmail_on_the_same_host_counts() -> None:
    assert charged(WEBMAIL, FROM_AFAR, *ENDS) == of(IMAP, 3) + of(IMAP, 30)


def test_hazard_5_3_6_webmail_may_be_skipped() -> None:
    settings = Settings(skip_local_clients=True)
    assert charged(WEBMAIL, FROM_AFAR, *ENDS, settings=settings) == of(IMAP, 30)


def test_hazard_5_3_7_urlauth_is_not_counted() -> None:
    assert charged("imap-urlauth(bob@example.com)<1><Eg>: Logged out in=29 out=399") == []


def test_hazard_5_3_8_a_master_user_is_logged_as_the_user() -> None:
    assert charged("imap(bob@example.com): Logged out in=1 out=2") == of(IMAP, 3)


def test_hazard_5_3_9_a_prefix_with_r_leaves_an_empty_part_for_lmtp() -> None:
    body = "lmtp(ann@alpha.example,)<1><Eg>: msgid=<x>: saved mail to INBOX size=1200"
    settings = Settings(dovecot_lmtp_counts=True)
    assert charged(body, settings=settings) == [("smtp-in", "alpha.example", 1200, "success", 1)]


@pytest.mark.parametrize(
    "stamp", ["Nov 08 09:01:02 ", "2026-11-08 09:01:02.5 ", "2026-11-08T09:01:02Z "]
)
def test_hazard_5_3_10_dovecots_own_stamps(stamp: str) -> None:
    line = f"{stamp}imap(bob@example.com)<8><E>: Info: Disconnected: Logged out in=29 out=399"
    (record,) = read(Dovecot(DEFAULTS), line.encode()).records
    assert (record.host, record.time) == ("mail.example.com", at("2026-11-08 09:01:02"))


def test_session_bytes_both_or_out() -> None:
    out = Settings(session_bytes="out")
    body = "imap(bob@example.com): Logged out {}"
    for keys in ("in=29 out=399", "bytes=29/399"):
        assert charged(body.format(keys)) == of(IMAP, 428)
        assert charged(body.format(keys), settings=out) == of(IMAP, 399)
    fetched = "pop3(bob@example.com): Logged out top=1/100, retr=2/3000, del=0/5, size=99999"
    assert charged(fetched, settings=out) == of(POP3, 3100)


def test_session_services() -> None:
    bodies = (
        "managesieve(bob@example.com)<1><Eg>: Disconnected: Logged out bytes=1/2",
        "submission(bob@example.com)<1><Eg>: Disconnected: Logged out in=10 out=20",
        "pop3(bob@example.com)<1><Eg>: Logged out in=100 out=200",
    )
    assert charged(*bodies) == of(POP3, 300)
    more = Settings(session_services=frozenset({b"imap", b"managesieve", b"submission"}))
    assert [record[2] for record in charged(*bodies, settings=more)] == [3, 30]


def test_dovecot_lmtp_counts() -> None:
    body = "lmtp(bob@example.com)<1><Eg>: msgid=<x size=7>: saved mail to INBOX size=1200"
    assert charged(body) == []
    settings = Settings(dovecot_lmtp_counts=True)
    assert charged(body, settings=settings) == [("smtp-in", "example.com", 1200, "success", 1)]


def test_dovecot_prefix() -> None:
    body = "[bob@example.com/imap] Logged out in=29 out=399"
    assert charged(body) == []
    settings = Settings(dovecot_prefix=rb"\[(?P<user>[^/]*)/(?P<service>[a-z0-9]+)\] ")
    assert charged(body, settings=settings) == of(IMAP, 428)


def test_19_8_mailbox_size_and_body_bytes_are_no_traffic() -> None:
    pop = "pop3(b@example.com): Logged out top=0/0, retr=1/500, del=0/9, size=123456"
    imap = "imap(b@example.com): Logged out in=1 out=600 hdr_bytes=5147 body_bytes=31"
    assert [record[2] for record in charged(pop, imap)] == [500, 601]
