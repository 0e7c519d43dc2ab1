"""Drawn lines of a mail server's log: sessions, what only looks like them, in mixed framings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

_BEGIN = datetime(2026, 11, 8, 9, 1, 2, tzinfo=UTC)
_USERS = st.one_of(
    st.sampled_from(
        [
            *(b"bob@example.com", b"ann@alpha.example", b"bob", b"", b"@", b"a@", b"x@[192.0.2.1]"),
            *(b"Bob@EXAMPLE.com.", b"b@m\xc3\xbcller.example", b"b@\xff.example", b"a b@c.example"),
            *(
                b"bob (x): y@example.com",
                b"a)<b@example.com",
                b"a)<1><b@example.com",
                b"a,b@c.example",
            ),
            *(b"bob@example.com,192.0.2.7", b"u, ip=[x@example.com", b'"q in=1"@example.com'),
            *(
                b"x" * 300 + b"@example.com",
                b"a@" + b"x" * 254,
                b"a@b@c.example",
                b"a@\xc3\xa9" * 90,
            ),
        ]
    ),
    st.lists(
        st.sampled_from([b"a", b")", b"<", b"1", b">", b":", b" ", b"@", b"b.example", b",", b"("]),
        max_size=12,
    ).map(b"".join),
)
_SIZES = st.one_of(
    st.integers(0, 10**6).map(b"%d".__mod__),
    st.sampled_from(
        [
            b"",
            b"x",
            b"007",
            b"9007199254740991",
            b"9007199254740992",
            b"9" * 19,
            b"9" * 30,
            b"0" * 30,
        ]
    ),
)
_LEVELS = st.sampled_from([b""] * 6 + [b"Info: ", b"Error: ", b"Fatal: "])
_REASONS = st.sampled_from(
    [
        *(
            b"Disconnected: Logged out",
            b"Logged out",
            b"Connection closed (IDLE, waiting 3.2 secs)",
        ),
        *(
            b"Disconnected for inactivity",
            b"Disconnected: Logged out (in=7, out=8)",
            b"x in=1 out=",
        ),
        *(b"expunge: box=INBOX, msgid=<x>", b"copy from INBOX:", b"sieve: msgid=<in=1 out=2>", b""),
        *(
            b"Mailbox created: in=",
            b"save: subject=in=1 out=9",
            b"admin=1 logout=2",
            b"in=5 in= out=3",
        ),
    ]
)


@st.composite
def _keys(draw: st.DrawFn) -> bytes:
    """Draw the values at the end of a session, or some of them."""
    one, two = draw(_SIZES), draw(_SIZES)
    return draw(
        st.sampled_from(
            [
                b" in=%b out=%b" % (one, two),
                b" in=%b out=%b deleted=0 hdr_bytes=5147 body_bytes=31" % (one, two),
                b" bytes=%b/%b" % (one, two),
                b" top=1/%b, retr=2/%b, del=0/5, size=99999" % (one, two),
                b" top=1/3, retr=2/4, del=0/5, size=9, in=%b, out=%b" % (one, two),
                b" in=%b" % one,
                b" retr=1/%b" % one,
                b" out=%b bytes=3/%b" % (one, two),
                b"in=%b,out=%b" % (one, two),
                b"",
            ]
        )
    )


@st.composite
def _of_dovecot(draw: st.DrawFn) -> tuple[bytes, bytes]:
    service = draw(
        st.sampled_from(
            [b"imap"] * 6
            + [b"pop3"] * 4
            + [b"imap-hibernate", b"IMAP", b"imap-urlauth", b"lmtp", b"managesieve", b"doveadm"]
        )
    )
    prefix = draw(
        st.sampled_from(
            [
                b"(%b): ",
                b"(%b)<846><EgPmyrZJ7NKsHgAB>: ",
                b"(%b)<Eg>: ",
                b"(%b)<1><>: ",
                b"(%b)<1>: ",
                b"(%b)",
            ]
        )
    )
    text = draw(_REASONS) + draw(_keys())
    body = draw(_LEVELS) + service + prefix % draw(_USERS) + draw(_LEVELS) + text
    return draw(st.sampled_from([b"dovecot"] * 6 + [b"dovecot[812]", b"dovecot/imap"])), body


_LOGINS = st.sampled_from(
    [
        b"imap-login: Login: user=<bob@example.com>, method=PLAIN, rip=127.0.0.1, session=<Eg>",
        b"imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.7",
        b"imap-login: proxy(bob@example.com): Disconnected by server (9s idle, in=29, out=399)",
        b"pop3-login: Aborted login in=1 out=2",
        b"auth: Debug: client in: AUTH 1 PLAIN in=1 out=2",
        b"master: Warning: Killed with signal 15",
        b"lmtp(bob@example.com)<1><Eg>: sieve: msgid=<x>: stored mail into mailbox 'INBOX'",
    ]
).map(lambda body: (b"dovecot", body))


@st.composite
def _of_courier(draw: st.DrawFn) -> tuple[bytes, bytes]:
    program = draw(st.sampled_from([b"imapd", b"imapd-ssl", b"pop3d", b"pop3d-ssl", b"imaplogin"]))
    end = draw(
        st.sampled_from(
            [
                *(b"LOGOUT", b"DISCONNECTED", b"TIMEOUT", b"disc", b"I/O error disconnect"),
                *(b"LOGIN", b"LOGIN FAILED", b"INFO: LOGOUT", b"DEBUG: LOGOUT"),
            ]
        )
    )
    who = draw(
        st.sampled_from([b", user=%b, ip=[::1]", b", ip=[%b]", b", user=%b", b", user=%b, ip=["])
    )
    one, two = draw(_SIZES), draw(_SIZES)
    values = draw(
        st.sampled_from(
            [
                b", port=[1], headers=0, body=0, rcvd=%b, sent=%b, time=1" % (one, two),
                b", top=%b, retr=%b, time=1" % (one, two),
                b", top=%b, retr=2, rcvd=x, rcvd=1, sent=%b" % (one, two),
                b", rcvd=%b, time=1" % one,
            ]
        )
    )
    return program, end + who % draw(_USERS) + values


_OF_OTHERS = st.sampled_from(
    [
        (b"postfix/smtpd[12]", b"4F2D1A0C5E: client=x[192.0.2.1]"),
        (b"CRON[9]", b"pam_unix(cron:session): session opened for user root"),
        (b"mailman", b"imap(bob@example.com): Logged out in=29 out=399"),
        (b"xdovecot", b"imap(bob@example.com): Logged out in=29 out=399"),
        (b"rsyslogd", b"imuxsock lost 120 messages from pid 4711 due to rate-limiting"),
        (b"imapd-x", b"LOGOUT, user=b@example.com, ip=[::1], rcvd=1, sent=2"),
    ]
)
_REPEATS = st.sampled_from(
    [
        *((b"", b"last message repeated 3 times"), (b"syslogd", b"last message repeated 1 time")),
        *((b"kernel", b"last message repeated 2 times"), (b"x", b"last message repeated 2 times")),
        *((b"", b"last message repeated 100001 times"), (b"", b"last message repeated times")),
        (b"dovecot", b"last message repeated 2 times"),
    ]
)


@st.composite
def _repeated(draw: st.DrawFn) -> tuple[bytes, bytes]:
    program, body = draw(_of_dovecot())
    times = draw(st.sampled_from([b"0", b"1", b"2", b"7"]))
    form = draw(
        st.sampled_from([b"message repeated %b times: [ %b]", b"message repeated %b times: [%b]"])
    )
    return program, form % (times, body)


said = st.one_of(
    *[_of_dovecot()] * 4, _LOGINS, *[_of_courier()] * 2, _OF_OTHERS, _REPEATS, _repeated()
)


@st.composite
def _framed(draw: st.DrawFn) -> bytes:
    """Draw a line in any framing, some seconds or days after the last one or before."""
    program, body = draw(said)
    seconds = draw(
        st.one_of(
            st.integers(-60, 600), st.integers(-40 * 86_400, 200 * 86_400), st.integers(-2000, 9000)
        )
    )
    at = _BEGIN + timedelta(seconds=seconds)
    host = draw(st.sampled_from([b"mx", b"mx2.example.net", b"localhost"]))
    return draw(st.sampled_from(FRAMINGS))(at, host, program, body)


def _tagged(host: bytes, program: bytes, body: bytes) -> bytes:
    return b"%b %b%b" % (host, program + b": " if program else b"", body)


def _stamp(at: datetime) -> bytes:
    return f"{at:%b} {at.day:2} {at:%H:%M:%S}".encode()


def _rfc3164(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    return b"%b %b" % (_stamp(at), _tagged(host, program, body))


def _padded(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    return f"{at:%b %d %H:%M:%S}.25 ".encode() + _tagged(host, program, body)


def _with_priority(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    return b"<%d>%b" % (at.second * 4, _rfc3164(at, host, program, body))


def _with_facility(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    return b"%b <mail.info> %b" % (_stamp(at), _tagged(host, program, body))


def _iso(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    offset = (b"Z", b"+00:00", b"+0130", b"-11:00", b"", b"+2400", b"+01:60")[at.second % 7]
    fraction = (b"", b".123456", b".")[at.minute % 3]
    return (
        f"{at:%Y-%m-%dT%H:%M:%S}".encode() + fraction + offset + b" " + _tagged(host, program, body)
    )


def _rfc5424(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    data = (b"-", b'[a b="c]\\"d"]', b'[a][b c="d"]', b"[", b'[a "', b"[\\]")[at.second % 6]
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}".encode() + (b"Z", b"+01:00", b"", b"x")[at.minute % 4]
    mark = (b"", b"\xef\xbb\xbf", b" ")[at.second % 3]
    return b"<22>1 %b %b %b - - %b %b" % (stamp, host, program or b"-", data, mark + body)


def _unix(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    return b"%d.123456 %b" % (at.timestamp(), _tagged(host, program, body))


def _own(at: datetime, _host: bytes, _program: bytes, body: bytes) -> bytes:
    return f"{at:%Y-%m-%d %H:%M:%S} ".encode() + (b"", b"-0500 ")[at.second % 2] + body


def _own_yearless(at: datetime, _host: bytes, _program: bytes, body: bytes) -> bytes:
    return f"{at:%b %d %H:%M:%S} ".encode() + body


def _broken(at: datetime, host: bytes, program: bytes, body: bytes) -> bytes:
    forms = (
        b"Feb 30 01:02:03 ",
        b"Nov 31 00:00:00 ",
        b"2026-02-29T01:02:03Z ",
        b"Nov  8 24:00:00 ",
    )
    others = (
        b"<999>Nov  8 09:01:02 ",
        b"\tat ",
        b"",
        b"Feb 29 01:02:03 ",
        b"Nov  8 09:01:02 ",
        b"{",
    )
    return (*forms, *others)[at.second % 10] + _tagged(host, program, body)


FRAMINGS = [
    *([_rfc3164] * 3 + [_padded, _with_priority, _with_facility]),
    *([_iso] * 2 + [_rfc5424] * 2 + [_unix, _own, _own_yearless, _broken]),
]


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """Draw a line that is cut, or has bytes in its middle that are not its own."""
    line = draw(_framed())
    place = draw(st.integers(0, len(line)))
    more = draw(
        st.sampled_from(
            [b"", b"\0", b"\r", b"]", b" in=7 out=8", b"): ", b"<", b'"', b"\xff", b", ip=["]
        )
    )
    return line[:place] + more + (line[place:] if draw(st.booleans()) else b"")


lines = st.one_of(_framed(), _framed(), _framed(), _damaged(), st.binary(max_size=40)).map(
    lambda line: line.replace(b"\n", b"")
)
logs = st.lists(lines, max_size=25)
