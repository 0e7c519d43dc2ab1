"""The tailer: hand out every complete line of the logs once."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.content import READ_ERRORS, lines_behind
from mailtally_collector.tail.cut import LONGEST_LINE, Cutter, LineReject, Replaced
from mailtally_collector.tail.discover import Discovery, log_of
from mailtally_collector.tail.doubts import Doubts
from mailtally_collector.tail.handles import Handles
from mailtally_collector.tail.identity.fingerprints import ends_of, trail_at
from mailtally_collector.tail.positions import Span
from mailtally_collector.tail.roster import Roster, Start
from mailtally_collector.tail.stopped import StoppedLog, stopped_among
from mailtally_collector.tail.sweep import Sweep
from mailtally_collector.tail.troubles import LogsFound, Noted, Noticed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.positions import Position, Seal

#: How often a file may turn out to be replaced within one call.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next piece of a file.

    Attributes:
        path: the present name of the file.
        span: the position of the piece in it.
        data: whole lines, valid until the next ``read`` or longer (``held``); or empty if
        rejects: has the one line of the piece, which is not to be parsed.
        log: the primary's path of the log that the file belongs to.
        counted: whether it was counted before and is needed for the parser state only.
        nuls: bytes of the span before ``data`` that were skipped: a hole in the file.
        modified: Unix seconds of the file's last change.
    """

    path: str
    span: Span
    data: memoryview
    rejects: tuple[LineReject, ...] = ()
    log: str = ""
    counted: bool = False
    nuls: int = 0
    modified: int = 0


class Tailer:
    """A follower of the logs that some globs match. For one thread.

    Args:
        globs: absolute patterns, as for ``glob.glob``.
        start: where to begin in the files of the very first scan.
        positions: the positions of an earlier instance; if there are any, ``start`` is ignored.
        skip: spans of those files beyond their offsets that were counted already …
        also_counted: … whether they are handed out as well, marked.
        chunk_size: most bytes handed out at once, unless a line is longer.
        held: how many of the last chunks stay valid.
        longest_line: bytes kept of a longer line that fills a chunk.
        rotate_wait: seconds without change after which a rotated file has ended.
        forget_after: seconds after which a vanished file is dropped.
        max_open_files: most files held open.
        state_dir: the state directory in the advised command for a stopped log.
        noted: what an earlier instance knew of troubles.
        doubts: what it knew of changed logs; to be stored not later than ``positions``.
    """

    def __init__(
        self,
        globs: Iterable[str],
        *,
        start: Start = "beginning",
        positions: Iterable[Position] = (),
        skip: Iterable[Span] = (),
        also_counted: bool = False,
        chunk_size: int = 4 * 2**20,
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
        """Scan the directories for new, renamed and emptied files."""
        for key, spans in self._skips.items():
            if key in self._roster.files:
                self._roster.files[key].is_partly_counted = bool(spans)
        self._roster.look(now, self._noticed.noted.reach)
        self._found = self._noticed.taken(self.caught_up_to(), self.backlog())
        if not self._roster.is_undecided and not self.stopped():
            readable = (file for file in self._roster.files.values() if file.is_readable)
            ends = {file.key: file.known_end() for file in readable if file.unread()}
            self._sweep.begin(now, ends)

    def read(self, now: float) -> Chunk | None:
        """Return the next piece, or ``None`` when no complete line is unread.

        Logs take turns, the oldest file of each comes first; files are followed as they grow.
        """
        for _ in range(_PATIENCE):
            try:
                chunk = self._next(now)
            except Replaced:
                self.scan(now)
                continue
            if chunk or not (self._roster.finishing and self._roster.is_undecided):
                return chunk
            self.scan(now)  # the files waited for have been read by now
        return None

    def finish(self, now: float) -> None:
        """End the input: hand out last lines without a line feed as well."""
        self._roster.finishing = True
        self.scan(now)

    def positions(self) -> list[Position]:
        """Return the positions after everything handed out."""
        return [file.position for file in self._roster.files.values()]

    def skips(self) -> list[Span]:
        """Return the spans of ``skip`` that are still ahead."""
        return [span for spans in self._skips.values() for span in spans]

    def logs(self) -> list[str]:
        """Return the logs of the last scan, by their primaries' paths."""
        return sorted(self._roster.logs)

    def logs_followed(self) -> set[str]:
        """Return the logs of all known files, including vanished ones."""
        return {file.log or log_of(file.position.path) for file in self._roster.files.values()}

    def stopped(self) -> tuple[StoppedLog, ...]:
        """Return the stopped files; ``caught_up_to`` does not advance while there are any."""
        return stopped_among(file.position for file in self._roster.files.values())

    def settle(self, path: str, since: float, line: int | None) -> bool:
        """Resume the file stopped at ``since``, at a line or at its end; false if not possible.

        From there on all of it is read: spans to skip can no longer be found in it.
        """
        file = self._roster.settle(path, since, line)
        if file is not None and file.key in self._skips:
            self._skips[file.key] = []
        return file is not None

    def take_note(self) -> None:
        """Note what cannot be read, after everything was tried since the last scan."""
        self._found = self._noticed.taken(self.caught_up_to(), self.backlog(), is_read=True)

    def noted(self) -> Noted:
        """Return what is to be stored of the troubles, together with ``positions``."""
        return self._noticed.noted

    def noticed(self) -> LogsFound:
        """Return what a scan by ``paths`` found, without following anything."""
        return self._noticed.taken(reach=0.0, unread=0)

    def found(self) -> LogsFound:
        """Return the result of the last scan; safe to call from another thread."""
        return self._found

    def behind(self, log: str) -> Iterator[Chunk]:
        """Yield what was read of a log and can still be read, oldest first, marked as counted."""
        for file in self._roster.logs[log]:
            content = self._handles.of(file)
            if content is None:
                continue
            span, path = Span(file.key, 0, 0), file.position.path
            with suppress(*READ_ERRORS):
                modified = _seconds(content.seal())
                for data in lines_behind(file.position, content, self._chunk_size):
                    yield Chunk(path, span, data, log=log, counted=True, modified=modified)

    def paths(self) -> list[str]:
        """Return the files to be read."""
        return [found.path for found in self._discovery.look()]

    def caught_up_to(self) -> float:
        """Return the latest time up to which everything in the logs has been handed out.

        A last line without a line feed does not count. 0.0 if there is no such time.
        """
        return self._sweep.done

    def backlog(self) -> int:
        """Return the bytes known to be unread; for compressed files, their bytes on disk."""
        return sum(file.unread() for file in self._roster.files.values())

    def close(self) -> None:
        """Close all files."""
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
        # There may be more rotated files than can be open.
        content = None if file.is_exhausted else self._handles.of(file)
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
            file.note_exhausted(looks)
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
        modified = _seconds(content.seal())
        return Chunk(path, span, cut.data, cut.rejects, file.log, counted, cut.nuls, modified)

    def _rest(self, file: Followed, looks: Seal, now: float) -> None:
        """Note that nothing is left in a file; close it if it has ended."""
        self._sweep.exhausted(file.key)
        if file.is_detached and file.ended:
            self._roster.retire(file, now)
        elif file.ended and not file.is_primary:
            trail = ends_of(file.position.trail)
            file.position = replace(file.position, seal=looks, trail=trail, lines=None)
            self._handles.close(file)


def _seconds(seal: Seal) -> int:
    return seal.mtime_ns // 10**9


def _jump(file: Followed, content: Content, skips: list[Span]) -> None:
    """Skip what was counted before."""
    while skips and skips[0].start <= file.position.offset:
        end = max(skips[0].end, file.position.offset)
        trail = trail_at(content, end)
        if not trail:
            return
        file.advance(end, trail[-1:] if file.position.trail else trail)
        del skips[0]
