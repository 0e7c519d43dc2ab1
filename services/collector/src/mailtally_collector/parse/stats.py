"""The parser of the ``stats`` traffic log of qmail under H-Sphere (RULES sections 1 to 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.parse.entries import run_read_chunk, run_spell
from mailtally_collector.parse.names import Key, Names
from mailtally_collector.parse.page import Margin, Page, Room
from mailtally_collector.parse.parsed import Parsed, Rejects
from mailtally_collector.parse.scanning import LINE_FEED
from mailtally_collector.parse.settle import (
    late_reasons,
    recoded,
    settle_domains,
    settle_hosts,
    settle_statuses,
)
from mailtally_shared.columns import Array, Columns

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes

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
        page, rows, rejects, nuls = read(data, self._key)
        return replace(settled(data, page, rows, rejects)[0], nuls=nuls)


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


def read(data: Bytes, key: Key, *, with_addresses: bool = False) -> tuple[Page, int, Rejects, int]:
    """The kernel's pass over a chunk: a page, how many rows of it are records, and the rest.

    The rest are the malformed lines, and how many NULs were skipped in front of lines.

    Where the kernel needs more room, it begins again with more.

    Raises:
        ValueError: The chunk does not end with a line feed.
    """
    if data[-1] != LINE_FEED:
        raise ValueError("A chunk has to end with a line feed.")
    room = Room.guessed(len(data))
    while True:
        page = Page.blank(room, data, key, with_addresses=with_addresses)
        margin = Margin.blank(room)
        with np.errstate(over="ignore"):  # words wrap; where nothing is compiled, numpy would warn
            rows, bad, nuls, stop = run_read_chunk(data, page, margin)
        if stop == len(data):
            return page, rows, Rejects(*(column[:bad] for column in margin)), nuls
        room = room.larger()


def settled(data: Bytes, page: Page, rows: int, rejects: Rejects) -> tuple[Parsed, Array | slice]:
    """Make columns of the rows, and rejects of those whose names turn out to be none.

    Gives also which rows of the page are the records.
    """
    domains, codes = settle_domains(*_spelled(data, page.domains))
    domain = recoded(page.domain[:rows], codes)
    host = page.host[:rows]
    hosts, codes = settle_hosts(_spelled(data, page.hosts)[0], host[domain >= 0])
    host = recoded(host, codes)
    late = late_reasons(domain, host)
    good = np.flatnonzero(late == 0) if late.any() else slice(rows)
    statuses, codes = settle_statuses(_spelled(data, page.statuses)[0], page.status[good])
    columns = Columns(
        time=page.time[good],
        size=page.size[good],
        attempts=page.attempts[good],
        service=page.service[good],
        host=host[good].astype(np.uint16),
        status=recoded(page.status[good], codes).astype(np.uint8),
        domain=domain[good].astype(np.uint32, copy=False),
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
