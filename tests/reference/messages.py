"""Messages in queues: what must be known of them until their last recipient (FORMATS 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Seconds of log time that a message is known after its last line.
KEPT = 60


@dataclass
class Pending:
    """A recipient that was deferred."""

    deferrals: int = 0
    connected: bool = False
    #: The agent of the last deferral and its relay.
    agent: bytes = b""
    relay: bytes = b""


@dataclass
class Message:
    size: int | None = None
    sender: bytes | None = None
    login: bytes = b""
    submitted: bool = False
    #: It began on this host without a client: a bounce or a forwarded message.
    born_here: bool = False
    #: Name and address of the client it came from; empty for one born here.
    client: tuple[bytes, bytes] = (b"", b"")
    #: By recipient and recipient as addressed.
    pending: dict[tuple[bytes, bytes], Pending] = field(default_factory=dict)
    #: Ways of which a record was made.
    counted: set[str] = field(default_factory=set)
    #: Time of its last line.
    gone: int | None = None


@dataclass
class Messages:
    """The messages of all hosts of a log; queue ids are per host."""

    known: dict[tuple[bytes, bytes], Message] = field(default_factory=dict)

    def age(self, host: bytes, time: int) -> None:
        """Forget what is gone for more than a minute of the host's log."""
        for key, message in list(self.known.items()):
            if key[0] == host and message.gone is not None and time > message.gone + KEPT:
                del self.known[key]

    def get(self, host: bytes, name: bytes) -> Message | None:
        return self.known.get((host, name))

    def new(self, host: bytes, name: bytes) -> Message:
        """Give an id to a new message."""
        self.known[host, name] = Message()
        return self.known[host, name]

    def here(self, host: bytes, name: bytes) -> Message:
        """Return a message, a new one where the log began later than it."""
        return self.known.get((host, name)) or self.new(host, name)

    def end(self, host: bytes, name: bytes, time: int) -> None:
        if message := self.known.get((host, name)):
            message.gone = time
