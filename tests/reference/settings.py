"""What a site decides: the settings of FORMATS 16, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

LIST_SENDERS = ("*-bounces@*", "*-bounces+*@*", "owner-*@*", "*-return-*@*", "*+bounces-*@*")


@dataclass(frozen=True)
class Settings:
    #: The collector's own host, of lines that name none.
    host: bytes = b"mail.example.com"
    #: Zone of stamps without an offset.
    log_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    #: Year of the first stamp without one; else by the file's time.
    first_year: int | None = None
    #: Time of the file's last change, Unix seconds; of a live file: now.
    modified: int = 1_794_268_800  # 2026-11-10
    charge_out: str = "sender"  # or "login"
    charge_in: str = "addressed"  # or "mailbox"
    forwarded: str = "sender"  # or "alias"
    charge_local_senders: bool = False
    count: str = "recipients"  # or "messages"
    #: Names, addresses and networks besides loopback.
    inside: tuple[str, ...] = ()
    #: Hosted domains, or None without a list.
    hosted: frozenset[str] | None = None
    pipe_hops: frozenset[bytes] = frozenset(
        b"filter amavis spamassassin spamfilter spamc dfilt vacation autoreply".split()
    )
    #: Patterns of Exim's transports that send a message in again or only answer it.
    hop_transports: tuple[str, ...] = (
        *("spamcheck*", "amavis*", "spamassassin*", "clamav*"),
        *("*vac*", "*autoreply*"),
    )
    #: Patterns of Sendmail's mailers that store.
    in_mailers: tuple[str, ...] = (
        *("local", "prog", "[*]file[*]", "cyrus*", "lmtp", "procmail", "virtual", "dovecot"),
    )
    uncharged_recipients: frozenset[bytes] = frozenset()
    attempts: str = "all"  # or "connected"
    list_senders: tuple[str, ...] = ()
    session_bytes: str = "both"  # or "out"
    session_services: frozenset[bytes] = frozenset({b"imap", b"pop3"})
    unsent: str = "size"  # or "zero"
    skip_local_clients: bool = False
    dovecot_lmtp_counts: bool = False
    #: A pattern with the groups ``service``, ``user`` and ``rest`` in place of Dovecot's defaults.
    dovecot_prefix: bytes | None = None
    exim_size: str = "arrival"  # or "delivered"
