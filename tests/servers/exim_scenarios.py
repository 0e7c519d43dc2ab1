"""What is tried on Exim, each scenario with its truth."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.servers.clients import Sent, SmtpClient, message
from tests.servers.exim import OWNER, PACKAGES, PASSWORD, Exim
from tests.servers.host_log import OwnLog
from tests.servers.mail_host import NAME, MailHost, mail_host
from tests.servers.network import CLIENT, SERVER
from tests.servers.relay import Filter
from tests.servers.sandbox import wait_for_line
from tests.servers.truth import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ANN, BOB, CAROL = "ann@alpha.example", "bob@alpha.example", "carol@beta.example"
FRIEND, GUEST = "friend@remote.example", "guest@remote.example"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Lab:
    """A mail host on which Exim runs."""

    host: MailHost
    exim: Exim

    def local(self, port: int = 25) -> SmtpClient:
        """A client on the mail host, which may relay."""
        return SmtpClient(_LOOPBACK, (_LOOPBACK, port))

    def foreign(self) -> SmtpClient:
        """A client on a foreign host."""
        return SmtpClient(CLIENT, (SERVER, 25))

    def give(self, client: SmtpClient, sender: str, *recipients: str, size: int = 1000) -> Sent:
        """Send one message."""
        text = message(size, sender=sender, recipient=recipients[0])
        return client.give(sender, recipients, text)

    def settle(self, *message_ids: str) -> None:
        """Try what was deferred again until messages are completed, and all that they caused."""
        for message_id in message_ids:
            wait_for_line(self.host.log, message_id)
        self.exim.empty()
        for message_id in message_ids:
            wait_for_line(self.host.log, f"{message_id} Completed")

    def offered(self, recipient: str = FRIEND) -> int:
        """Size, with LF, of the last message that the foreign host got for a recipient."""
        data = [taken.data for taken in self.host.sink.taken if recipient in taken.recipients][-1]
        return len(data) - data.count(b"\n")

    def stored(self, address: str, message_id: str) -> int:
        """Size of the one message in a mailbox that has an id in it."""
        (text,) = [text for text in self.exim.mailbox(address) if message_id.encode() in text]
        return len(text)


@contextmanager
def running(directory: Path) -> Iterator[Lab]:
    """Run an Exim for the scenarios."""
    with mail_host(directory, PACKAGES) as host:
        exim = Exim(host.sandbox)
        own = replace(host, logs=OwnLog(exim.log, OWNER))
        exim.start()
        yield Lab(own, exim)


def one_in(lab: Lab) -> Outcome:
    """From a foreign host to a mailbox."""
    outcome = Outcome()
    sent = lab.give(lab.foreign(), GUEST, ANN, size=1234)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = lab.stored(ANN, sent.queue_id)
    outcome.truth.add("alpha.example", "smtp-in", size)
    outcome.expect(1, f"{sent.queue_id} => ann <{ANN}> R=mailboxes T=maildir")
    return outcome


def one_two_many_out(lab: Lab) -> Outcome:
    """To one, two and sixty recipients of a foreign host, in one transaction each."""
    outcome, client = Outcome(), lab.local()
    for count, size in ((1, 700), (2, 3000), (60, 50_000)):
        recipients = [f"r{number}@remote.example" for number in range(count)]
        sent = lab.give(client, ANN, *recipients, size=size)
        lab.settle(sent.queue_id)
        arrived = outcome.sizes[sent.queue_id] = lab.offered(recipients[0])
        outcome.truth.add("alpha.example", "smtp-out", arrived, messages=count)
        outcome.expect(1, f"{sent.queue_id} => r", "H=mx.example.org [203.0.113.25]")
        outcome.expect(count - 1, f"{sent.queue_id} -> r", "H=mx.example.org [203.0.113.25]")
    return outcome


def aliases(lab: Lab) -> Outcome:
    """An alias in the same domain, one of two domains, and one that leads away."""
    outcome, client = Outcome(), lab.foreign()
    info = lab.give(client, GUEST, "info@alpha.example", size=900)
    both = lab.give(client, GUEST, "both@beta.example", size=1100)
    away = lab.give(client, GUEST, "away@alpha.example", size=1300)
    lab.settle(info.queue_id, both.queue_id, away.queue_id)
    outcome.sizes = {
        info.queue_id: lab.stored(BOB, info.queue_id),
        both.queue_id: lab.stored(CAROL, both.queue_id),
        away.queue_id: lab.offered(),
    }
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[info.queue_id])
    outcome.truth.add("beta.example", "smtp-in", outcome.sizes[both.queue_id], messages=2)
    outcome.truth.add("remote.example", "smtp-out", outcome.sizes[away.queue_id])
    outcome.expect(1, f"{info.queue_id} => bob <info@alpha.example> R=mailboxes")
    outcome.expect(2, f"{both.queue_id} => ", "<both@beta.example> R=mailboxes")
    outcome.expect(1, f"{away.queue_id} => {FRIEND} <away@alpha.example> R=foreign")
    return outcome


def bounced(lab: Lab) -> Outcome:
    """Refused by the foreign host after the data; the sender gets a bounce."""
    outcome = Outcome()
    lab.host.sink.after_data[FRIEND].append("550 5.7.1 Not wanted")
    sent = lab.give(lab.local(), ANN, FRIEND, size=2000)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = lab.offered()
    bounce = wait_for_line(lab.host.log, f"<= <> R={sent.queue_id} ").split()[2]
    lab.settle(bounce)
    outcome.sizes[bounce] = lab.stored(ANN, f"id {bounce}")
    outcome.truth.add("alpha.example", "smtp-out", size, status="failure")
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[bounce])
    outcome.expect(1, f"{sent.queue_id} ** {FRIEND} R=foreign T=to_foreign H=mx.example.org")
    return outcome


def deferred(lab: Lab) -> Outcome:
    """Deferred twice, at the recipient and after the data; delivered at the third attempt."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("450 4.2.0 Later")
    lab.host.sink.after_data[FRIEND].append("451 4.3.0 Later, too")
    sent = lab.give(lab.local(), ANN, FRIEND, size=2000)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = lab.offered()
    outcome.truth.add("alpha.example", "smtp-out", size, attempts=3)
    outcome.expect(2, f"{sent.queue_id} == {FRIEND} R=foreign")
    outcome.expect(1, f"{sent.queue_id} => {FRIEND} R=foreign")
    return outcome


def expired(lab: Lab) -> Outcome:
    """Deferred until it is given up."""
    outcome, many = Outcome(), ["451 4.3.0 Later"] * 100
    waiting = lab.host.sink.after_data[FRIEND] = list(many)
    lab.exim.retry_for("2s")
    sent = lab.give(lab.local(), ANN, FRIEND, size=1700)
    lab.settle(sent.queue_id)
    lab.exim.retry_for("5d")
    deferrals = len(many) - len(waiting)
    waiting.clear()
    size = outcome.sizes[sent.queue_id] = lab.offered()
    bounce = wait_for_line(lab.host.log, f"<= <> R={sent.queue_id} ").split()[2]
    lab.settle(bounce)
    outcome.sizes[bounce] = lab.stored(ANN, f"id {bounce}")
    outcome.truth.add("alpha.example", "smtp-out", size, status="expired", attempts=deferrals)
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[bounce])
    outcome.expect(1, f"{sent.queue_id} ** {FRIEND}: retry timeout exceeded")
    return outcome


def content_filter(lab: Lab) -> Outcome:
    """Through a filter that gives the message back: two ids, charged once."""
    outcome = Outcome()
    with Filter((_LOOPBACK, 10024), (_LOOPBACK, 10025)):
        sent = lab.give(lab.local(2525), ANN, FRIEND, size=2222)
        line = wait_for_line(lab.host.log, f"{sent.queue_id} => {FRIEND}", "R=filter", "OK id=")
        again = line.rpartition("OK id=")[2].rstrip('"')
        lab.settle(sent.queue_id, again)
    outcome.sizes[again] = lab.offered()
    outcome.truth.add("alpha.example", "smtp-out", lab.offered())
    outcome.expect(2, f" <= {ANN} ")
    return outcome


def null_sender(lab: Lab) -> Outcome:
    """Messages without a sender, one each way."""
    outcome = Outcome()
    received = lab.give(lab.foreign(), "", ANN, size=800)
    sent = lab.give(lab.local(), "", FRIEND, size=900)
    lab.settle(received.queue_id, sent.queue_id)
    outcome.sizes = {
        received.queue_id: lab.stored(ANN, received.queue_id),
        sent.queue_id: lab.offered(),
    }
    outcome.truth.add("alpha.example", "smtp-in", outcome.sizes[received.queue_id])
    outcome.truth.add(NAME, "smtp-out", lab.offered())
    outcome.expect(2, " <= <> H=")
    return outcome


def odd_addresses(lab: Lab) -> Outcome:
    """Quoted local parts with what readers stumble over, and letters beyond ASCII."""
    outcome, client = Outcome(), lab.local()
    sender = '"ann S=1 (x"@alpha.example'
    recipients = ('"John Doe"@remote.example', '"a>b R=z"@remote.example')
    quoted = client.give(sender, recipients, message(900, sender=ANN, recipient=FRIEND))
    client.ehlo()
    text = message(950, sender=ANN, recipient="jörg@remote.example")
    utf8 = client.give(ANN, ["jörg@remote.example"], text, ["SMTPUTF8"])
    lab.settle(quoted.queue_id, utf8.queue_id)
    for sent, recipient, count in ((quoted, recipients[0], 2), (utf8, "jörg@remote.example", 1)):
        size = outcome.sizes[sent.queue_id] = lab.offered(recipient)
        outcome.truth.add("alpha.example", "smtp-out", size, messages=count)
    outcome.expect(2, f"{quoted.queue_id} ", "@remote.example> R=foreign T=to_foreign")
    outcome.expect(1, f"{quoted.queue_id} <= {sender} H=")
    outcome.expect(1, '<"John Doe"@remote.example>')
    return outcome


def blackhole(lab: Lab) -> Outcome:
    """Accepted and thrown away."""
    outcome = Outcome()
    text = message(1000, sender=GUEST, recipient="void@alpha.example")
    sent = lab.foreign().give(GUEST, ["void@alpha.example", CAROL], text)
    lab.settle(sent.queue_id)
    size = outcome.sizes[sent.queue_id] = lab.stored(CAROL, sent.queue_id)
    outcome.truth.add("alpha.example", "smtp-in", size, status="discarded")
    outcome.truth.add("beta.example", "smtp-in", size)
    outcome.expect(1, f"{sent.queue_id} => :blackhole: <void@alpha.example> R=aliases")
    return outcome


def by_sendmail(lab: Lab) -> Outcome:
    """Handed over on the host, by the program sendmail."""
    outcome = Outcome()
    text = message(600, sender=ANN, recipient=FRIEND).replace(b"\r\n", b"\n")
    lab.host.sandbox.run("exim4", "-i", "-odf", "-f", ANN, FRIEND, given=text)
    message_id = wait_for_line(lab.host.log, f"<= {ANN} U=root P=local").split()[2]
    lab.settle(message_id)
    outcome.sizes[message_id] = lab.offered()
    outcome.truth.add("alpha.example", "smtp-out", lab.offered())
    return outcome


def submission(lab: Lab) -> Outcome:
    """A login sends mail."""
    outcome, client = Outcome(), lab.foreign()
    client.login(ANN, PASSWORD)
    sent = lab.give(client, ANN, FRIEND, size=1800)
    lab.settle(sent.queue_id)
    outcome.sizes[sent.queue_id] = lab.offered()
    outcome.truth.add("alpha.example", "smtp-out", lab.offered())
    outcome.expect(1, f"{sent.queue_id} <= {ANN} H=", f"P=esmtpa A=plain:{ANN} S=")
    return outcome


def rotated(lab: Lab) -> Outcome:
    """The log is rotated between a message's arrival and its delivery."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("450 4.2.0 Later")
    sent = lab.give(lab.local(), ANN, FRIEND, size=2400)
    wait_for_line(lab.host.log, f"{sent.queue_id} == {FRIEND}")
    lab.host.logs.rotate()
    lab.exim.empty()
    wait_for_line(lab.host.log, f"{sent.queue_id} Completed")
    outcome.sizes[sent.queue_id] = lab.offered()
    outcome.truth.add("alpha.example", "smtp-out", lab.offered(), attempts=2)
    return outcome


SCENARIOS: tuple[Callable[[Lab], Outcome], ...] = (
    one_in,
    one_two_many_out,
    aliases,
    bounced,
    deferred,
    expired,
    content_filter,
    null_sender,
    odd_addresses,
    blackhole,
    by_sendmail,
    submission,
    rotated,
)
