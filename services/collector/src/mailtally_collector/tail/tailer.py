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
from mailtally_collector.tail.discover import Discovery
from mailtally_collector.tail.handles import Handles
from mailtally_collector.tail.identity import agreement, trail_at
from mailtally_collector.tail.roster import Roster, Start
from mailtally_collector.tail.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.positions import Position, Seal
    from mailtally_collector.rejects import LineReject
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed

#: Times that a file may turn out to be another one within one call, before that gives up.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next piece of a file.

    Attributes:
        path: the file's present name.
        span: where the piece lies in it.
        data: whole lines, with the last one's line feed; empty where there is a reject.
            Holds until the next ``read``, or longer (``held``).
        rejects: the piece is one line that the parser is not to see.
        log: the primary's path of the log that the file belongs to.
        counted: it was counted before, and is handed out to be learned from.
    """

    path: str
    span: Span
    data: memoryview
    rejects: tuple[LineReject, ...] = ()
    log: str = ""
    counted: bool = False


class Tailer:
    """Follows the logs that some globs name. For one thread.

    Args:
        globs: absolute patterns, as for ``glob.glob``.
        start: where to begin with the files of the very first look.
        positions: where an earlier one stood; with any, ``start`` means nothing.
        skip: stretches of those files that were counted already, beyond their offsets.
        also_counted: hand those out as well, marked.
        chunk_size: most bytes handed out at once, if lines are not longer.
        held: so many of the chunks handed out last hold; each costs memory for one.
        longest_line: of a longer one that fills a chunk so many bytes are kept.
        rotate_wait: a rotated file that did not change for so many seconds has ended.
        forget_after: seconds after which a file that is gone is forgotten.
        max_open_files: so many at most are held open.
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
    ) -> None:
        self._handles = Handles(max_open_files)
        self._discovery = Discovery(globs)
        self._roster = Roster(
            self._discovery,
            self._handles,
            start=start,
            rotate_wait=rotate_wait,
            forget_after=forget_after,
            positions=positions,
        )
        self._cutter = Cutter(chunk_size, longest_line, buffers=held)
        self._sweep = Sweep()
        self._also_counted = also_counted
        self._chunk_size = chunk_size
        self._skips: dict[str, list[Span]] = {}
        for span in sorted(skip, key=lambda span: span.start):
            self._skips.setdefault(span.file_key, []).append(span)
        self._served = ""

    def scan(self, now: float) -> None:
        """Look at the directories: new files, other names, emptied ones."""
        self._roster.look(now)
        if not self._roster.is_undecided:
            readable = [file for file in self._roster.files.values() if file.is_readable]
            ends = {file.key: _end(file) for file in readable if file.unread()}
            self._sweep.begin(now, ends)

    def read(self, now: float) -> Chunk | None:
        """The next piece; from each log in turn, of its oldest file first.

        Files are followed as they grow, without ``scan``.

        Returns:
            ``None`` when no complete line is unread.
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

    def behind(self, log: str) -> Iterator[Chunk]:
        """What was read of a log before, as far as it is still there: oldest first, all counted.

        A file that cannot be read is left out.
        """
        for file in self._roster.logs[log]:
            content = self._handles.of(file)
            if content is None:
                continue
            with suppress(*READ_ERRORS):
                for data in lines_behind(file.position, content, self._chunk_size):
                    span = Span(file.key, 0, 0)
                    yield Chunk(file.position.path, span, data, log=log, counted=True)

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
        _forget_copy_of_another(file, content)
        start = file.position.offset
        while skips and skips[0].end <= start:
            del skips[0]
        counted = self._also_counted and bool(skips) and skips[0].start <= start
        edge = (skips[0].end if counted else skips[0].start) if skips else None
        cut = self._cutter.cut(file, content, edge)
        if cut is None:
            return None
        file.advance(cut.end, cut.trail)
        self._sweep.reached(file.key, cut.end)
        span = Span(file.key, start, cut.end)
        return Chunk(file.position.path, span, cut.data, cut.rejects, file.log, counted)

    def _rest(self, file: Followed, looks: Seal, now: float) -> None:
        """Nothing is left in a file; if it has ended, it need not be looked into again."""
        self._sweep.exhausted(file.key)
        if file.is_detached and file.ended:
            self._roster.retire(file, now)
        elif file.ended and not file.is_primary:
            trail = file.position.trail
            ends = trail[:1] + trail[1:][-1:]
            file.position = replace(file.position, seal=looks, trail=ends)
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


def _forget_copy_of_another(file: Followed, content: Content) -> None:
    """Before anything is read of it, a file can be emptied without a trace."""
    copy = file.position.copy
    if copy and not file.position.trail and not agreement([copy], content):
        file.position = replace(file.position, copy=None)


def _end(file: Followed) -> float:
    if file.found is not None and file.found.name.compressed:
        return float("inf")
    return file.position.offset + file.unread()
