"""The same deliveries in the log formats of peers that do not read stats logs.

A delivery is one line of a stats log and of AWStats' input; Postfix logs it in six lines, as a
relay does. All hosts are in one file, by time, because AWStats refuses others.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.benchmarks.logs import Logs


class Delivery(NamedTuple):
    """A parsed line of a stats log."""

    date: str  # as in syslog
    host: str
    time: int  # Unix seconds
    sender: str
    recipient: str
    size: int  # bytes


def rendered(logs: Logs, dialect: str, most: int) -> Path:
    """Return a file next to the logs with the first deliveries of all hosts, at most ``most``.

    Args:
        logs: the logs that the other contenders read.
        dialect: one of :data:`DIALECTS`.
        most: maximum number; the file has :func:`deliveries_in` of them.
    """
    path = logs.directory / f"{dialect}-{most}"
    if not path.exists():
        write = DIALECTS[dialect]
        with path.open("w", encoding="ascii") as log:
            for number, (line, delivery) in enumerate(_first(logs, most)):
                log.write(write(number, line, delivery))
    return path


def deliveries_in(logs: Logs, most: int) -> int:
    """Return the number of deliveries in such a file, equal for each host."""
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
    # A fetched mailbox has no recipient; the peers need both addresses.
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


#: The formatter of a delivery, by dialect.
DIALECTS: dict[str, Callable[[int, str, Delivery], str]] = {
    "stats": _stats,
    "postfix": _postfix,
    "awstats": _awstats,
}
