"""The format ``maillog``: qmail's log through syslog or multilog, joined to a record a delivery."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from mailtally_collector.parse.format import NOTHING_KNOWN, Setting
from mailtally_collector.parse.maillog.entries import run_join, run_restore, run_scan
from mailtally_collector.parse.maillog.events import DONE, INFO, LOCAL, REMOTE, Events
from mailtally_collector.parse.maillog.memory import Memory
from mailtally_collector.parse.maillog.recall import recalled
from mailtally_collector.parse.maillog.remember import remembered
from mailtally_collector.parse.maillog.state import Saved
from mailtally_collector.parse.names import Key, Names
from mailtally_collector.parse.page import Margin, Page
from mailtally_collector.parse.parsed import Parsed, Rejects
from mailtally_collector.parse.scanning import LINE_FEED
from mailtally_collector.parse.stats import bytes_of, settled
from mailtally_collector.parse.words import WORD

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_shared.columns import Array

_LINE: Final = re.compile(
    rb"^(?:[A-Za-z]{3} [ 0-9][0-9] [0-9:]{8} [^ \n]{1,255} qmail(?:\[[0-9]+\])?: [0-9]+\.[0-9]+ "
    rb"|@[0-9a-f]{24} (?:new msg|info msg|starting delivery|delivery|status:|end msg|bounce msg) )",
    re.MULTILINE,
)
#: In front of all names, so that none stands where no word can end.
_PADDING: Final = b"\n" * WORD
#: Distinct statuses there are: success and failure.
_STATUSES: Final = 2
#: Bytes of a line that is rather short.
_SHORT_LINE: Final = 48
_WARMING: Final = b"@4000000038c3eeb027f6b0a4 end msg 1\n"


class MaillogFormat:
    """A :class:`Format` whose state is the messages under way."""

    is_stateless: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        self._setting: Final = setting
        self._key: Final = Key.fresh()

    def warm(self) -> None:
        """Compile the kernels, or load them from disk."""
        self.parse(_WARMING)

    def first_line(self, chunk: bytes) -> int | None:
        """Where a line of qmail's is first, in either of its clothes."""
        found = _LINE.search(chunk)
        return found.start() if found else None

    def parse(
        self, chunk: bytes | bytearray | memoryview, state: bytes = NOTHING_KNOWN
    ) -> tuple[Parsed, bytes]:
        """Parse whole lines; see :meth:`Format.parse`. For any number of threads at once.

        Memory: about 100 bytes a line, and twice the state.
        """
        if not len(chunk):
            return Parsed.nothing(), state
        if chunk[-1] != LINE_FEED:
            raise ValueError("A chunk has to end with a line feed.")
        saved = Saved.from_bytes(state)
        text = _Text.of(self._setting.host, saved, chunk)
        with np.errstate(over="ignore"):  # words wrap; where nothing is compiled, numpy would warn
            return self._joined(text, saved)

    def _joined(self, text: _Text, saved: Saved) -> tuple[Parsed, bytes]:
        data, age = text.data, self._setting.max_age
        scanned = _scanned(text, len(saved.hosts), self._key)
        events, margin, bad = scanned.events, scanned.margin, scanned.bad
        memory, page = _room(scanned, saved, self._key)
        run_restore(recalled(saved, text.names), events.hosts, memory)
        rows, all_bad = run_join(data, scanned.count, events, memory, age, page, margin, bad)
        parsed = settled(data, page, rows, _in_order(margin, all_bad))[0]
        left, forgotten = remembered(
            memory,
            data,
            events.hosts,
            # The least: one wrong clock must not make all others look old.
            oldest=_least(events.time[: scanned.count]) - age,
            most=self._setting.max_entries,
        )
        parsed = replace(
            parsed,
            rejects=_counted_from(text.lines, parsed.rejects),
            passed=scanned.passed + scanned.count - rows - (all_bad - bad),
            nuls=scanned.nuls,
            forgotten=forgotten,
        )
        return parsed, left.to_bytes()


@dataclass(frozen=True, slots=True)
class _Text:
    """One array of all that names are ranges of: our host, the names saved, the chunk."""

    data: Bytes
    names: int  # where the saved names begin, and our host ends
    lines: int  # where the chunk begins

    @classmethod
    def of(cls, host: str, saved: Saved, chunk: bytes | bytearray | memoryview) -> _Text:
        front = _PADDING + host.encode()
        names = saved.text.tobytes()
        data = bytes_of(b"".join((front, names, chunk)))
        return cls(data, len(front), len(front) + len(names))


@dataclass(frozen=True, slots=True)
class _Scanned:
    """What the first pass made of a chunk: the rows written, lines passed, NULs skipped."""

    events: Events
    margin: Margin
    count: int
    bad: int
    passed: int
    nuls: int


def _scanned(text: _Text, hosts: int, key: Key) -> _Scanned:
    """The first pass. Where it needs more room than lines of usual length do, it begins again."""
    data, length = text.data, len(text.data) - text.lines
    lines = length // _SHORT_LINE + 64
    while True:
        names = Names.for_at_most(1 + hosts + lines, data, key)
        events, margin = Events.blank(lines, data, names), _blank_margin(lines)
        count, bad, passed, nuls, stop = run_scan(data, text.names, text.lines, events, margin)
        if stop == len(data):
            return _Scanned(events, margin, count, bad, passed, nuls)
        lines = int(np.count_nonzero(data[text.lines :] == LINE_FEED))


def _room(scanned: _Scanned, saved: Saved, key: Key) -> tuple[Memory, Page]:
    """As much as the events may need at most, behind what is saved."""
    events, kind = scanned.events, scanned.events.kind[: scanned.count]
    data = events.data
    kinds = np.bincount(kind, minlength=DONE + 1)
    starts = int(kinds[LOCAL] + kinds[REMOTE])
    memory = Memory.blank(
        len(saved.messages) + int(kinds[INFO]),
        len(saved.recipients) + starts,
        len(saved.deliveries) + starts,
        data,
        key,
    )
    return memory, _blank_page(int(kinds[DONE]), events, key)


def _blank_page(rows: int, events: Events, key: Key) -> Page:
    """A page for so many records, with the hosts of the events."""
    statuses = Names.for_at_most(_STATUSES, events.data, key)
    domains = Names.for_at_most(max(rows, 1), events.data, key)
    return Page.with_names(rows, events.data, events.hosts, statuses, domains)


def _least(times: Array) -> int:
    """The earliest; of none at all, the beginning of time."""
    return int(times.min()) if len(times) else 0


def _blank_margin(rows: int) -> Margin:
    return Margin(np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.uint8))


def _in_order(margin: Margin, bad: int) -> Rejects:
    """The malformed lines in the order of the chunk: those of the join were written last."""
    order = np.argsort(margin.start[:bad], kind="stable")
    return Rejects(*(column[:bad][order] for column in margin))


def _counted_from(begin: int, rejects: Rejects) -> Rejects:
    """The same lines, their places counted from ``begin`` on."""
    return replace(rejects, start=rejects.start - begin, end=rejects.end - begin)
