"""A log file that is followed: its position, and what is known of it at the moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from mailtally_collector.positions import Position
from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.identity import agreement, extended, trail_at

if TYPE_CHECKING:
    from mailtally_collector.positions import LastLines, Seal
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Age, Found
    from mailtally_collector.tail.identity import Trail


@dataclass(slots=True)
class Followed:
    """One file.

    Attributes:
        position: how far it is read; outlives the process.
        found: where the last look saw it; ``None`` if nowhere.
        content: the file, held open. A removed one is read to its end through it.
        verified: how it looked when its identity was last proved.
        changed_at: when it was last seen to change.
        log: the primary's path of its log, when it was last found.
        age: its place among the files of the log then.
        ended: nobody writes to it any more, so that a rest without a line feed is its end.
        searched: no line feed lies between the offset and here.
        nuls_to: only NULs lie between the offset and here.
        trouble: how it looked when reading it failed; it is left alone until it looks different.
        is_judged: there was enough of it to tell that it is no copy of another one.
        is_partly_counted: stretches of it behind the offset were counted.
        former_path: where it was before it was last renamed.
        is_doubtful: a look found it cut, and not whether it was written on since.
    """

    position: Position
    changed_at: float
    log: str = ""
    age: Age = (2, "")
    found: Found | None = None
    content: Content | None = None
    verified: Seal | None = None
    ended: bool = False
    searched: int = 0
    nuls_to: int = 0
    trouble: Seal | None = None
    is_judged: bool = True
    is_partly_counted: bool = False
    former_path: str = ""
    is_doubtful: bool = False

    @property
    def key(self) -> str:
        """Its name for good."""
        return self.position.file_key

    @property
    def is_primary(self) -> bool:
        """Its log is written to it, as far as its name tells."""
        return self.found is not None and self.found.name.is_primary

    @property
    def is_unproved(self) -> bool:
        """Nothing was read of it that proves which file it is."""
        return not self.position.trail

    @property
    def is_detached(self) -> bool:
        """It has no name any more and is read through the open file."""
        return self.found is None and self.content is not None

    @property
    def is_lost(self) -> bool:
        """There is nothing to read it from."""
        return self.found is None and self.content is None

    @property
    def is_done(self) -> bool:
        """It was read to its end for good, and has not changed since."""
        seal = self.position.seal
        return seal is not None and self.found is not None and self.found.seal == seal

    @property
    def is_troubled(self) -> bool:
        """Reading it failed, and it looks as it did then."""
        return self.trouble is not None and self._looks() == self.trouble

    @property
    def is_to_be_judged(self) -> bool:
        """It has grown since a look found too little in it to judge."""
        looks = self._looks()
        return not (self.is_judged or self.found is None or looks == self.found.seal)

    @property
    def is_readable(self) -> bool:
        """There may be something to read."""
        is_held = self.position.stopped is not None or not self.is_judged
        return not (self.is_lost or self.is_done or self.is_troubled or is_held)

    def unread(self) -> int:
        """Bytes behind the offset, as far as known; of a gz file, those on disk."""
        return self._behind(self._looks())

    def holds(self, content: Content) -> bool:
        """What was read of it is in there."""
        trail = self.position.trail
        proved = not trail or agreement(trail, content) == trail[-1].at
        return proved and content.window(self.position.offset) is not None

    def still_holds(self) -> bool:
        """What was read of it is in the open file; not so if that cannot be read."""
        try:
            return self.content is not None and self.holds(self.content)
        except READ_ERRORS:
            return False

    def forget_copy_of_another(self, content: Content) -> None:
        """Before anything is read of it, a file can be emptied without a trace."""
        copy = self.position.copy
        if copy and not self.position.trail and not agreement([copy], content):
            self.position = replace(self.position, copy=None)

    def advance(self, offset: int, marks: Trail, lines: LastLines | None = None) -> None:
        """It is read up to ``offset``, which is where the last of ``marks`` lies."""
        trail = self.position.trail
        for mark in marks:
            trail = extended(trail, mark)
        self.position = replace(self.position, offset=offset, trail=trail, lines=lines)
        self.searched = self.nuls_to = 0

    def seen(self, found: Found, now: float) -> None:
        """A look found it there."""
        if self.found is None or self.found.seal != found.seal:
            self.changed_at = now
        self.found, self.log, self.age = found, found.log, found.name.age
        if self.position.path != found.path:
            self.former_path = self.position.path
        here = (found.path, found.device, found.inode)
        if (self.position.path, self.position.device, self.position.inode) != here or (
            self.position.gone is not None
        ):
            self.position = replace(
                self.position,
                path=found.path,
                device=found.device,
                inode=found.inode,
                gone=None,
                unread=0,
            )

    def lost(self, now: float) -> None:
        """It can be found nowhere, or holds something else now."""
        last_seen = self.verified if self.found is None else self.found.seal
        self.position = replace(self.position, gone=now, unread=self._behind(last_seen))
        self.found = self.verified = self.trouble = None

    def _behind(self, looks: Seal | None) -> int:
        if looks is None or looks == self.position.seal:
            return 0
        if self.found is not None and self.found.name.compressed:
            return looks.size
        return max(0, looks.size - self.position.offset)

    def _looks(self) -> Seal | None:
        if self.content is not None:
            return self.content.seal()
        return None if self.found is None else self.found.seal


def begin_at(found: Found, content: Content, offset: int) -> Position:
    """The position of a file that is new, and that is read from ``offset`` on."""
    return Position(
        file_key=uuid4().hex,
        path=found.path,
        device=found.device,
        inode=found.inode,
        begin=offset,
        offset=offset,
        trail=trail_at(content, offset),
    )


def renewed(position: Position, found: Found) -> Position:
    """The position of a new file that goes on for another one, which is read as well."""
    return replace(
        position,
        file_key=uuid4().hex,
        path=found.path,
        device=found.device,
        inode=found.inode,
        seal=None,
    )
