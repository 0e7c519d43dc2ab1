"""The same deliveries as other programs want them logged, for peers that read no stats log.

A delivery is one line of ours and one of AWStats' input; Postfix logs it in six, as a server does
that takes a message in and hands it on. All hosts in one file, by time: AWStats refuses others.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.logs import Logs


class Delivery(NamedTuple):
    """A line of a stats log, taken apart."""

    date: str  # as syslog has it
    host: str
    time: int  # Unix seconds
    sender: str
    recipient: str
    size: int  # bytes


def rendered(logs: Logs, dialect: str, most: int) -> Path:
    """The first deliveries of all hosts, ``most`` at most, in a file beside the logs.

    Args:
        logs: what everyone else reads.
        dialect: one of :data:`DIALECTS`.
        most: deliveries; the file has :func:`deliveries_in` of them.
    """
    path = logs.directory / f"{dialect}-{most}"
    if not path.exists():
        write = DIALECTS[dialect]
        with path.open("w", encoding="ascii") as log:
            for number, (line, delivery) in enumerate(_first(logs, most)):
                log.write(write(number, line, delivery))
    return path


def deliveries_in(logs: Logs, most: int) -> int:
    """How many deliveries such a file has: as many of each host."""
    hosts = len(logs.paths)
    return min(most, logs.lines) // hosts * hosts


def _first(logs: Logs, most: int) -> list[tuple[str, Delivery]]:
    each = deliveries_in(logs, most) // len(logs.paths)
    lines = [line for path in logs.paths for line in _lines(path, each)]
    return sorted(((line, _taken_apart(line)) for line in lines), key=lambda pair: pair[1].time)


def _lines(path: Path, count: int) -> Iterator[str]:
    with path.open(encoding="ascii") as log:
        yield from islice(log, count)


def _taken_apart(line: str) -> Delivery:
    head, sender, recipient, size, _ = line.split("|", 4)
    date, rest = head[:15], head[16:]
    # A mailbox that is fetched from has no recipient; the peers want one of each.
    return Delivery(
        date, rest.split(" ", 1)[0], int(head[-10:]), sender, recipient or sender, int(size)
    )


def _stats(_number: int, line: str, _delivery: Delivery) -> str:
    return line


def _postfix(number: int, _line: str, one: Delivery) -> str:
    head, ident = f"{one.date} {one.host} postfix", f"{0x1000000 + number:X}"
    client = "client=relay.example.net[192.0.2.7]"
    sent = "relay=mx.example.net[192.0.2.9]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0"
    return (
        f"{head}/smtpd[101]: connect from relay.example.net[192.0.2.7]\n"
        f"{head}/smtpd[101]: {ident}: {client}\n"
        f"{head}/cleanup[102]: {ident}: message-id=<{ident}@relay.example.net>\n"
        f"{head}/qmgr[103]: {ident}: from=<{one.sender}>, size={one.size}, nrcpt=1 (queue active)\n"
        f"{head}/smtp[104]: {ident}: to=<{one.recipient}>, {sent}, status=sent (250 2.0.0 Ok)\n"
        f"{head}/qmgr[103]: {ident}: removed\n"
    )


def _awstats(_number: int, _line: str, one: Delivery) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(one.time))
    hosts = "relay.example.net mx.example.net"
    return f"{moment} {one.sender} {one.recipient} {hosts} SMTP - 1 {one.size}\n"


#: How a delivery is written, by the name of the form.
DIALECTS: dict[str, Callable[[int, str, Delivery], str]] = {
    "stats": _stats,
    "postfix": _postfix,
    "awstats": _awstats,
}
