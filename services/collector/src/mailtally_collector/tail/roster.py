"""The roster of followed files. A scan of the directories updates where each of them is.

The rules for each file found, in order:

1. A known inode that holds what was read of it is that file, whatever its name is now. If it
   was changed (cut, zeroed at its end, edited), it is that file as well if it is open or still has
   its path; any other inode may have been reused. ``rejoin`` finds where to resume, or the file is
   stopped.
2. A known inode with another beginning was emptied, or the inode was reused. The former file is
   *lost*, this one is unknown.
3. An unknown file that continues where a lost one ended is that one: renamed between two scans,
   compressed, moved, replaced by a copy, or copied by copytruncate.
4. An unknown file that repeats a followed one is a copy of it, whatever its name, and waits.
   When the original is emptied, rules 2 and 3 apply.
5. An unknown file that begins like a followed one and continues differently is stopped; except a
   log at the path of a renamed one that holds what was read of that.
6. Anything else is new.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.discover import log_of
from mailtally_collector.tail.followed import Followed
from mailtally_collector.tail.identity.placing import Placing
from mailtally_collector.tail.identity.resuming import (
    judge_counted,
    judge_own,
    resumes,
    settle,
)
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.discover import Discovery, Found
    from mailtally_collector.tail.doubts import Doubts
    from mailtally_collector.tail.handles import Handles
    from mailtally_collector.tail.identity.waiting import Inode
    from mailtally_collector.tail.positions import Position

_log = logging.getLogger(__name__)

Start = Literal["beginning", "end"]


class Roster:
    """All files by their keys. Times are in seconds; ``now`` never decreases."""

    def __init__(
        self,
        discovery: Discovery,
        handles: Handles,
        *,
        start: Start,
        rotate_wait: float,
        forget_after: float,
        positions: Iterable[Position],
        doubts: Doubts,
    ) -> None:
        self.doubts = doubts
        self._discovery = discovery
        self._handles = handles
        self._rotate_wait = rotate_wait
        self._forget_after = forget_after
        known = list(positions)
        # For an unread file, the inode is no proof: it may have been reused.
        self.files = {p.file_key: Followed(p, changed_at=0.0) for p in known if p.trail}
        self.logs: dict[str, list[Followed]] = {}
        self.finishing = False
        self._has_looked = False  # before that, it is not known which files are gone
        self._placing = Placing(
            self.files,
            handles,
            doubts=doubts,
            rotate_wait=rotate_wait,
            from_end=start == "end" and not known,
        )

    @property
    def is_undecided(self) -> bool:
        """Return whether a later scan has to decide about some files."""
        return self._placing.is_undecided

    @property
    def held_up(self) -> tuple[tuple[str, str], ...]:
        """Return the logs that have waited long for a removed file, with the path of that."""
        return self._placing.held_up

    def look(self, now: float, reach: float) -> None:
        """Scan the directories; all lines from before ``reach`` have been read."""
        self._placing.note_read()
        found = self._discovery.look()
        known = self._by_inode()
        unknown = [f for f in found if not self._meet(f, known.get((f.device, f.inode), ()), now)]
        self._miss({id(f) for f in found}, now)
        self._placing.begin_look(found)
        # A file of a log that misses one comes before a copy of it under another name, and the
        # original, which is written to or uncompressed, comes before its copies.
        misses = {log_of(f.position.path) for f in self.files.values() if f.found is None}
        strangers = sorted(unknown, key=lambda f: (f.log not in misses, *_copies_last(f)))
        self._placing.place(strangers, now, finishing=self.finishing)
        self._placing.end_look(now, reach, is_first=not self._has_looked)
        self._forget(now)
        self._arrange(now)
        self._doubt(now, reach)
        self._has_looked = True

    def retire(self, file: Followed, now: float) -> None:
        """Drop a removed file that was read to its end."""
        self._handles.close(file)
        file.lost(now)

    def settle(self, path: str, since: float, line: int | None) -> Followed | None:
        """Resume the file that was stopped at ``since``, if it is known and readable."""
        for file in self.files.values() if self._has_looked else ():
            stopped = file.position.stopped
            if stopped is not None and (file.position.path, stopped.since) == (path, since):
                with suppress(*READ_ERRORS):
                    return file if settle(file, self._handles.of(file), line) else None
        return None

    # Rules 1 and 2

    def _by_inode(self) -> dict[Inode, list[Followed]]:
        """Return the candidates for each inode, those that existed last first."""
        known: dict[Inode, list[Followed]] = {}
        for file in sorted(self.files.values(), key=lambda f: (f.is_lost, f.position.gone or 0)):
            if file.position.trail or not file.is_lost:
                inode = (file.position.device, file.position.inode)
                known.setdefault(inode, []).append(file)
        return known

    def _meet(self, found: Found, candidates: Iterable[Followed], now: float) -> bool:
        for file in candidates:
            if not file.is_judged and (self.finishing or file.found != found):
                self._handles.close(file)
                del self.files[file.key]  # it is unread, and there is more to judge by now
            elif self._is_same(file, found, now):
                file.seen(found, now)
                return True
            else:
                self._lose(file, now)
        return False

    def _is_same(self, file: Followed, found: Found, now: float) -> bool:
        if found.seal in (file.verified, file.position.seal):
            return True
        if not file.position.trail and file.content is None:
            return False  # only an open file keeps its inode from being reused
        if found.name.compressed:
            self._handles.close(file)  # what was decompressed of it is out of date
        is_proved = _has_its_inode(file, found)
        content = file.content or self._handles.open(found)
        if content is None:
            return True  # while it cannot be read, nothing contradicts
        try:
            compressed = found.name.compressed
            same = file.holds(content)
            if same:
                judge_counted(file, content, now)
                judge_own(file, content, now)
            else:
                same = is_proved and resumes(file, content, now, compressed=compressed)
        except READ_ERRORS as error:
            self._handles.tell(found.path, error)
            file.trouble = found.seal
            same = True
        self._handles.give(file, content)
        file.verified = found.seal if same else None
        return same

    def _miss(self, found: set[int], now: float) -> None:
        """Note the files that were not found."""
        for file in self.files.values():
            if file.found is not None and id(file.found) not in found:
                was_compressed = file.found.name.compressed
                file.found, file.changed_at, file.is_judged = None, now, True
                if was_compressed:
                    self._handles.close(file)
            if file.content is not None and file.found is None:
                self._watch_detached(file, now)
            elif file.is_lost and file.position.gone is None:
                self._lose(file, now)

    def _watch_detached(self, file: Followed, now: float) -> None:
        seal = file.content.seal() if file.content else None
        if seal == file.verified:
            return
        if not file.still_holds():
            self._lose(file, now)
        file.verified, file.changed_at = seal, now

    def _lose(self, file: Followed, now: float) -> None:
        if file.position.gone is None:
            file.lost(now)
        self._handles.close(file)

    # What follows from a look

    def _doubt(self, now: float, reach: float) -> None:
        for file in self.files.values():
            if file.is_doubtful and file.position.stopped is None:
                self.doubts.cut(file.position.path, file.position.offset, reach, now)
            file.is_doubtful = False
        self.doubts.look(self.logs, now)

    def _forget(self, now: float) -> None:
        for file in [f for f in self.files.values() if f.is_lost]:
            position = file.position
            if position.trail and now - (position.gone or now) < self._forget_after:
                continue
            del self.files[file.key]
            if position.unread:
                sentence = f"{position.path} is gone with {position.unread} bytes unread."
                fields = {"file": position.path, "bytes": position.unread}
                event(_log, logging.WARNING, "log-lost", sentence, **fields)

    def _arrange(self, now: float) -> None:
        """Put the files of each log in order, and note which of them have ended."""
        self.logs = {}
        for file in self.files.values():
            if not file.is_lost:
                file.ended = self.finishing or self._has_ended(file, now)
                self.logs.setdefault(file.log, []).append(file)
        for files in self.logs.values():
            files.sort(key=lambda f: (f.age, f.found is not None, f.position.path))

    def _has_ended(self, file: Followed, now: float) -> bool:
        if file.found is not None and file.found.name.compressed:
            return True
        return not file.is_primary and now - file.changed_at >= self._rotate_wait


def _has_its_inode(file: Followed, found: Found) -> bool:
    """Return whether the inode cannot have been reused by a changed copy at another path."""
    is_in_place = file.position.gone is None and file.position.path == found.path
    return file.content is not None or is_in_place


def _copies_last(found: Found) -> tuple[bool, bool, str]:
    return not found.name.is_primary, found.name.compressed, found.path
