"""What is tried on Dovecot and Postfix together, each scenario with its truth."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.clients import ImapClient, Pop3Client, SmtpClient, message
from tests.servers.dovecot import (
    COUNTED_CLIENT,
    IMAP,
    PACKAGES,
    PASSWORD,
    POP3,
    POSTFIX_MAIN,
    POSTFIX_MASTER,
    Dovecot,
)
from tests.servers.mail_host import NAME, mail_host
from tests.servers.network import CLIENT, SERVER
from tests.servers.postfix import Postfix
from tests.servers.postfix_scenarios import (
    ANN,
    BOB,
    CAROL,
    FOREIGN_CLIENT,
    FRIEND,
    GUEST,
    Lab,
    with_received,
)
from tests.servers.sandbox import wait_for_line
from tests.servers.truth import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def running(directory: Path) -> Iterator[Lab]:
    """Run a Postfix and a Dovecot for the scenarios."""
    with mail_host(directory, PACKAGES) as host:
        postfix = Postfix(host.sandbox, POSTFIX_MAIN, POSTFIX_MASTER)
        postfix.start()
        Dovecot(host.sandbox).start()
        yield Lab(host, postfix)


def lmtp(lab: Lab) -> Outcome:
    """From a foreign host to mailboxes of Dovecot: one, two, and one by an alias."""
    outcome, client = Outcome(), lab.foreign()
    one = lab.give(client, GUEST, ANN, size=1500)
    info = lab.give(client, GUEST, "info@alpha.example", size=1600)
    two = lab.give(client, GUEST, BOB, CAROL, size=1700)
    lab.settle(one.queue_id, info.queue_id, two.queue_id)
    outcome.sizes[one.queue_id] = with_received(one, ANN, FOREIGN_CLIENT)
    outcome.sizes[info.queue_id] = with_received(info, "info@alpha.example", FOREIGN_CLIENT)
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[one.queue_id])
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[info.queue_id])
    for domain, user in (("alpha.example", BOB), ("beta.example", CAROL)):
        outcome.sizes[two.queue_id] = _stored_size(lab, user, two.queue_id)
        outcome.truth.add(domain, "smtp-in", outcome.sizes[two.queue_id])
    relay = f"relay={NAME}[private/dovecot-lmtp]"
    outcome.expect(4, ": to=<", relay, "status=sent (250 2.0.0 <", " Saved)")
    outcome.expect(1, f"to=<{BOB}>, orig_to=<info@alpha.example>, {relay}")
    outcome.expect(4, "dovecot: lmtp(", "saved mail to INBOX")
    return outcome


def submission(lab: Lab) -> Outcome:
    """A login sends mail, once with the sender of another domain."""
    outcome = Outcome()
    client = SmtpClient(CLIENT, (SERVER, 587))
    client.login(ANN, PASSWORD)
    for sender, domain in ((ANN, "alpha.example"), ("me@gamma.example", "gamma.example")):
        sent = lab.give(client, sender, FRIEND, size=1800)
        lab.settle(sent.queue_id)
        outcome.sizes[sent.queue_id] = lab.sunk()
        outcome.truth.add(domain, "smtp-out", lab.sunk())
        login = f"sasl_method=PLAIN, sasl_username={ANN}"
        outcome.expect(1, "postfix/submission/smtpd", f"{sent.queue_id}: client=", login)
    return outcome


def imap_sessions(lab: Lab) -> Outcome:
    """Sessions that fetch, store and idle about, ended by a logout."""
    outcome, size = Outcome(), 4000
    for user, domain, count in ((ANN, "alpha.example", 2), (CAROL, "beta.example", 1)):
        client = ImapClient(CLIENT, (SERVER, IMAP), user, PASSWORD)
        for _ in range(count):
            stored = message(size, sender=GUEST, recipient=user)
            assert client.append("INBOX", "", "", stored)[0] == "OK"
        client.select()
        assert client.fetch("1:*", "(FLAGS BODY[HEADER])")[0] == "OK"
        assert client.fetch("1", "(BODY[])")[0] == "OK"
        session = client.end()
        # The end of the line LOGOUT is read by nobody.
        read, written = session.to_server - 2, session.to_client
        outcome.truth.add(domain, "imap", read + written)
        ending = f"Disconnected: Logged out in={read} out={written} deleted=0"
        wait_for_line(lab.host.log, ending)
        outcome.expect(1, f"imap({user})<", ending)
    return outcome


def imap_cut(lab: Lab) -> Outcome:
    """A session whose connection is closed without a word."""
    outcome = Outcome()
    client = ImapClient(CLIENT, (SERVER, IMAP), BOB, PASSWORD)
    client.select()
    session = client.cut()
    outcome.truth.add("alpha.example", "imap", session.to_server + session.to_client)
    ending = f"in={session.to_server} out={session.to_client} deleted=0"
    wait_for_line(lab.host.log, f"imap({BOB})<", ending)
    outcome.expect(1, f"imap({BOB})<", "Disconnected: Connection closed", ending)
    return outcome


def pop3_sessions(lab: Lab) -> Outcome:
    """Sessions that fetch a message and a part of it, in Dovecot's own form."""
    outcome = Outcome()
    _append(lab, "dave@alpha.example", 3000)
    client = Pop3Client(CLIENT, (SERVER, POP3), "dave@alpha.example", PASSWORD)
    retrieved = client.counted(lambda: client.retr(1)) - len(b".\r\n")
    top = client.counted(lambda: client.top(1, 5)) - len(b".\r\n")
    client.end()
    outcome.truth.add("alpha.example", "pop3", retrieved + top)
    ending = f"Disconnected: Logged out top=1/{top}, retr=1/{retrieved}, del=0/1, size="
    wait_for_line(lab.host.log, "pop3(dave@alpha.example)<", "Logged out")
    outcome.expect(1, "pop3(dave@alpha.example)<", ending)
    return outcome


def pop3_counted(lab: Lab) -> Outcome:
    """A session whose line has ``in=`` and ``out=``, as a site may configure it."""
    outcome = Outcome()
    _append(lab, "erin@beta.example", 5000)
    client = Pop3Client(COUNTED_CLIENT, (SERVER, POP3), "erin@beta.example", PASSWORD)
    client.retr(1)
    client.dele(1)
    session = client.end()
    read, written = session.to_server, session.to_client
    outcome.truth.add("beta.example", "pop3", read + written)
    wait_for_line(lab.host.log, "pop3(erin@beta.example)<", "Logged out")
    outcome.expect(1, "pop3(erin@beta.example)<", "del=1/1", f", in={read}, out={written}")
    return outcome


def _stored_size(lab: Lab, user: str, queue_id: str) -> int:
    """Size of a message in a mailbox without what Dovecot put before it, with CRLF."""
    folder = lab.host.sandbox.root / "var/mail" / user / "mail/new"
    texts = (path.read_bytes() for path in folder.iterdir())
    (stored,) = (text for text in texts if queue_id.encode() in text)
    message = stored[stored.index(b"Received: from client.example.org") :]
    return len(message) + message.count(b"\n")


def _append(lab: Lab, user: str, size: int) -> None:
    """Put a message into a mailbox without a session."""
    folder = lab.host.sandbox.root / "var/mail" / user / "mail/new"
    lab.host.sandbox.run("install", "-d", "-o", "vmail", "-g", "vmail", f"/var/mail/{user}")
    for name in ("mail", "mail/new", "mail/cur", "mail/tmp"):
        path = f"/var/mail/{user}/{name}"
        lab.host.sandbox.run("install", "-d", "-o", "vmail", "-g", "vmail", path)
    stored = message(size, sender=GUEST, recipient=user)
    (folder / "1.mail").write_bytes(stored.replace(b"\r\n", b"\n"))


SCENARIOS: tuple[Callable[[Lab], Outcome], ...] = (
    lmtp,
    submission,
    imap_sessions,
    imap_cut,
    pop3_sessions,
    pop3_counted,
)
