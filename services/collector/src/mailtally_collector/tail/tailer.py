"""Hand out every complete line of the logs once."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.positions import Span
from mailtally_collector.tail.behind import lines_behind
from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.cut import LONGEST_LINE, Cutter, Replaced
from mailtally_collector.tail.discover import Discovery, log_of
from mailtally_collector.tail.doubts import Doubts
from mailtally_collector.tail.handles import Handles
from mailtally_collector.tail.identity import ends_of, trail_at
from mailtally_collector.tail.roster import Roster, Start
from mailtally_collector.tail.stopped import StoppedLog, stopped_among
from mailtally_collector.tail.sweep import Sweep
from mailtally_collector.tail.troubles import LogsFound, Noted, Noticed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.positions import Position, Seal
    from mailtally_collector.rejects import LineReject
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed

#: How often a file may turn out to be another one within one call.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next piece of a file.

    Attributes:
        path: the file's present name.
        span: where the piece lies in it.
        data: whole lines, valid until the next ``read`` or longer (``held``); or empty and
        rejects: the piece is one line that the parser is not to see.
        log: the primary's path of the log that the file belongs to.
        counted: it was counted before, and is handed out to be learned from.
        nuls: bytes of the span in front of ``data`` that were skipped: a hole in the file.
    """

    path: str
    span: Span
    data: memoryview
    rejects: tuple[LineReject, ...] = ()
    log: str = ""
    counted: bool = False
    nuls: int = 0


class Tailer:
    """Follows the logs that some globs name. For one thread.

    Args:
        globs: absolute patterns, as for ``glob.glob``.
        start: where to begin with the files of the very first look.
        positions: where an earlier one stood; with any, ``start`` means nothing.
        skip: stretches of those files that were counted already, beyond their offsets …
        also_counted: … which are handed out as well, marked.
        chunk_size: most bytes handed out at once, if lines are not longer.
        held: how many of the chunks handed out last stay valid.
        longest_line: of a longer one that fills a chunk so many bytes are kept.
        rotate_wait: a rotated file that did not change for so many seconds has ended.
        forget_after: seconds after which a file that is gone is forgotten.
        max_open_files: most files held open.
        state_dir: what the command that settles a stopped log is given.
        noted: what an earlier one knew of troubles.
        doubts: what it knew of changed logs; to be kept not later than ``positions``.
    """

    def __init__(
        self,
        globs: Iterable[str],
        *,
        start: Start = "beginning",
        positions: Iterable[Position] = (),
        skip: Iterable[Span] = (),
        also_counted: bool = False,
        chunk_size: int = 8 * 2**20,
        held: int = 1,
        longest_line: int = LONGEST_LINE,
        rotate_wait: float = 60.0,
        forget_after: float = 7 * 86_400.0,
        max_open_files: int = 256,
        state_dir: str = "",
        noted: Noted | None = None,
        doubts: Doubts | None = None,
    ) -> None:
        self.doubts = doubts or Doubts(state_dir=state_dir)
        self._handles = Handles(max_open_files)
        self._discovery = Discovery(globs)
        self._roster = Roster(
            self._discovery,
            self._handles,
            start=start,
            rotate_wait=rotate_wait,
            forget_after=forget_after,
            positions=positions,
            doubts=self.doubts,
        )
        self._cutter = Cutter(chunk_size, longest_line, buffers=held)
        self._sweep = Sweep()
        self._noticed = Noticed(
            self._roster, self._discovery, self._handles, state_dir, noted or Noted()
        )
        self._found = self._noticed.taken(reach=0.0, unread=0)
        self._also_counted = also_counted
        self._chunk_size = chunk_size
        self._skips: dict[str, list[Span]] = {}
        self._served = ""
        for span in sorted(skip, key=lambda span: span.start):
            self._skips.setdefault(span.file_key, []).append(span)

    def scan(self, now: float) -> None:
        """Look at the directories: new files, other names, emptied ones."""
        for key, spans in self._skips.items():
            if key in self._roster.files:
                self._roster.files[key].is_partly_counted = bool(spans)
        self._roster.look(now, self._noticed.noted.reach)
        self._found = self._noticed.taken(self.caught_up_to(), self.backlog())
        if not self._roster.is_undecided and not self.stopped():
            readable = (file for file in self._roster.files.values() if file.is_readable)
            ends = {file.key: _end(file) for file in readable if file.unread()}
            self._sweep.begin(now, ends)

    def read(self, now: float) -> Chunk | None:
        """Return the next piece, ``None`` when no complete line is unread.

        From each log in turn, of its oldest file first; files are followed as they grow.
        """
        for _ in range(_PATIENCE):
            try:
                chunk = self._next(now)
            except Replaced:
                self.scan(now)
                continue
            if chunk or not (self._roster.finishing and self._roster.is_undecided):
                return chunk
            self.scan(now)  # what was waited for has been read by now
        return None

    def finish(self, now: float) -> None:
        """No more is written: what is left without a line feed is handed out as well."""
        self._roster.finishing = True
        self.scan(now)

    def positions(self) -> list[Position]:
        """Where reading stands after all that was handed out."""
        return [file.position for file in self._roster.files.values()]

    def skips(self) -> list[Span]:
        """What of ``skip`` is still ahead."""
        return [span for spans in self._skips.values() for span in spans]

    def logs(self) -> list[str]:
        """The logs that the last look showed, by their primaries' paths."""
        return sorted(self._roster.logs)

    def logs_followed(self) -> set[str]:
        """Return the logs that the known files belong to, those that are gone as well."""
        return {file.log or log_of(file.position.path) for file in self._roster.files.values()}

    def stopped(self) -> tuple[StoppedLog, ...]:
        """Return the files that were stopped; ``caught_up_to`` stays while there are any."""
        return stopped_among(file.position for file in self._roster.files.values())

    def settle(self, path: str, since: float, line: int | None) -> bool:
        """Go on in the file stopped at ``since``, at a line or at its end; false if it cannot."""
        return self._roster.settle(path, since, line)

    def take_note(self) -> None:
        """Take note of what cannot be read; for when all was tried since the last look."""
        self._found = self._noticed.taken(self.caught_up_to(), self.backlog(), is_read=True)

    def noted(self) -> Noted:
        """Return what is to be kept of the troubles, together with ``positions``."""
        return self._noticed.noted

    def noticed(self) -> LogsFound:
        """Return what the directories show, after ``paths`` and without following anything."""
        return self._noticed.taken(reach=0.0, unread=0)

    def found(self) -> LogsFound:
        """Return what was noted last; safe to ask from another thread."""
        return self._found

    def behind(self, log: str) -> Iterator[Chunk]:
        """Yield what was read of a log, as far as it can be read: oldest first, all counted."""
        for file in self._roster.logs[log]:
            content = self._handles.of(file)
            if content is None:
                continue
            span, path = Span(file.key, 0, 0), file.position.path
            with suppress(*READ_ERRORS):
                for data in lines_behind(file.position, content, self._chunk_size):
                    yield Chunk(path, span, data, log=log, counted=True)

    def paths(self) -> list[str]:
        """The files that there are to be read."""
        return [found.path for found in self._discovery.look()]

    def caught_up_to(self) -> float:
        """The latest known time such that all that was in the logs then has been handed out.

        A last line without a line feed does not count as being there. 0.0 if there is none.
        """
        return self._sweep.done

    def backlog(self) -> int:
        """Bytes known to be unread; of gz files, those on disk."""
        return sum(file.unread() for file in self._roster.files.values())

    def close(self) -> None:
        """Let go of all files."""
        self._handles.close_all()

    def _next(self, now: float) -> Chunk | None:
        logs = sorted(self._roster.logs)
        turn = bisect_right(logs, self._served)
        for log in logs[turn:] + logs[:turn]:
            for file in self._roster.logs[log]:
                if file.is_to_be_judged:
                    raise Replaced
                if file.is_readable and (chunk := self._read_file(file, now)):
                    self._served = log
                    return chunk
        return None

    def _read_file(self, file: Followed, now: float) -> Chunk | None:
        content = self._handles.of(file)
        if content is None:
            self._sweep.exhausted(file.key)
            return None
        looks = content.seal()
        try:
            chunk = self._cut(file, content)
        except Replaced:
            file.verified = None
            raise
        except READ_ERRORS as error:
            file.trouble = looks
            self._handles.close(file)
            self._handles.tell(file.position.path, error)
            self._sweep.exhausted(file.key)
            return None
        if chunk is None:
            self._rest(file, looks, now)
        return chunk

    def _cut(self, file: Followed, content: Content) -> Chunk | None:
        skips = self._skips.get(file.key, [])
        if not self._also_counted:
            _jump(file, content, skips)
        file.forget_copy_of_another(content)
        start = file.position.offset
        while skips and skips[0].end <= start:
            del skips[0]
        counted = self._also_counted and bool(skips) and skips[0].start <= start
        edge = (skips[0].end if counted else skips[0].start) if skips else None
        cut = self._cutter.cut(file, content, edge)
        if cut is None:
            return None
        file.advance(cut.end, cut.trail, cut.lines)
        self._sweep.reached(file.key, cut.end)
        span, path = Span(file.key, start, cut.end), file.position.path
        return Chunk(path, span, cut.data, cut.rejects, file.log, counted, cut.nuls)

    def _rest(self, file: Followed, looks: Seal, now: float) -> None:
        """Nothing is left in a file; if it has ended, it need not be looked into again."""
        self._sweep.exhausted(file.key)
        if file.is_detached and file.ended:
            self._roster.retire(file, now)
        elif file.ended and not file.is_primary:
            trail = ends_of(file.position.trail)
            file.position = replace(file.position, seal=looks, trail=trail, lines=None)
            self._handles.close(file)


def _jump(file: Followed, content: Content, skips: list[Span]) -> None:
    """Pass over what was counted before."""
    while skips and skips[0].start <= file.position.offset:
        end = max(skips[0].end, file.position.offset)
        trail = trail_at(content, end)
        if not trail:
            return
        file.advance(end, trail[-1:] if file.position.trail else trail)
        del skips[0]


def _end(file: Followed) -> float:
    if file.found is not None and file.found.name.compressed:
        return float("inf")
    return file.position.offset + file.unread()
