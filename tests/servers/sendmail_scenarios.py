"""What is tried on Sendmail, each scenario with its truth.

Its ``size=`` is what the client sent, with LF: without the ``Received:`` of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.clients import SmtpClient, message
from tests.servers.mail_host import NAME, MailHost, mail_host
from tests.servers.network import CLIENT, SERVER
from tests.servers.sandbox import wait_for_line
from tests.servers.sendmail import PACKAGES, Sendmail
from tests.servers.truth import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ANN, FRIEND, GUEST = "ann@alpha.example", "friend@remote.example", "guest@remote.example"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Lab:
    """A mail host on which Sendmail runs."""

    host: MailHost
    sendmail: Sendmail

    def local(self) -> SmtpClient:
        """A client on the mail host, which may relay."""
        return SmtpClient(_LOOPBACK, (_LOOPBACK, 25))

    def foreign(self) -> SmtpClient:
        """A client on a foreign host."""
        return SmtpClient(CLIENT, (SERVER, 25))

    def give(
        self, client: SmtpClient, sender: str, *recipients: str, size: int = 1000
    ) -> tuple[str, int]:
        """Send one message; return its queue id and its size with LF."""
        text = message(size, sender=sender, recipient=recipients[0])
        sent = client.give(sender, recipients, text)
        # 2.0.0 QID Message accepted for delivery
        return sent.reply.split()[1], len(text) - text.count(b"\n")

    def settle(self, queue_id: str, *parts: str) -> None:
        """Wait for a line of a message, then for an empty queue."""
        wait_for_line(self.host.log, f"{queue_id}: to=", *parts)
        self.sendmail.empty()


@contextmanager
def running(directory: Path) -> Iterator[Lab]:
    """Run a Sendmail for the scenarios."""
    with mail_host(directory, PACKAGES) as host:
        sendmail = Sendmail(host.sandbox)
        sendmail.start()
        yield Lab(host, sendmail)


def one_two_many_out(lab: Lab) -> Outcome:
    """To one, two and sixty recipients of a foreign host; one line has several of them."""
    outcome, client = Outcome(), lab.local()
    for count, size in ((1, 700), (2, 3000), (60, 50_000)):
        recipients = [f"recipient{number}@remote.example" for number in range(count)]
        queue_id, known = lab.give(client, ANN, *recipients, size=size)
        lab.settle(queue_id, f"recipient{count - 1}@", "stat=Sent")
        assert all(lab.host.sink.bytes_for(recipient) for recipient in recipients)
        outcome.sizes[queue_id] = known
        outcome.truth.add("alpha.example", "smtp-out", known, messages=count)
    outcome.expect(1, "to=<recipient1@remote.example>,<recipient0@remote.example>, ctladdr=")
    outcome.expect(2, "@remote.example>, [more], ctladdr=", "stat=Sent (")
    return outcome


def one_in(lab: Lab) -> Outcome:
    """From a foreign host to a mailbox, and to another by a virtual user."""
    outcome, client = Outcome(), lab.foreign()
    for recipient, domain in ((f"ann@{NAME}", NAME), ("info@alpha.example", "alpha.example")):
        queue_id, known = lab.give(client, GUEST, recipient, size=1300)
        lab.settle(queue_id, "stat=Sent")
        outcome.sizes[queue_id] = known
        outcome.truth.add(domain, "smtp-in", known)
        outcome.expect(1, f"{queue_id}: to=<{recipient}>", "mailer=local", "stat=Sent")
    return outcome


def deferred(lab: Lab) -> Outcome:
    """Deferred twice, at the recipient and after the data; delivered at the third attempt."""
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("450 4.2.0 Later")
    lab.host.sink.after_data[FRIEND].append("451 4.3.0 Later, too")
    queue_id, known = lab.give(lab.local(), ANN, FRIEND, size=2000)
    lab.settle(queue_id, "stat=Deferred")
    wait_for_line(lab.host.log, f"{queue_id}: to=", "stat=Sent")
    outcome.sizes[queue_id] = known
    outcome.truth.add("alpha.example", "smtp-out", known, attempts=3)
    outcome.expect(2, f"{queue_id}: to=<{FRIEND}>", "stat=Deferred")
    return outcome


def null_sender(lab: Lab) -> Outcome:
    """A message without a sender to a foreign host."""
    outcome = Outcome()
    queue_id, known = lab.give(lab.local(), "", FRIEND, size=900)
    lab.settle(queue_id, "stat=Sent")
    outcome.sizes[queue_id] = known
    outcome.truth.add(NAME, "smtp-out", known)
    outcome.expect(1, f"{queue_id}: from=<>, size={known}")
    return outcome


def bounced(lab: Lab) -> Outcome:
    """Refused by the foreign host.

    The bounce is not in the truth: no line says its size.
    """
    outcome = Outcome()
    lab.host.sink.at_rcpt[FRIEND].append("550 5.1.1 No such user")
    queue_id, known = lab.give(lab.local(), ANN, FRIEND, size=2100)
    lab.settle(queue_id, "dsn=5.1.1")
    outcome.sizes[queue_id] = known
    outcome.truth.add("alpha.example", "smtp-out", known, status="failure")
    child = wait_for_line(lab.host.log, f"{queue_id}: ", ": DSN: ").split(": ")[2]
    wait_for_line(lab.host.log, f"{child}: to=", "stat=Sent")
    outcome.expect(1, f"{child}: to=", "mailer=local", "stat=Sent")
    outcome.expect(0, f"{child}: from=")
    return outcome


def alias(lab: Lab) -> Outcome:
    """An alias of a local and a foreign recipient: both under the message's id, it in no line."""
    outcome = Outcome()
    queue_id, known = lab.give(lab.foreign(), GUEST, f"staff@{NAME}", size=1400)
    lab.settle(queue_id, "mailer=esmtp", "stat=Sent")
    outcome.sizes[queue_id] = known
    outcome.truth.add(NAME, "smtp-in", known)
    outcome.truth.add("remote.example", "smtp-out", known)
    outcome.expect(1, f"{queue_id}: to=bob, delay=", "mailer=local", "stat=Sent")
    outcome.expect(1, f"{queue_id}: to={FRIEND}, delay=", "stat=Sent")
    outcome.expect(0, "staff@")
    return outcome


SCENARIOS: tuple[Callable[[Lab], Outcome], ...] = (
    one_two_many_out,
    one_in,
    deferred,
    null_sender,
    bounced,
    alias,
)
