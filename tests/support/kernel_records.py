"""What the kernel made of a chunk: records, malformed lines and rows, with names written out."""

from __future__ import annotations

import ctypes
import mmap
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mailtally_collector.formats import Reason
from mailtally_collector.formats.engine.domain import normalised
from mailtally_kernel import StatsFolder, read_stats
from mailtally_shared.schema import Service
from tests.support import reference_parser as reference
from tests.support.reference_parser import Record, Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_kernel import Dictionaries, Lines

STEP = 3600


class Key(NamedTuple):
    """The key of a row."""

    step: int
    host: str
    domain: str
    service: Service
    status: str


Sums = dict[Key, tuple[int, int, int]]


def read(chunk: bytes | np.ndarray[Any, Any], level: int | None = None) -> Lines:
    data = np.frombuffer(chunk, np.uint8) if isinstance(chunk, bytes) else chunk
    return read_stats(data, normalised, level=level)


def records_of(lines: Lines) -> list[Record]:
    names = ("time", "host", "service", "domain", "size", "status", "attempts")
    return [
        Record(
            time=time,
            host=lines.hosts[host],
            service=Service(service),
            domain=lines.domains[domain],
            size=size,
            status=lines.statuses[status],
            attempts=attempts,
        )
        for time, host, service, domain, size, status, attempts in zip(
            *(lines.columns[name].tolist() for name in names), strict=True
        )
    ]


def rejects_of(rejects: dict[str, Any]) -> list[Reject]:
    places = zip(*(rejects[name].tolist() for name in ("start", "end", "reason")), strict=True)
    return [Reject(start, end, Reason(reason)) for start, end, reason in places]


def assert_agrees(chunk: bytes, level: int | None = None) -> None:
    """Columns, malformed lines and folded rows are those of the plain reference parser."""
    records, rejects = reference.parse(chunk)
    lines = read(chunk, level)
    assert records_of(lines) == records
    assert rejects_of(lines.rejects) == rejects
    assert lines.lines == len(records) + len(rejects) == chunk.count(b"\n")
    folder = StatsFolder(normalised, step_seconds=STEP, level=level)
    folded = folder.fold(np.frombuffer(chunk, np.uint8))
    assert not folded.is_full
    assert (folded.read, folded.lines, folded.nuls) == (len(chunk), lines.lines, lines.nuls)
    assert rejects_of(folded.rejects) == rejects
    assert sums_of(*folder.take()) == sums(records)


def sums(records: Iterable[Record]) -> Sums:
    """Add records up the plain way."""
    found: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in records:
        row = found[Key(one.time // STEP, one.host, one.domain, one.service, one.status)]
        row[0] += 1
        row[1] += one.size
        row[2] += one.size * max(one.attempts, 1)
    return {key: (row[0], row[1], row[2]) for key, row in found.items()}


def sums_of(taken: dict[str, Any], named: Dictionaries) -> Sums:
    """Return the kernel's rows; they are in order, and no key may be there twice."""
    hosts, domains, statuses = (
        names.texts() for names in (named.hosts, named.domains, named.statuses)
    )
    order = ("step", "service", "status", "host", "domain")
    rows = {name: column.tolist() for name, column in taken.items()}
    rows["step"] = [start // STEP for start in rows.pop("start")]
    keys = list(zip(*(rows[name] for name in order), strict=True))
    assert keys == sorted(set(keys))
    sums = zip(rows["messages"], rows["bytes"], rows["extra"], strict=True)
    return {
        Key(step, hosts[host], domains[domain], Service(service), statuses[status]): (
            messages,
            size,
            size + extra,
        )
        for (step, service, status, host, domain), (messages, size, extra) in zip(
            keys, sums, strict=True
        )
    }


@contextmanager
def between_forbidden_pages(chunk: bytes, *, at_the_end: bool) -> Iterator[np.ndarray[Any, Any]]:
    """Give a chunk whose last or first byte lies at a page that must not be read.

    Without that, a read past the end of a chunk would find other bytes and go unnoticed.
    """
    page = mmap.PAGESIZE
    pages = (len(chunk) + page - 1) // page
    memory = mmap.mmap(-1, (pages + 2) * page)
    whole = np.frombuffer(memory, np.uint8)
    for place in (0, (pages + 1) * page):
        _protect(whole.ctypes.data + place, page, 0)
    start = (pages + 1) * page - len(chunk) if at_the_end else page
    data = whole[start : start + len(chunk)]
    data[:] = np.frombuffer(chunk, np.uint8)
    yield data
    for place in (0, (pages + 1) * page):
        _protect(whole.ctypes.data + place, page, mmap.PROT_READ | mmap.PROT_WRITE)


def _protect(address: int, length: int, rights: int) -> None:
    c_library = ctypes.CDLL(None, use_errno=True)
    assert c_library.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(length), rights) == 0
