"""Find out what an unknown file is: rules 3 to 5 of the roster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import Followed, begin_at
from mailtally_collector.tail.identity import trail_at
from mailtally_collector.tail.kinship import Kin, kin_to_lost, kin_to_primary

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailtally_collector.positions import Seal
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.handles import Handles

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


class Placing:
    """Adds unknown files to the followed ones, or lets them wait."""

    def __init__(
        self,
        files: dict[str, Followed],
        handles: Handles,
        *,
        rotate_wait: float,
        from_end: bool,
    ) -> None:
        self._files = files
        self._handles = handles
        self._rotate_wait = rotate_wait
        self._from_end = from_end
        self._waiting: dict[Inode, _Waiting] = {}

    @property
    def is_undecided(self) -> bool:
        """There are files of which a later look will tell whether they are to be read."""
        return any(waiting.kin is Kin.UNSURE for waiting in self._waiting.values())

    def begin_look(self, present: Collection[Inode]) -> None:
        """Forget the waiting files that are not there any more."""
        self._waiting = {i: w for i, w in self._waiting.items() if i in present}

    def end_look(self) -> None:
        """From the second look on, files are new and read from their beginning."""
        self._from_end = False

    def place(self, found: Found, now: float, *, finishing: bool) -> None:
        """Find out what an unknown file is. With ``finishing`` no later look will tell more."""
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
            if kin is Kin.UNSURE and other and (finishing or now - since >= self._rotate_wait):
                kin = Kin.STRANGER
            if kin in (Kin.COPY, Kin.UNSURE):
                is_settled = other is not None and _note_copy(other, content)
                content.close()
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
        is_drained = any(f.is_detached and f.log == found.log for f in self._files.values())
        return is_drained and not found.name.is_primary

    def _lost(self) -> list[Followed]:
        """The files that may go on elsewhere; the one with the strongest proof first."""
        lost = [f for f in self._files.values() if f.is_lost and f.position.trail]
        return sorted(lost, key=lambda f: -f.position.offset)

    def _primary(self, log: str) -> Followed | None:
        return next((f for f in self._files.values() if f.is_primary and f.log == log), None)

    def _kin_to_primary(self, content: Content, primary: Followed) -> Kin:
        original = self._handles.of(primary)
        if original is None:
            return Kin.UNSURE
        kin = kin_to_primary(content, original)
        if kin is Kin.STRANGER and not primary.still_holds():
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
        self._files[file.key] = file
        file.seen(found, now)
        file.verified = found.seal
        self._handles.give(file, content)


def _note_copy(original: Followed, copy: Content) -> bool:
    """Remember how far a copy goes; it may be all that is left of the original.

    Returns:
        Whether enough was read of the original to notice when it is emptied.
    """
    for end in trail_at(copy, copy.size())[-1:]:
        original.position = replace(original.position, copy=end)
    return bool(original.position.trail)


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
