"""A followed log file: its position, and its present state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.identity.fingerprints import (
    agreement,
    extended,
    last_line_end,
    trail_up_to,
)
from mailtally_collector.tail.identity.last_lines import lines_before
from mailtally_collector.tail.positions import Position

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Age, Found
    from mailtally_collector.tail.identity.fingerprints import Trail
    from mailtally_collector.tail.positions import LastLines, Seal


@dataclass(slots=True)
class Followed:
    """A followed file.

    Attributes:
        position: how far it is read; stored across restarts.
        found: its entry in the last scan; ``None`` if it was not found.
        content: the open file. A removed file is read to its end through it.
        verified: its size and time when its identity was last proved.
        changed_at: when it was last seen to change.
        log: the primary's path of its log, when it was last found.
        age: its order among the files of the log then.
        ended: whether it is no longer written to, so that a last line may lack its line feed.
        exhausted: its size and time, its offset, and whether it had ended, when there was nothing
            to read in it.
        searched: the offset up to which no line feed was found.
        nuls_to: the offset up to which only NULs were found.
        trouble: its size and time when reading it failed; it is skipped until they change.
        is_judged: whether there was enough of it to exclude that it is a copy of another file.
        is_partly_counted: whether parts of it after the offset were counted.
        former: its position before it was found to continue in other content.
        former_end: the offset in its present content after what was read in the former.
        is_doubtful: whether a scan found it cut without knowing whether it was written to since.
    """

    position: Position
    changed_at: float
    log: str = ""
    age: Age = (2, "")
    found: Found | None = None
    content: Content | None = None
    verified: Seal | None = None
    ended: bool = False
    exhausted: tuple[Seal, int, bool] | None = None
    searched: int = 0
    nuls_to: int = 0
    trouble: Seal | None = None
    is_judged: bool = True
    is_partly_counted: bool = False
    former: Position | None = None
    former_end: int = 0
    is_doubtful: bool = False

    @property
    def key(self) -> str:
        """Return its lasting key."""
        return self.position.file_key

    @property
    def is_primary(self) -> bool:
        """Return whether its log is written to it, judging by its name."""
        return self.found is not None and self.found.name.is_primary

    @property
    def is_unproved(self) -> bool:
        """Return whether nothing was read of it that would prove its identity."""
        return not self.position.trail

    @property
    def is_detached(self) -> bool:
        """Return whether it no longer has a name and is read through the open file."""
        return self.found is None and self.content is not None

    @property
    def is_lost(self) -> bool:
        """Return whether it has neither a name nor an open file."""
        return self.found is None and self.content is None

    @property
    def is_done(self) -> bool:
        """Return whether it was read to its end when complete, and is unchanged since."""
        seal = self.position.seal
        return seal is not None and self.found is not None and self.found.seal == seal

    @property
    def is_troubled(self) -> bool:
        """Return whether reading it failed and it is unchanged since."""
        return self.trouble is not None and self._looks() == self.trouble

    @property
    def is_to_be_judged(self) -> bool:
        """Return whether it has changed since a scan found too little in it to judge."""
        return not (self.is_judged or self.found is None or self._looks() == self.found.seal)

    @property
    def is_exhausted(self) -> bool:
        """Return whether a rotated file was read in vain and nothing has changed since."""
        now = (self._looks(), self.position.offset, self.ended)
        return not self.is_primary and self.exhausted == now

    def note_exhausted(self, looks: Seal) -> None:
        """Note that there was nothing to read when it had this size and time."""
        self.exhausted = (looks, self.position.offset, self.ended)

    @property
    def is_readable(self) -> bool:
        """Return whether there may be something to read."""
        is_held = self.position.stopped is not None or not self.is_judged
        return not (self.is_lost or self.is_done or self.is_troubled or is_held)

    def unread(self) -> int:
        """Return the known bytes after the offset; for a compressed file, its bytes on disk."""
        return self._behind(self._looks())

    def known_end(self) -> float:
        """Return its end, which for a compressed file is known only when it is read."""
        is_compressed = self.found is not None and self.found.name.compressed
        return float("inf") if is_compressed else self.position.offset + self.unread()

    def holds(self, content: Content) -> bool:
        """Return whether a content holds what was read of the file."""
        trail = self.position.trail
        proved = not trail or agreement(trail, content) == trail[-1].at
        return proved and content.window(self.position.offset) is not None

    def still_holds(self) -> bool:
        """Return whether the open file holds what was read; false if it cannot be read."""
        try:
            return self.content is not None and self.holds(self.content)
        except READ_ERRORS:
            return False

    def forget_copy_of_another(self, content: Content) -> None:
        """Drop the note that it is a copy if an unread file was emptied meanwhile."""
        copy = self.position.copy
        if copy and not self.position.trail and not agreement([copy], content):
            self.position = replace(self.position, copy=None)

    def advance(self, offset: int, marks: Trail, lines: LastLines | None = None) -> None:
        """Note that it is read up to ``offset``, the place of the last of ``marks``."""
        trail = self.position.trail
        for mark in marks:
            trail = extended(trail, mark)
        self.position = replace(self.position, offset=offset, trail=trail, lines=lines)
        self.searched = self.nuls_to = 0

    def seen(self, found: Found, now: float) -> None:
        """Note that a scan found it."""
        if self.found is None or self.found.seal != found.seal:
            self.changed_at = now
        self.found, self.log, self.age = found, found.log, found.name.age
        here = (found.path, found.device, found.inode)
        if (self.position.path, self.position.device, self.position.inode) != here or (
            self.position.gone is not None
        ):
            is_renamed = self.position.path != found.path
            self.position = replace(
                self.position,
                left=self.position.path if is_renamed else self.position.left,
                path=found.path,
                device=found.device,
                inode=found.inode,
                gone=None,
                unread=0,
            )

    def lost(self, now: float) -> None:
        """Note that it was not found, or that its path now holds something else."""
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


def read_to_its_end(file: Followed) -> Followed:
    """Return an open file as it will be once read to the end of its last whole line."""
    position, content = file.position, file.content
    end = 0 if content is None else last_line_end(content, content.size())
    if content is None or end <= position.offset:
        return file
    trail, lines = trail_up_to(content, end, position.trail), lines_before(content, end)
    position = replace(position, offset=end, trail=trail, lines=lines, copy=None)
    return Followed(position, file.changed_at)


def begin_at(found: Found, content: Content, offset: int) -> Position:
    """Return the position of a new file that is read from ``offset`` on."""
    return Position(
        file_key=uuid4().hex,
        path=found.path,
        device=found.device,
        inode=found.inode,
        begin=offset,
        offset=offset,
        trail=trail_up_to(content, offset),
    )


def renewed(position: Position, found: Found) -> Position:
    """Return the position of a new file that continues another one, which is read as well."""
    return replace(
        position,
        file_key=uuid4().hex,
        path=found.path,
        device=found.device,
        inode=found.inode,
        left="",
        seal=None,
    )
