"""What is tried on Postfix, each scenario with its truth."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.servers.clients import Sent, SmtpClient, message
from tests.servers.host_log import OwnLog
from tests.servers.mail_host import NAME, MailHost, mail_host
from tests.servers.network import CLIENT, SERVER
from tests.servers.postfix import PACKAGES, Postfix
from tests.servers.relay import Filter
from tests.servers.sandbox import wait_for_line
from tests.servers.truth import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ANN, BOB, CAROL = "ann@alpha.example", "bob@alpha.example", "carol@beta.example"
FRIEND = "friend@remote.example"
GUEST = "guest@remote.example"
#: As Postfix writes it into Received:, whatever the day.
_DATE = "Mon, 30 Nov 2026 09:01:02 +0000 (UTC)"
_LOOPBACK = "127.0.0.1"
_OWN_LOG = "var/log/mail.log"


@dataclass(frozen=True)
class Lab:
    """A mail host on which Postfix runs."""

    host: MailHost
    postfix: Postfix

    def local(self, port: int = 25) -> SmtpClient:
        """A client on the mail host, which may relay."""
        return SmtpClient(_LOOPBACK, (_LOOPBACK, port))

    def foreign(self) -> SmtpClient:
        """A client on a foreign host."""
        return SmtpClient(CLIENT, (SERVER, 25))

    def give(self, client: SmtpClient, sender: str, *recipients: str, size: int = 1000) -> Sent:
        """Send one message and wait for nothing."""
        return client.give(
            sender, recipients, message(size, sender=sender, recipient=recipients[0])
        )

    def settle(self, *queue_ids: str) -> None:
        """Try what was deferred again until messages are removed, and all that they caused."""
        self.postfix.empty()
        for queue_id in queue_ids:
            wait_for_line(self.host.log, f"{queue_id}: removed")

    def sunk(self, recipient: str = FRIEND) -> int:
        """Size of the last message that the foreign host accepted for a recipient."""
        return self.host.sink.bytes_for(recipient)[-1]


@contextmanager
def running(directory: Path) -> Iterator[Lab]:
    """Run a Postfix for the scenarios."""
    with mail_host(directory, PACKAGES) as host:
        postfix = Postfix(host.sandbox)
        postfix.start()
        yield Lab(host, postfix)


@contextmanager
def running_with_own_log(directory: Path) -> Iterator[Lab]:
    """Run a Postfix that writes its log itself, by postlogd."""
    with mail_host(directory, PACKAGES) as host:
        postfix = Postfix(host.sandbox, {"maillog_file": f"/{_OWN_LOG}"})
        log = host.sandbox.root / _OWN_LOG
        log.parent.mkdir()
        own = replace(host, logs=OwnLog(log, 0))
        postfix.start()
        yield Lab(own, postfix)


def with_received(sent: Sent, recipient: str, client: str = f"localhost [{_LOOPBACK}]") -> int:
    """Size of a message to one recipient with the header ``Received:`` of Postfix before it."""
    header = (
        f"Received: from client.example.org ({client})\r\n"
        f"\tby {NAME} (Postfix) with ESMTP id {sent.queue_id}\r\n"
        f"\tfor <{recipient}>; {_DATE}\r\n"
    )
    return sent.wire + len(header.encode())


FOREIGN_CLIENT = f"client.example.org [{CLIENT}]"


def one_in(lab: Lab) -> Outcome:
    """From a foreign host to a mailbox."""
    outcome = Outcome()
    sent = lab.give(lab.foreign(), GUEST, ANN, size=1234)
    lab.settle(sent.queue_id)
    size = with_received(sent, ANN, FOREIGN_CLIENT)
    outcome.truth.add("alpha.example", "smtp-in", size)
    outcome.sizes[sent.queue_id] = size
    outcome.expect(1, f"{sent.queue_id}: to=<{ANN}>", "relay=virtual", "status=sent")
    return outcome


def one_two_many_out(lab: Lab) -> Outcome:
    """To one, two and sixty recipients of a foreign host, which gets the sixty in two parts."""
    outcome, client = Outcome(), lab.local()
    for count, size in ((1, 700), (2, 3000), (60, 50_000)):
        recipients = [f"r{number}@remote.example" for number in range(count)]
        sent = lab.give(client, ANN, *recipients, size=size)
        lab.settle(sent.queue_id)
        sizes = {lab.sunk(recipient) for recipient in recipients}
        assert len(sizes) == 1, sizes
        outcome.sizes[sent.queue_id] = lab.sunk(recipients[0])
        outcome.truth.add("alpha.example", "smtp-out", lab.sunk(recipients[0]), messages=count)
        outcome.expect(count, f"{sent.queue_id}: to=<", "status=sent")
    return outcome


def aliases(lab: Lab) -> Outcome:
    """A virtual alias in the same domain, one of two domains, and one that leads away."""
    outcome, client = Outcome(), lab.foreign()
    info = lab.give(client, GUEST, "info@alpha.example", size=900)
    both = lab.give(client, GUEST, "both@beta.example", size=1100)
    away = lab.give(client, GUEST, "away@alpha.example", size=1300)
    for sent, address in (
        (info, "info@alpha.example"),
        (both, "both@beta.example"),
        (away, "away@alpha.example"),
    ):
        lab.settle(sent.queue_id)
        outcome.sizes[sent.queue_id] = with_received(sent, address, FOREIGN_CLIENT)
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[info.queue_id])
    outcome.truth.add("beta.example", "smtp-in", outcome.sizes[both.queue_id], messages=2)
    outcome.truth.add("remote.example", "smtp-out", lab.sunk())
    assert lab.sunk() == outcome.sizes[away.queue_id]
    outcome.expect(1, info.queue_id, f"to=<{BOB}>, orig_to=<info@alpha.example>")
    outcome.expect(2, both.queue_id, "orig_to=<both@beta.example>")
    return outcome


def local_alias(lab: Lab) -> Outcome:
    """An alias of local(8): one recipient is here, for the foreign one it makes a new message."""
    outcome = Outcome()
    sent = lab.give(lab.foreign(), GUEST, f"staff@{NAME}", size=800)
    line = wait_for_line(lab.host.log, f"{sent.queue_id}: to=<staff@{NAME}>", "forwarded as ")
    child = line.rpartition("forwarded as ")[2].rstrip(")")
    lab.settle(sent.queue_id, child)
    outcome.sizes[sent.queue_id] = with_received(sent, f"staff@{NAME}", FOREIGN_CLIENT)
    outcome.sizes[child] = lab.sunk()
    outcome.truth.add(NAME, "smtp-in", outcome.sizes[sent.queue_id])
    outcome.truth.add("remote.example", "smtp-out", lab.sunk())
    parts = f"{sent.queue_id}: to=<bob@{NAME}>, orig_to=<staff@{NAME}>, relay=local", "=sent"
    outcome.expect(1, *parts)
    outcome.expect(1, f"{child}: to=<{FRIEND}>, orig_to=<staff@{NAME}>, relay=mx.example.org[")
    outcome.expect(0, f"{child}: client=")
    return outcome


def bounced(lab: Lab) -> Outcome:
    """Refused by the foreign host; the sender gets a message of the null sender."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("550 5.1.1 No such user")
    known = lab.postfix.mailbox(ANN)
    sent = lab.give(lab.local(), ANN, FRIEND, size=2000)
    lab.settle(sent.queue_id)
    size = with_received(sent, FRIEND)
    outcome.sizes[sent.queue_id] = size
    outcome.truth.add("alpha.example", "smtp-out", size, status="failure")
    outcome.truth.add("alpha.example", "smtp-in", stored_size(lab, ANN, known))
    outcome.expect(1, f"{sent.queue_id}: to=<{FRIEND}>", "status=bounced")
    outcome.expect(1, "from=<>, size=", f"size={stored_size(lab, ANN, known)},")
    return outcome


def deferred(lab: Lab) -> Outcome:
    """Deferred twice, at the recipient and after the data; delivered at the third attempt."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("450 4.2.0 Later")
    lab.host.sink.after_data[FRIEND].append("451 4.3.0 Later, too")
    sent = lab.give(lab.local(), ANN, FRIEND, size=2000)
    lab.settle(sent.queue_id)
    outcome.sizes[sent.queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk(), attempts=3)
    outcome.expect(3, f"{sent.queue_id}: from=<{ANN}>, size={lab.sunk()}, nrcpt=1 (queue active)")
    outcome.expect(2, f"{sent.queue_id}: to=<{FRIEND}>", "status=deferred")
    outcome.expect(1, f"{sent.queue_id}: to=<{FRIEND}>", "status=sent")
    return outcome


def partly_deferred(lab: Lab) -> Outcome:
    """Of three recipients one is delivered at once, one later, one never."""
    outcome, others = Outcome(), ("late@remote.example", "never@remote.example")
    lab.host.sink.at_rcpt[others[0]].append("450 4.2.0 Later")
    lab.host.sink.at_rcpt[others[1]].append("550 5.1.1 No such user")
    known = lab.postfix.mailbox(ANN)
    sent = lab.give(lab.local(), ANN, FRIEND, *others, size=1500)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", size)
    outcome.truth.add("alpha.example", "smtp-out", size, attempts=2)
    outcome.truth.add("alpha.example", "smtp-out", size, status="failure")
    outcome.truth.add("alpha.example", "smtp-in", stored_size(lab, ANN, known))
    outcome.expect(2, f"{sent.queue_id}: from=<{ANN}>, size={size}, nrcpt=3")
    return outcome


def expired(lab: Lab) -> Outcome:
    """Deferred until it is given up."""
    outcome, known = Outcome(), lab.postfix.mailbox(ANN)
    many = ["450 4.2.0 Later"] * 100
    waiting = lab.host.sink.at_rcpt[FRIEND] = list(many)
    sent = lab.give(lab.local(), ANN, FRIEND, size=1700)
    wait_for_line(lab.host.log, f"{sent.queue_id}: to=<{FRIEND}>", "status=deferred")
    lab.postfix.set(maximal_queue_lifetime="1s")
    lab.settle(sent.queue_id)
    lab.postfix.set(maximal_queue_lifetime="5d")
    deferrals = len(many) - len(waiting)
    waiting.clear()
    size = outcome.sizes[sent.queue_id] = with_received(sent, FRIEND)
    outcome.truth.add("alpha.example", "smtp-out", size, status="expired", attempts=deferrals)
    outcome.truth.add("alpha.example", "smtp-in", stored_size(lab, ANN, known))
    outcome.expect(1, f"{sent.queue_id}: from=<{ANN}>, status=expired, returned to sender")
    outcome.expect(deferrals, f"{sent.queue_id}: to=<{FRIEND}>", "status=deferred")
    return outcome


def content_filter(lab: Lab) -> Outcome:
    """Through an after-queue filter: each message has two queue ids and is charged once."""
    outcome, known = Outcome(), lab.postfix.mailbox(CAROL)
    with Filter((_LOOPBACK, 10024), (_LOOPBACK, 10025)):
        client = lab.local(2525)
        for recipient, size in ((FRIEND, 2222), (CAROL, 3333)):
            sent = lab.give(client, ANN, recipient, size=size)
            line = wait_for_line(lab.host.log, f"{sent.queue_id}: to=<", "queued as ")
            again = line.rpartition("queued as ")[2].rstrip(")")
            lab.settle(sent.queue_id, again)
            outcome.sizes[sent.queue_id] = with_received(sent, recipient)
            stored = lab.sunk() if recipient == FRIEND else stored_size(lab, CAROL, known)
            outcome.sizes[again] = stored
            outcome.expect(1, f"{again}: client=", f"orig_queue_id={sent.queue_id}")
            outcome.expect(
                1, f"{sent.queue_id}: to=<", f"queued as {again})", "postfix/amavis/smtp"
            )
            domain, service = (
                ("alpha.example", "smtp-out")
                if recipient == FRIEND
                else ("beta.example", "smtp-in")
            )
            outcome.truth.add(domain, service, outcome.sizes[again])
    return outcome


def proxy_filter(lab: Lab) -> Outcome:
    """Through a before-queue filter: one queue id, and a client line without one."""
    outcome = Outcome()
    with Filter((_LOOPBACK, 10024), (_LOOPBACK, 10025)):
        client = lab.local(2526)
        sent = lab.give(client, ANN, FRIEND, size=1200)
        client.quit()
        lab.settle(sent.queue_id)
    outcome.sizes[sent.queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk())
    outcome.expect(1, "postfix/proxied/smtpd", "NOQUEUE: client=localhost[127.0.0.1]")
    outcome.expect(1, "proxy-accept: END-OF-MESSAGE:", f"queued as {sent.queue_id}")
    return outcome


def null_sender(lab: Lab) -> Outcome:
    """Messages without a sender, one each way."""
    outcome = Outcome()
    received = lab.give(lab.foreign(), "", ANN, size=800)
    sent = lab.give(lab.local(), "", FRIEND, size=900)
    lab.settle(received.queue_id, sent.queue_id)
    size = with_received(received, ANN, FOREIGN_CLIENT)
    outcome.sizes.update({received.queue_id: size, sent.queue_id: lab.sunk()})
    outcome.truth.add("alpha.example", "smtp-in", size)
    outcome.truth.add(NAME, "smtp-out", lab.sunk())
    outcome.expect(2, "from=<>, size=")
    return outcome


def odd_addresses(lab: Lab) -> Outcome:
    """Quoted local parts with what readers stumble over, and letters beyond ASCII."""
    outcome, client = Outcome(), lab.local()
    sender = '"ann, status=sent (x"@alpha.example'
    recipients = ('"john doe"@remote.example', '"a>b, relay=z"@remote.example')
    quoted = client.give(sender, recipients, message(900, sender=ANN, recipient=FRIEND))
    client.ehlo()
    utf8 = client.give(
        "ann@alpha.example",
        ["jörg@remote.example"],
        message(950, sender=ANN, recipient="jörg@remote.example"),
        ["SMTPUTF8"],
    )
    lab.settle(quoted.queue_id, utf8.queue_id)
    for sent, recipient, count in ((quoted, recipients[0], 2), (utf8, "jörg@remote.example", 1)):
        size = outcome.sizes[sent.queue_id] = lab.sunk(recipient)
        outcome.truth.add("alpha.example", "smtp-out", size, messages=count)
        outcome.expect(count, f"{sent.queue_id}: to=<", "status=sent (250")
    outcome.expect(1, f"from=<{sender}>, size=")
    outcome.expect(1, 'to=<"a>b, relay=z"@remote.example>, relay=mx.example.org[')
    outcome.expect(1, "to=<jörg@remote.example>, relay=")
    return outcome


def discarded(lab: Lab) -> Outcome:
    """Accepted and thrown away by discard(8)."""
    outcome = Outcome()
    sent = lab.give(lab.local(), ANN, "anyone@void.example", size=1000)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = with_received(sent, "anyone@void.example")
    outcome.truth.add("alpha.example", "smtp-out", size, status="discarded")
    outcome.expect(1, f"{sent.queue_id}: to=<", "relay=none", "status=sent (void.example)")
    return outcome


def piped(lab: Lab) -> Outcome:
    """Delivered by pipe(8) to a program."""
    outcome = Outcome()
    sent = lab.give(lab.local(), ANN, "x@piped.example", size=1000)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = with_received(sent, "x@piped.example")
    outcome.truth.add("piped.example", "smtp-in", size)
    outcome.expect(1, "relay=answering", "status=sent (delivered via answering service)")
    return outcome


def by_sendmail(lab: Lab) -> Outcome:
    """Handed over on the host, by the program sendmail."""
    outcome = Outcome()
    lab.host.sandbox.run(
        "sendmail",
        "-i",
        "-f",
        ANN,
        FRIEND,
        given=message(600, sender=ANN, recipient=FRIEND).replace(b"\r\n", b"\n"),
    )
    line = wait_for_line(lab.host.log, "postfix/pickup[", f"uid=0 from=<{ANN}>")
    queue_id = line.split(": ")[1]
    lab.settle(queue_id)
    outcome.sizes[queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk())
    return outcome


def long_ids(lab: Lab) -> Outcome:
    """Queue ids that are never used again."""
    outcome = Outcome()
    sent = lab.give(lab.local(2527), ANN, FRIEND)
    lab.settle(sent.queue_id)
    assert len(sent.queue_id) >= 12, sent
    outcome.sizes[sent.queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk())
    return outcome


def long_lines(lab: Lab) -> Outcome:
    """Lines of 128 bytes and more: the queue file, and so ``size=``, has a byte more for each."""
    outcome = Outcome()
    body = message(1000, sender=ANN, recipient=FRIEND) + (b"y" * 300 + b"\r\n") * 100
    sent = lab.local().give(ANN, [FRIEND], body)
    lab.settle(sent.queue_id)
    outcome.sizes[sent.queue_id] = lab.sunk() + 100
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk() + 100)
    return outcome


def rotated(lab: Lab) -> Outcome:
    """The log is rotated between a message's arrival and its delivery."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("450 4.2.0 Later")
    sent = lab.give(lab.local(), ANN, FRIEND, size=2400)
    wait_for_line(lab.host.log, f"{sent.queue_id}: to=<{FRIEND}>", "status=deferred")
    lab.host.logs.rotate()
    lab.settle(sent.queue_id)
    outcome.sizes[sent.queue_id] = lab.sunk()
    outcome.truth.add("alpha.example", "smtp-out", lab.sunk(), attempts=2)
    return outcome


def stored_size(lab: Lab, address: str, known: list[bytes]) -> int:
    """Bytes of the one message that is new in a mailbox, as Postfix had it in its queue.

    virtual(8) puts headers before it and ends lines with LF.
    """
    (new,) = [each for each in lab.postfix.mailbox(address) if each not in known]
    lines = new.splitlines(keepends=True)
    added = (b"Return-Path:", b"X-Original-To:", b"Delivered-To:")
    while lines[0].startswith(added):
        del lines[0]
    return sum(len(line) + 1 + (len(line) > 128) for line in lines)


SCENARIOS: tuple[Callable[[Lab], Outcome], ...] = (
    one_in,
    one_two_many_out,
    aliases,
    local_alias,
    bounced,
    deferred,
    partly_deferred,
    expired,
    content_filter,
    proxy_filter,
    null_sender,
    odd_addresses,
    discarded,
    piped,
    by_sendmail,
    long_ids,
    long_lines,
    rotated,
)

#: Few of them: in its own log, Postfix has another form of stamp and host, and the same bodies.
#: Not ``rotated``: postlogd has its log open until `postfix logrotate` says otherwise.
WITH_OWN_LOG: tuple[Callable[[Lab], Outcome], ...] = (one_in, deferred, content_filter)
