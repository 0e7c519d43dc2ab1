"""The files that are followed. A look at the directories tells which of them is where now.

Rules for each file found, in order:

1. A known inode that holds what was read of it: that file, whatever its name is now.
2. A known inode that holds something else: it was emptied, or the inode was reused.
   The former file is *lost*, this one is unknown.
3. An unknown file that goes on where a lost one stopped is that one: renamed while
   nobody looked, compressed, moved, or copied by copytruncate.
4. An unknown file that repeats the primary of its log is a copy of it, and waits.
   When the primary is emptied, rules 2 and 3 apply.
5. Anything else is new.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import Followed, begin_at
from mailtally_collector.tail.identity import agreement, trail_at
from mailtally_collector.tail.kinship import Kin, kin_to_lost, kin_to_primary
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position, Seal
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Discovery, Found
    from mailtally_collector.tail.handles import Handles

_log = logging.getLogger(__name__)

Start = Literal["beginning", "end"]
Inode = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A file that is not followed, for now.

    Attributes:
        seal: how it looks.
        since: since when it looks so.
        kin: what it was found to be; ``None`` if it cannot be read.
        original: what it seems to be a copy of.
        is_settled: the original is known well enough to notice when it is emptied.
    """

    seal: Seal
    since: float
    kin: Kin | None = None
    original: Followed | None = None
    is_settled: bool = True


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
    ) -> None:
        self._discovery = discovery
        self._handles = handles
        self._rotate_wait = rotate_wait
        self._forget_after = forget_after
        self._waiting: dict[Inode, _Waiting] = {}
        known = list(positions)
        # Of a file that nothing was read of, an inode is no proof: it may be reused by now.
        self.files = {p.file_key: Followed(p, changed_at=0.0) for p in known if p.trail}
        self.logs: dict[str, list[Followed]] = {}
        self.finishing = False
        self._from_end = start == "end" and not known

    @property
    def is_undecided(self) -> bool:
        """There are files of which a later look will tell whether they are to be read."""
        return any(waiting.kin is Kin.UNSURE for waiting in self._waiting.values())

    def look(self, now: float) -> None:
        """See what has become of the files."""
        found = self._discovery.look()
        known = self._by_inode()
        unknown = [f for f in found if not self._meet(f, known.get((f.device, f.inode), ()), now)]
        self._miss({id(f) for f in found}, now)
        present = {(f.device, f.inode) for f in found}
        self._waiting = {i: w for i, w in self._waiting.items() if i in present}
        # Of a rotated file it is asked whether it repeats the primary.
        for stranger in sorted(unknown, key=lambda f: not f.name.is_primary):
            self._place(stranger, now)
        self._from_end = False
        self._forget(now)
        self._arrange(now)

    def retire(self, file: Followed, now: float) -> None:
        """A removed file was read to its end."""
        self._handles.close(file)
        file.lost(now)

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
            if self._is_same(file, found):
                file.seen(found, now)
                return True
            self._lose(file, now)
        return False

    def _is_same(self, file: Followed, found: Found) -> bool:
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
            same = _holds(file.position, content)
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
                file.found, file.changed_at = None, now
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
        if not _still_holds(file):
            self._lose(file, now)
        file.verified, file.changed_at = seal, now

    def _lose(self, file: Followed, now: float) -> None:
        if file.position.gone is None:
            file.lost(now)
        self._handles.close(file)

    # Rules 3 to 5

    def _place(self, found: Found, now: float) -> None:
        """Find out what an unknown file is."""
        inode = (found.device, found.inode)
        before = self._waiting.get(inode)
        if before and before.seal == found.seal and _waits_on(before):
            return
        self._waiting.pop(inode, None)
        if found.seal.size == 0 and not found.name.is_primary:
            return  # a copy that is only being begun
        content = self._handles.open(found)
        if content is None:
            return
        since = before.since if before and before.seal == found.seal else now
        try:
            kin, other = self._kin(found, content)
            if kin is Kin.UNSURE and other and (self.finishing or now - since >= self._rotate_wait):
                kin = Kin.STRANGER
            if kin in (Kin.COPY, Kin.UNSURE):
                if other is not None:
                    end = trail_at(content, content.size())[-1]
                    other.position = replace(other.position, copy=end)
                content.close()
                is_settled = other is not None and bool(other.position.trail)
                self._waiting[inode] = _Waiting(found.seal, since, kin, other, is_settled)
            else:
                self._follow(found, content, kin, other, now)
        except READ_ERRORS as error:
            content.close()
            self._handles.tell(found.path, error)
            self._waiting[inode] = _Waiting(found.seal, since)

    def _kin(self, found: Found, content: Content) -> tuple[Kin, Followed | None]:
        shorter: Followed | None = None
        for lost in self._lost():
            kin = kin_to_lost(found, content, lost.position)
            if kin is Kin.SAME:
                return kin, lost
            if kin is Kin.BEGINNING:
                shorter = shorter or lost
        if shorter:
            return Kin.BEGINNING, shorter
        primary = None if found.name.is_primary else self._primary(found.log)
        kin = Kin.STRANGER if primary is None else self._kin_to_primary(content, primary)
        if kin is Kin.STRANGER and self._may_be_drained(found):
            return Kin.UNSURE, None
        return kin, primary

    def _may_be_drained(self, found: Found) -> bool:
        """A removed file of the log is still read: this may be what became of it."""
        is_drained = any(f.is_detached and f.log == found.log for f in self.files.values())
        return is_drained and not found.name.is_primary

    def _lost(self) -> list[Followed]:
        """The files that may go on elsewhere; the one with the strongest proof first."""
        lost = [f for f in self.files.values() if f.is_lost and f.position.trail]
        return sorted(lost, key=lambda f: -f.position.offset)

    def _primary(self, log: str) -> Followed | None:
        return next((f for f in self.files.values() if f.is_primary and f.log == log), None)

    def _kin_to_primary(self, content: Content, primary: Followed) -> Kin:
        original = self._handles.of(primary)
        if original is None:
            return Kin.UNSURE
        kin = kin_to_primary(content, original)
        if kin is Kin.STRANGER and not _still_holds(primary):
            return Kin.UNSURE  # it was emptied meanwhile, and this may be the copy
        return kin

    def _follow(
        self, found: Found, content: Content, kin: Kin, other: Followed | None, now: float
    ) -> None:
        if kin is Kin.SAME and other is not None:
            file = other
            self._handles.close(file)
        elif kin is Kin.BEGINNING:
            position = begin_at(found, content, content.size())
            file = Followed(replace(position, seal=found.seal), changed_at=now)
        else:
            offset = _end_of_lines(found, content) if self._from_end else 0
            file = Followed(begin_at(found, content, offset), changed_at=now)
        self.files[file.key] = file
        file.seen(found, now)
        file.verified = found.seal
        self._handles.give(file, content)

    # What follows from a look

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


def _holds(position: Position, content: Content) -> bool:
    """What was read is still there."""
    trail = position.trail
    proved = not trail or agreement(trail, content) == trail[-1].at
    return proved and content.window(position.offset) is not None


def _still_holds(file: Followed) -> bool:
    """The same of an open file; ``False`` as well if it cannot be read."""
    try:
        return file.content is not None and _holds(file.position, file.content)
    except READ_ERRORS:
        return False


def _waits_on(waiting: _Waiting) -> bool:
    """Nothing has happened that could change the verdict."""
    if waiting.kin is Kin.COPY:
        return waiting.is_settled and waiting.original is not None and not waiting.original.is_lost
    return waiting.kin is None


def _end_of_lines(found: Found, content: Content) -> int:
    """Where the last whole line ends; for a gz file, to which nothing is added, its end."""
    at = content.size()
    while not found.name.compressed and at and (window := content.window(at)) is not None:
        newline = window.rfind(b"\n")
        if newline >= 0:
            return at - len(window) + newline + 1
        at -= len(window)
    return at
