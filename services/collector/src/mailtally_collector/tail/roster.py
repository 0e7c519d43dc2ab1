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
from typing import TYPE_CHECKING, Literal

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import Followed
from mailtally_collector.tail.placing import Inode, Placing
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position
    from mailtally_collector.tail.discover import Discovery, Found
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
    ) -> None:
        self._discovery = discovery
        self._handles = handles
        self._rotate_wait = rotate_wait
        self._forget_after = forget_after
        known = list(positions)
        # Of a file that nothing was read of, an inode is no proof: it may be reused by now.
        self.files = {p.file_key: Followed(p, changed_at=0.0) for p in known if p.trail}
        self.logs: dict[str, list[Followed]] = {}
        self.finishing = False
        self._placing = Placing(
            self.files,
            handles,
            rotate_wait=rotate_wait,
            from_end=start == "end" and not known,
        )

    @property
    def is_undecided(self) -> bool:
        """There are files of which a later look will tell whether they are to be read."""
        return self._placing.is_undecided

    def look(self, now: float) -> None:
        """See what has become of the files."""
        found = self._discovery.look()
        known = self._by_inode()
        unknown = [f for f in found if not self._meet(f, known.get((f.device, f.inode), ()), now)]
        self._miss({id(f) for f in found}, now)
        self._placing.begin_look({(f.device, f.inode) for f in found})
        # Of a rotated file it is asked whether it repeats the primary.
        for stranger in sorted(unknown, key=lambda f: not f.name.is_primary):
            self._placing.place(stranger, now, finishing=self.finishing)
        self._placing.end_look()
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
            same = file.holds(content)
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
        if not file.still_holds():
            self._lose(file, now)
        file.verified, file.changed_at = seal, now

    def _lose(self, file: Followed, now: float) -> None:
        if file.position.gone is None:
            file.lost(now)
        self._handles.close(file)

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
