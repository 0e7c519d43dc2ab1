"""The files that are followed. A look at the directories tells which of them is where now.

Rules for each file found, in order:

1. A known inode that holds what was read of it: that file, whatever its name is now. Where it
   only begins as what was read does (cut, zeroed at its end, edited), it is that file as well;
   ``rejoin`` finds where to read on, or the file is stopped.
2. A known inode that begins otherwise: it was emptied, or the inode was reused.
   The former file is *lost*, this one is unknown.
3. An unknown file that goes on where a lost one stopped is that one: renamed while
   nobody looked, compressed, moved, replaced by a copy, or copied by copytruncate.
4. An unknown file that repeats a followed one is a copy of it, whatever its name, and waits.
   When the original is emptied, rules 2 and 3 apply.
5. An unknown file that begins as a followed one, and goes on differently, is stopped; not so a
   log in the place of one that was renamed, where what was read of that is found in it.
6. Anything else is new.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.discover import log_of
from mailtally_collector.tail.followed import Followed
from mailtally_collector.tail.placing import Inode, Placing
from mailtally_collector.tail.resuming import judge_own, resumes, settle
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position
    from mailtally_collector.tail.discover import Discovery, Found
    from mailtally_collector.tail.doubts import Doubts
    from mailtally_collector.tail.handles import Handles

_log = logging.getLogger(__name__)

Start = Literal["beginning", "end"]


class Roster:
    """Knows all files by their keys. Times in seconds; ``now`` never goes below the last one."""

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
        # Of a file that nothing was read of, an inode is no proof: it may be reused by now.
        self.files = {p.file_key: Followed(p, changed_at=0.0) for p in known if p.trail}
        self.logs: dict[str, list[Followed]] = {}
        self.finishing = False
        self._has_looked = False  # before, a file that is gone is not known to be
        self._placing = Placing(
            self.files,
            handles,
            doubts=doubts,
            rotate_wait=rotate_wait,
            from_end=start == "end" and not known,
        )

    @property
    def is_undecided(self) -> bool:
        """There are files of which a later look will tell whether they are to be read."""
        return self._placing.is_undecided

    def look(self, now: float, reach: float) -> None:
        """See what has become of the files; all lines from before ``reach`` were read."""
        self._placing.note_read()
        found = self._discovery.look()
        known = self._by_inode()
        unknown = [f for f in found if not self._meet(f, known.get((f.device, f.inode), ()), now)]
        self._miss({id(f) for f in found}, now)
        self._placing.begin_look(found)
        # What rotation made of a lost file comes before a copy of it under a name of its own, and
        # the original comes before its copies: it is written to, or plain.
        lost = {log_of(file.position.path) for file in self.files.values() if file.is_lost}
        strangers = sorted(unknown, key=lambda f: (f.log not in lost, *_copies_last(f)))
        self._placing.place(strangers, now, finishing=self.finishing)
        self._placing.end_look(now, reach, is_first=not self._has_looked)
        self._forget(now)
        self._arrange(now)
        self._doubt(now, reach)
        self._has_looked = True

    def retire(self, file: Followed, now: float) -> None:
        """A removed file was read to its end."""
        self._handles.close(file)
        file.lost(now)

    def settle(self, path: str, since: float, line: int | None) -> bool:
        """Go on in the file that was stopped then; false if it is not known, or not readable."""
        for file in self.files.values() if self._has_looked else ():
            stopped = file.position.stopped
            if stopped is not None and (file.position.path, stopped.since) == (path, since):
                with suppress(*READ_ERRORS):
                    return settle(file, self._handles.of(file), line)
        return False

    # Rules 1 and 2

    def _by_inode(self) -> dict[Inode, list[Followed]]:
        """Who may be who: the ones that were there last come first."""
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
                del self.files[file.key]  # nothing was read of it; there is more to judge by now
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
            self._handles.close(file)  # what was decompressed of it is not worth anything now
        content = file.content or self._handles.open(found)
        if content is None:
            return True  # as long as nobody can read it, nothing speaks against it
        try:
            compressed = found.name.compressed
            same = file.holds(content)
            if same:
                judge_own(file, content, now)
            else:
                same = resumes(file, content, now, compressed=compressed)
        except READ_ERRORS as error:
            self._handles.tell(found.path, error)
            file.trouble = found.seal
            same = True
        self._handles.give(file, content)
        file.verified = found.seal if same else None
        return same

    def _miss(self, found: set[int], now: float) -> None:
        """Take note of the files that were not among these found ones."""
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
                sentence = f"{position.path} is gone, with {position.unread} bytes unread."
                fields = {"file": position.path, "bytes": position.unread}
                event(_log, logging.WARNING, "log-lost", sentence, **fields)

    def _arrange(self, now: float) -> None:
        """Put the files of each log in order, and see which of them have ended."""
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


def _copies_last(found: Found) -> tuple[bool, bool, str]:
    return not found.name.is_primary, found.name.compressed, found.path
