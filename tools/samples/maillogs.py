"""Generate qmail's own logs, by syslog or multilog, for benchmarks and tests.

A queue is simulated: messages arrive, deliveries interleave, are deferred for hours, fail and
bounce, message numbers are reused, and qmail is restarted at times. The simulation knows what was
delivered: its :class:`Truth` is found without a mailtally parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally.samples.sample_logs import Truth, date_of
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Callable

HOST: Final = "mail.example.com"
DOUBLE_BOUNCE: Final = "#@[]"

_OURS: Final = ("alder.example.com", "birch.example.org", "Cedar.example", "elm.example.net.")
_THEIRS: Final = ("far.example.com", "away.example.net", "abroad.example.org")
_PEOPLE: Final = ("anna", "bob.smith", "info", "m-mueller", "list-owner", "=weird>")
_STATUSES: Final = ("success", "failure")
#: The offset of daemontools' TAI64 labels to Unix seconds.
_TAI: Final = 2**62 + 10

_DEFERRED: Final = 0.15
_FAILED: Final = 0.06
_LOCAL: Final = 0.6
_NULL_SENDER: Final = 0.02
_RESTARTED: Final = 0.002  # at each arrival


@dataclass(frozen=True, slots=True)
class Run:
    """The log of one qmail: times in microseconds since 1970, ascending, and messages."""

    said: tuple[tuple[int, str], ...]
    truth: Truth

    def syslog(self) -> list[bytes]:
        """Return the lines as syslog writes them, with some lines of another program."""
        lines = []
        for number, (moment, text) in enumerate(self.said):
            seconds, micros = divmod(moment, 1_000_000)
            head = f"{date_of(seconds)} {self.truth.host}"
            lines.append(f"{head} qmail: {seconds}.{micros:06d} {text}\n".encode())
            if number % 50 == 0:
                lines.append(f"{head} spamd[12]: delivery 1: success: not of qmail\n".encode())
        return lines

    def multilog(self) -> list[bytes]:
        """Return the lines as multilog writes them."""
        return [f"{label_of(moment)} {text}\n".encode() for moment, text in self.said]


def label_of(moment: int) -> str:
    """Return the TAI64N label of a time in microseconds since 1970."""
    seconds, micros = divmod(moment, 1_000_000)
    return f"@{seconds + _TAI:016x}{micros * 1000:08x}"


def play(messages: int, *, start: int, seed: int, host: str = HOST, every: float = 5.0) -> Run:
    """Simulate the arrival of some messages, until the queue is empty.

    Args:
        messages: number of messages from outside; bounces are added.
        start: Unix seconds of the first.
        seed: seed of the random numbers; equal seeds give equal logs.
        host: name of the mail host.
        every: mean seconds between two arrivals.
    """
    return _Queue(Random(seed), host).play(messages, start, every)


@dataclass(slots=True)
class _Message:
    number: int
    size: int
    sender: str
    left: int  # recipients without a final delivery
    failed: bool = False


@dataclass(slots=True)
class _Recipient:
    message: _Message
    channel: str
    address: str
    domain: str
    attempts: int = 0


@dataclass(slots=True)
class _Queue:
    """qmail's queue, and the agenda of future events."""

    rng: Random
    host: str
    said: list[tuple[int, str]] = field(default_factory=list)
    records: list[tuple[int, int, int, int, int, str]] = field(default_factory=list)
    agenda: list[tuple[int, int, Callable[[int], None]]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    numbers: int = 8_400_000
    delivery: int = 0
    starts: int = 0  # of qmail
    planned: int = 0

    def play(self, messages: int, start: int, every: float) -> Run:
        moment = start * 1_000_000
        for _ in range(messages):
            self._plan(moment, self._arrive)
            moment += int(self.rng.expovariate(1 / every) * 1_000_000) + 1
        while self.agenda:
            moment, _, action = heappop(self.agenda)
            action(moment)
        return Run(tuple(self.said), self._truth())

    def _plan(self, moment: int, action: Callable[[int], None]) -> None:
        self.planned += 1
        heappush(self.agenda, (moment, self.planned, action))

    def _say(self, moment: int, text: str) -> None:
        self.said.append((moment, text))

    def _arrive(self, moment: int) -> None:
        if self.rng.random() < _RESTARTED:
            self._say(moment, "status: exiting")
            self.starts, self.delivery = self.starts + 1, 0
        sender = self._address(_OURS)[0]
        self._take("" if self.rng.random() < _NULL_SENDER else sender, "", moment)

    def _take(self, sender: str, back_to: str, moment: int) -> None:
        """Put a message into the queue; with ``back_to``, a bounce to that address."""
        number = self.free.pop() if self.free else self.numbers
        self.numbers = max(self.numbers, number + 1)
        count = 1 if back_to else self.rng.choice((1, 1, 1, 2, 3, 8))
        message = _Message(number, int(self.rng.lognormvariate(9, 1.5)), sender, count)
        self._say(moment, f"new msg {number}")
        text = f"info msg {number}: bytes {message.size} from <{sender}> qp {moment % 32768} uid 85"
        self._say(moment, text)
        for _ in range(count):
            recipient = self._recipient(message, back_to)
            soon = moment + self.rng.randrange(1, 900_000)
            self._plan(soon, partial(self._start, recipient))

    def _recipient(self, message: _Message, back_to: str) -> _Recipient:
        if back_to:
            return _Recipient(message, "local", back_to, back_to.rpartition("@")[2])
        if self.rng.random() < _LOCAL:
            address, domain = self._address(_OURS)
            prefix = f"{domain}-" if self.rng.random() < 0.5 else ""  # noqa: PLR2004 - a virtual domain, or not
            return _Recipient(message, "local", prefix + address, domain)
        domain = message.sender.rpartition("@")[2]
        is_null = message.sender in ("", DOUBLE_BOUNCE)
        address = self._address(_THEIRS)[0]
        return _Recipient(message, "remote", address, self.host if is_null else domain)

    def _address(self, domains: tuple[str, ...]) -> tuple[str, str]:
        domain = self.rng.choice(domains)
        return f"{self.rng.choice(_PEOPLE)}{self.rng.randrange(10**6)}@{domain}", domain

    def _start(self, recipient: _Recipient, moment: int) -> None:
        self.delivery += 1
        number, starts = self.delivery, self.starts
        to = f"msg {recipient.message.number} to {recipient.channel} {recipient.address}"
        self._say(moment, f"starting delivery {number}: {to}")
        self._say(moment, f"status: local {number % 10}/10 remote {number % 20}/20")
        took = int(self.rng.expovariate(0.2) * 1_000_000) + 1
        self._plan(moment + took, partial(self._finish, recipient, number, starts))

    def _finish(self, recipient: _Recipient, number: int, starts: int, moment: int) -> None:
        again = moment + self.rng.randrange(600, 30_000) * 1_000_000
        if starts != self.starts:  # qmail was restarted meanwhile, and never logged its end
            self._plan(again, partial(self._start, recipient))
            return
        recipient.attempts += 1
        if self.rng.random() < _DEFERRED:
            self._say(moment, f"delivery {number}: deferral: Sorry,_no_connection./")
            self._plan(again, partial(self._start, recipient))
            return
        failed = self.rng.random() < _FAILED
        words = "failure: no_mailbox_here/" if failed else "success: did_1+0+0/"
        self._say(moment, f"delivery {number}: {words}")
        self._count(moment, recipient, failed=failed)
        message = recipient.message
        message.failed |= failed
        message.left -= 1
        if not message.left:
            self._plan(moment + 1, partial(self._end, message))

    def _end(self, message: _Message, moment: int) -> None:
        if message.failed:
            self._bounce(moment, message)
        self._say(moment, f"end msg {message.number}")
        self.free.append(message.number)

    def _bounce(self, moment: int, message: _Message) -> None:
        if message.sender == DOUBLE_BOUNCE:
            self._say(moment, f"triple bounce: discarding bounce/{message.number}")
            return
        self._say(moment, f"bounce msg {message.number} qp {moment % 32768}")
        sender, back_to = (
            ("", message.sender) if message.sender else (DOUBLE_BOUNCE, "postmaster@" + self.host)
        )
        self._plan(moment + 50, partial(self._take, sender, back_to))

    def _count(self, moment: int, recipient: _Recipient, *, failed: bool) -> None:
        service = Service.SMTP_IN if recipient.channel == "local" else Service.SMTP_OUT
        seconds, size = moment // 1_000_000, recipient.message.size
        domain = recipient.domain.lower().removesuffix(".")
        self.records.append((seconds, size, recipient.attempts, service, failed, domain))

    def _truth(self) -> Truth:
        columns = list(zip(*self.records, strict=True)) or [()] * 6
        domains = sorted(set(columns[5]))
        index = {domain: place for place, domain in enumerate(domains)}
        return Truth(
            host=self.host,
            lines=len(self.records),
            malformed=0,
            time=np.array(columns[0], np.int64),
            size=np.array(columns[1], np.int64),
            attempts=np.array(columns[2], np.int64),
            service=np.array(columns[3], np.uint8),
            status=np.array(columns[4], np.uint8),
            domain=np.array([index[domain] for domain in columns[5]], np.uint32),
            statuses=_STATUSES,
            domains=tuple(domains),
        )
