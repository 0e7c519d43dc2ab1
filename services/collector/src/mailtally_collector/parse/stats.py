"""The parser of the ``stats`` traffic log of qmail under H-Sphere (RULES sections 1 to 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.parse.entries import run_read_chunk, run_spell
from mailtally_collector.parse.names import Key, Names
from mailtally_collector.parse.page import Margin, Page
from mailtally_collector.parse.parsed import Parsed, Rejects
from mailtally_collector.parse.scanning import LINE_FEED
from mailtally_collector.parse.settle import (
    late_reasons,
    settle_domains,
    settle_hosts,
    settle_statuses,
)
from mailtally_shared.columns import Array, Columns

if TYPE_CHECKING:
    from mailtally_collector.parse.machine import Bytes

_BLOCK: Final = 1 << 18  # bytes

#: A line that is passed when there is nothing to parse yet.
_WARMING = b"Jan  1 00:00:00 a.example in[1]: 0|a@a.example|a@a.example|0|success\n"


class StatsParser:
    """A :class:`Parser` of the ``stats`` log. For one thread at a time; it holds no GIL inside."""

    def __init__(self) -> None:
        self._key: Final = Key.fresh()

    def parse(self, chunk: bytes | bytearray | memoryview) -> Parsed:
        r"""Parse whole lines; see :meth:`Parser.parse`.

        Memory: about 100 bytes a record, plus the dictionaries.

        Raises:
            ValueError: The last line has no ``\n``.
        """
        data = bytes_of(chunk)
        if not len(data):
            return Parsed.nothing()
        page, rows, rejects = read(data, self._key)
        return settled(data, page, rows, rejects)[0]


def warm() -> None:
    """Compile the kernel, or load it from disk, so that the first chunk is not slow.

    Compiling takes some 10 s, loading a fraction of a second.
    """
    StatsParser().parse(_WARMING)


def bytes_of(chunk: bytes | bytearray | memoryview) -> Bytes:
    """The chunk as an array that cannot be written to, so that the kernel is compiled once."""
    data = np.frombuffer(chunk, np.uint8)
    data.flags.writeable = False
    return data


def read(data: Bytes, key: Key, *, with_addresses: bool = False) -> tuple[Page, int, Rejects]:
    """The kernel's pass over a chunk: a page, how many rows of it are records, and the rest.

    Raises:
        ValueError: The chunk does not end with a line feed.
    """
    if data[-1] != LINE_FEED:
        raise ValueError("A chunk has to end with a line feed.")
    lines = _count_lines(data)
    page = Page.blank(lines, data, key, with_addresses=with_addresses)
    margin = Margin.blank(lines)
    with np.errstate(over="ignore"):  # words wrap; where nothing is compiled, numpy would warn
        rows, bad = run_read_chunk(data, page, margin)
    return page, rows, Rejects(*(column[:bad] for column in margin))


def _count_lines(data: Bytes) -> int:
    """The line feeds, counted in blocks: what is compared fits the processor's cache."""
    blocks = range(0, len(data), _BLOCK)
    return sum(int(np.count_nonzero(data[i : i + _BLOCK] == LINE_FEED)) for i in blocks)


def settled(data: Bytes, page: Page, rows: int, rejects: Rejects) -> tuple[Parsed, Array | slice]:
    """Make columns of the rows, and rejects of those whose names turn out to be none.

    Gives also which rows of the page are the records.
    """
    names, odd = _spelled(data, page.domains)
    domains, codes = settle_domains(names, odd)
    domain = codes[page.domain[:rows]]
    names, _ = _spelled(data, page.hosts)
    hosts, codes = settle_hosts(names, page.host[:rows][domain >= 0])
    host = codes[page.host[:rows]]
    late = late_reasons(domain, host)
    good = np.flatnonzero(late == 0) if late.any() else slice(rows)
    names, _ = _spelled(data, page.statuses)
    statuses, codes = settle_statuses(names, page.status[good])
    columns = Columns(
        time=page.time[good],
        size=page.size[good],
        attempts=page.attempts[good],
        service=page.service[good],
        host=host[good].astype(np.uint16),
        status=codes[page.status[good]].astype(np.uint8),
        domain=domain[good].astype(np.uint32),
        hosts=hosts,
        statuses=statuses,
        domains=domains,
    )
    return Parsed(columns, _with_late(rejects, page, late), rows + len(rejects)), good


def _spelled(data: Bytes, names: Names) -> tuple[list[str], Array]:
    """The names of a dictionary, each byte a character, and which of them are odd."""
    count = int(names.taken[0])
    text = np.empty(count + int((names.end[:count] - names.start[:count]).sum()), np.uint8)
    odd = np.empty(count, np.bool_)
    run_spell(data, names, text, odd)
    return text.tobytes().decode("latin-1").split("\n")[:-1], odd


def _with_late(rejects: Rejects, page: Page, late: Array) -> Rejects:
    """The rejects with the late ones among them, in the order of the chunk."""
    rows = np.flatnonzero(late)
    if not len(rows):
        return rejects
    start = np.concatenate([rejects.start, page.start[rows]])
    end = np.concatenate([rejects.end, page.end[rows]])
    reason = np.concatenate([rejects.reason, late[rows]])
    order = np.argsort(start)
    return Rejects(start[order], end[order], reason[order])
