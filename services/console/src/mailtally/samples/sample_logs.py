"""Generate realistic traffic logs for the demo, benchmarks and tests.

The generator knows what it wrote. Its :class:`Truth` is the result that a correct count must have,
found without a mailtally parser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from mailtally.samples.hostile_lines import IDN, spoil, twist
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_shared.columns import Array

#: Lines generated at once.
BLOCK = 100_000

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORDS = ("alder", "birch", "cedar", "dogwood", "elm", "fir", "oak", "hazel", "ivy", "juniper", "a")
_ENDINGS = ("example", "example", "example.com", "example", "example.org")
_PEOPLE = ("anna", "bob.smith", "info", "sales", "m.mueller", "postmaster", "office", "j-doe42")

_SERVICES = (Service.SMTP_IN, Service.SMTP_OUT, Service.POP3, Service.IMAP, Service.MAILLIST)
_SERVICE_SHARES = (0.56, 0.24, 0.1, 0.09, 0.01)
#: Sender and recipient by service: ``us`` is charged, ``them`` is a remote address.
_ADDRESSES = {
    Service.SMTP_IN: "{them}|{us}",
    Service.SMTP_OUT: "{us}|{them}",
    Service.POP3: "pop3@{us}|",
    Service.IMAP: "imap@{us}|imap@{us}",
    Service.MAILLIST: "web@maillist-{us}|{them}",
}
_STATUSES = (
    "success",
    "timeout",
    "rejspam",
    "rejclam",
    "mboxoverquota",
    "manyhops",
    "badmime",
    "bytestooverflow",
    "partial",
    "readerr",
)
_IN_SHARES = (0.86, 0.02, 0.08, 0.01, 0.015, 0.005, 0.005, 0.005, 0.0, 0.0)
#: The share of outgoing lines with attempts, and of hostile lines that are malformed.
_WITH_ATTEMPTS = 0.5
_SPOILED = 0.5
_OUT_SHARES = (0.95, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.01)


@dataclass(frozen=True, slots=True)
class Truth:
    """The content of a log: ``n`` records as columns of shape ``(n,)``, and malformed lines."""

    host: str
    lines: int  # all, including malformed ones
    malformed: int
    time: Array  # int64, Unix seconds, ascending
    size: Array  # int64, bytes
    attempts: Array  # int64, 1 if the line has none
    service: Array  # uint8, values of Service
    status: Array  # uint8, index into statuses
    domain: Array  # uint32, index into domains
    statuses: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cast:
    """The domains, their shares of the traffic, and the remote addresses."""

    domains: tuple[str, ...]
    shares: Array  # float64 (domains,), Zipf
    them: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of records as drawn, before hostile lines replace some of them."""

    time: Array
    size: Array
    attempts: Array  # 0 if the line has none
    service: Array
    status: Array
    domain: Array


def write_log(
    path: Path,
    *,
    host: str,
    lines: int,
    start: int,
    end: int,
    seed: int,
    domains: int = 1000,
    hostile: float = 0.0,
) -> Truth:
    """Write a log of one host, and return its content. Equal arguments give equal bytes.

    Args:
        path: The file to write; an existing one is replaced.
        host: The host named in each line.
        lines: The number of lines.
        start: Unix seconds of the earliest line.
        end: Unix seconds, exclusive; the times of the lines ascend.
        seed: The seed of the random numbers.
        domains: The number of charged domains; the first is by far the busiest (Zipf).
        hostile: The share of lines, 0 … 1, that are malformed or unusual.
    """
    rng = np.random.default_rng(seed)
    cast = _cast(rng, domains)
    times = np.sort(rng.integers(start, end, lines))
    kept: list[_Block] = []
    with path.open("wb") as log:
        for time in np.array_split(times, max(1, -(-lines // BLOCK))):
            block = _draw(rng, cast, time)
            text = list(_lines(rng, cast, host, block))
            kept.append(_with_hostile(rng, cast, block, text, hostile))
            log.write("".join(text).encode("utf-8", "surrogateescape"))
    return _truth(host, lines, cast, kept)


def _cast(rng: np.random.Generator, domains: int) -> _Cast:
    ours = tuple(f"{_WORDS[k % 11]}{k}.{_ENDINGS[k % 5]}" for k in range(domains))
    weights = 1 / np.arange(1, domains + 1)
    people = rng.choice(_PEOPLE, 20_000)
    them = tuple(
        f"{person}@{_WORDS[k % 11]}{k % 1999}.{_ENDINGS[k % 5]}"
        for k, person in enumerate(people.tolist())
    )
    return _Cast((*ours, IDN), np.append(weights / weights.sum(), 0.0), them)


def _draw(rng: np.random.Generator, cast: _Cast, time: Array) -> _Block:
    n = len(time)
    service = rng.choice(_SERVICES, n, p=_SERVICE_SHARES)
    incoming = rng.choice(len(_STATUSES), n, p=_IN_SHARES)
    outgoing = rng.choice(len(_STATUSES), n, p=_OUT_SHARES)
    attempts = np.where(rng.random(n) < _WITH_ATTEMPTS, rng.geometric(0.9, n), 0)
    return _Block(
        time=time,
        size=np.clip(rng.lognormal(9.4, 1.7, n), 120, 60_000_000).astype(np.int64),
        attempts=np.where(service == Service.SMTP_OUT, attempts, 0),
        service=service.astype(np.uint8),
        status=np.where(service == Service.SMTP_IN, incoming, outgoing).astype(np.uint8),
        domain=rng.choice(len(cast.domains), n, p=cast.shares).astype(np.uint32),
    )


def _lines(rng: np.random.Generator, cast: _Cast, host: str, block: _Block) -> Iterator[str]:
    n = len(block.time)
    columns = zip(
        _dates(block.time),
        rng.integers(300, 32_768, n).tolist(),
        block.time.tolist(),
        block.service.tolist(),
        rng.choice(_PEOPLE, n).tolist(),
        block.domain.tolist(),
        rng.integers(0, len(cast.them), n).tolist(),
        block.size.tolist(),
        block.status.tolist(),
        block.attempts.tolist(),
        strict=True,
    )
    for date, pid, time, service, person, domain, them, size, status, attempts in columns:
        us = f"{person}@{cast.domains[domain]}"
        addresses = _ADDRESSES[service].format(us=us, them=cast.them[them])
        kind = "in" if service == Service.SMTP_IN else "out"
        last = f"|{attempts}" if attempts else ""
        yield (
            f"{date} {host} {kind}[{pid}]: {time}|{addresses}|{size}|{_STATUSES[status]}{last}\n"
        )


def _dates(time: Array) -> list[str]:
    """Format each time as ``Mon DD HH:MM:SS`` in UTC; equal seconds are formatted once."""
    seconds, which = np.unique(time, return_inverse=True)
    spelled = np.array([date_of(second) for second in seconds.tolist()], dtype="U15")
    return spelled[which].tolist()  # type: ignore[no-any-return]  # numpy types it as Any


def date_of(second: int) -> str:
    """Format Unix seconds as ``Mon DD HH:MM:SS`` in UTC."""
    moment = datetime.fromtimestamp(second, UTC)
    return f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"


def _with_hostile(
    rng: np.random.Generator, cast: _Cast, block: _Block, text: list[str], hostile: float
) -> _Block:
    """Replace some lines of ``text`` by hostile ones, and return the remaining records."""
    well_formed = np.ones(len(text), bool)
    for k in np.flatnonzero(rng.random(len(text)) < hostile).tolist():
        if rng.random() < _SPOILED:
            text[k] = spoil(rng, text[k])
            well_formed[k] = False
        else:
            text[k], domain = twist(rng, text[k], cast.domains[block.domain[k]])
            block.domain[k] = cast.domains.index(domain)
    return _Block(*(getattr(block, name)[well_formed] for name in _Block.__slots__))


def _truth(host: str, lines: int, cast: _Cast, blocks: list[_Block]) -> Truth:
    whole = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in _Block.__slots__
    }
    whole["attempts"] = np.maximum(whole["attempts"], 1)
    return Truth(
        host=host,
        lines=lines,
        malformed=lines - len(whole["time"]),
        statuses=_STATUSES,
        domains=cast.domains,
        **whole,
    )
