"""Find out what an unknown file is: rules 3 to 6 of the roster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.beginnings import Beginnings
from mailtally_collector.tail.candidates import (
    is_read_first,
    lost_among,
    present_among,
    replaced_by,
    took_place,
)
from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import Followed, begin_at, renewed
from mailtally_collector.tail.identity import WINDOW, first_of, head_marks, with_other_line_ends
from mailtally_collector.tail.kinship import (
    Kin,
    Kinship,
    kin_to_lost,
    kin_to_present,
    kin_to_renamed,
    unread_kin,
)
from mailtally_collector.tail.newcomer import Newcomers, end_of_lines
from mailtally_collector.tail.resuming import judge_own, resume_at, stop
from mailtally_collector.tail.stopped import StopReason
from mailtally_collector.tail.waiting import Waiting, as_read, note_copy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.doubts import Doubts
    from mailtally_collector.tail.handles import Handles

Inode = tuple[int, int]

_STRONGEST_FIRST = (
    Kin.SAME,
    Kin.BEGINNING,
    Kin.COPY,
    Kin.SHORTER,
    Kin.LONGER,
    Kin.EDITED,
    Kin.UNSURE,
    Kin.DIVERGED,
)


class Placing:
    """Adds unknown files to the followed ones, or lets them wait."""

    def __init__(
        self,
        files: dict[str, Followed],
        handles: Handles,
        *,
        doubts: Doubts,
        rotate_wait: float,
        from_end: bool,
    ) -> None:
        self._files = files
        self._handles = handles
        self._newcomers = Newcomers(files, doubts, rotate_wait)
        self._rotate_wait = rotate_wait
        self._from_end = from_end
        self._waiting: dict[Inode, Waiting] = {}
        self._there: dict[str, Inode] = {}
        self._beginnings: Beginnings | None = None

    @property
    def is_undecided(self) -> bool:
        """There are files of which a later look will tell whether they are to be read."""
        return any(waiting.kin is Kin.UNSURE for waiting in self._waiting.values())

    def note_read(self) -> None:
        """Before a look at what has changed: which copies hold nothing that was not read."""
        self._waiting = {inode: as_read(waiting) for inode, waiting in self._waiting.items()}

    def begin_look(self, found: Iterable[Found]) -> None:
        """Forget the waiting files that are not there any more."""
        self._there = {f.path: (f.device, f.inode) for f in found}
        present = set(self._there.values())
        self._waiting = {i: w for i, w in self._waiting.items() if i in present}
        self._beginnings = None
        self._newcomers.begin_look(self._handles.failed)

    def end_look(self, now: float, reach: float, *, is_first: bool) -> None:
        """From the second look on, files are new and read from their beginning."""
        self._from_end = False
        self._beginnings = None
        undecided = self.is_undecided
        self._newcomers.end_look(now, reach, is_first=is_first, is_undecided=undecided)

    def place(self, strangers: Iterable[Found], now: float, *, finishing: bool) -> None:
        """Find out what unknown files are. With ``finishing`` no later look will tell more."""
        # What lacks the end of a lost file goes on for it only if no other file has that end.
        short: list[tuple[Found, Waiting | None]] = []
        for found in strangers:
            before = self._waiting.get((found.device, found.inode))
            if before is not None and before.seal != found.seal:
                before = None
            if before is not None and before.is_decided:
                continue
            self._waiting.pop((found.device, found.inode), None)
            if not self._placed(found, before, now, finishing=finishing):
                short.append((found, before))
        for found, before in short:
            self._placed(found, before, now, finishing=finishing, may_lack_end=True)

    def _placed(
        self,
        found: Found,
        before: Waiting | None,
        now: float,
        *,
        finishing: bool,
        may_lack_end: bool = False,
    ) -> bool:
        """Place a file; false if it lacks the end of a lost one, and may not."""
        if found.seal.size == 0 and not found.name.is_primary:
            return True  # a copy that is only being begun
        content = self._handles.open(found)
        if content is None:
            return True
        since = before.since if before else now
        try:
            kinship = self._kinship(found, content)
            if kinship.kin is Kin.SHORTER and not may_lack_end:
                content.close()
                return False
            if before is not None and before.kin is Kin.COPY:
                kinship = kinship.of_a_copy(is_read=before.is_read)
            if kinship.other and (finishing or now - since >= self._rotate_wait):
                kinship = kinship.in_the_end()
            if kinship.kin in (Kin.COPY, Kin.UNSURE):
                self._let_wait(found, content, kinship, since)
            else:
                file = self._follow(found, content, kinship, now, finishing=finishing)
                if kinship.kin is Kin.STRANGER:
                    self._newcomers.add(found, since, is_judged=file.is_judged)
        except READ_ERRORS as error:
            content.close()
            self._let_wait_unread(found, since, error)
        return True

    def _kinship(self, found: Found, content: Content) -> Kinship:
        """What a file is to the followed ones: what proves most comes first."""
        if self._plain_twin(found):
            content.size()  # fails while it is being compressed
        alike = self._alike(found, first_of(content))
        to_lost = [kin_to_lost(found, content, file) for file in lost_among(alike)]
        to_present = [self._kin_to_present(found, content, file) for file in present_among(alike)]
        kinships = to_lost + to_present
        for kin in _STRONGEST_FIRST:
            if (kinship := next((k for k in kinships if k.kin is kin), None)) is not None:
                return kinship
        return Kinship(Kin.UNSURE if self._may_be_drained(found) else Kin.STRANGER)

    def _alike(self, found: Found, first: bytes) -> list[Followed]:
        """The files that it may be a copy of, or go on in place of.

        A rotated one may always be a copy of its log's primary. A primary may be an edited copy
        of the one that was in its place, without its first lines.
        """
        alike = self._index().alike(first) or self._index().alike(with_other_line_ends(first))
        alike = [file for file in alike if file.key in self._files]
        is_primary = found.name.is_primary
        other = replaced_by(found, self._files.values()) if is_primary else self._primary(found.log)
        return alike if other is None or any(f is other for f in alike) else [*alike, other]

    def _index(self) -> Beginnings:
        if self._beginnings is None:
            self._beginnings = Beginnings(self._files.values(), self._handles)
        return self._beginnings

    def _may_be_drained(self, found: Found) -> bool:
        """A removed file of the log is still read: this may be what became of it."""
        is_drained = any(f.is_detached and f.log == found.log for f in self._files.values())
        return is_drained and not found.name.is_primary

    def _primary(self, log: str) -> Followed | None:
        return next((f for f in self._files.values() if f.is_primary and f.log == log), None)

    def _kin_to_present(self, found: Found, content: Content, file: Followed) -> Kinship:
        original = self._handles.of(file)
        if original is None:
            return unread_kin(content, file)
        kinship = kin_to_present(found, content, file, original)
        if kinship.kin in (Kin.DIVERGED, Kin.STRANGER) and not file.still_holds():
            return Kinship(Kin.UNSURE, file)  # it was emptied meanwhile, and this may be the copy
        if kinship.kin is Kin.DIVERGED and took_place(found, file):
            return kin_to_renamed(content, file)
        if file.is_detached and is_read_first(kinship, found, content, file):
            return Kinship(Kin.UNSURE)
        if kinship.kin is Kin.LONGER and file.position.trail:
            # Copies may grow by turns; one that stays ahead holds what was not read.
            return Kinship(Kin.UNSURE, file, at_last=Kin.DIVERGED)
        return kinship

    def _let_wait(self, found: Found, content: Content, kinship: Kinship, since: float) -> None:
        other = kinship.other
        is_settled = other is not None and note_copy(other, content)
        end = content.size()
        content.close()
        inode = (found.device, found.inode)
        self._waiting[inode] = Waiting(found.seal, since, kinship.kin, other, is_settled, end)

    def _let_wait_unread(self, found: Found, since: float, error: Exception) -> None:
        """Leave a file alone until it changes; one that is being compressed is no trouble."""
        twin = self._plain_twin(found)
        original = self._original_of(twin) if twin else None
        kin = Kin.COPY if original else None
        self._waiting[found.device, found.inode] = Waiting(found.seal, since, kin, original)
        if original is None:
            self._handles.tell(found.path, error)

    def _plain_twin(self, found: Found) -> Inode | None:
        """The file that has the name which this one had before it was compressed."""
        return self._there.get(found.path.rpartition(".")[0]) if found.name.compressed else None

    def _original_of(self, inode: Inode) -> Followed | None:
        """The followed file that another one is, or is a copy of."""
        if (waiting := self._waiting.get(inode)) is not None:
            return waiting.original
        known = (f for f in self._files.values() if f.found is not None)
        return next((f for f in known if (f.position.device, f.position.inode) == inode), None)

    def _follow(
        self, found: Found, content: Content, kinship: Kinship, now: float, *, finishing: bool
    ) -> Followed:
        first = first_of(content)
        file = self._file_of(found, content, kinship, now)
        file.is_judged = (
            finishing
            or (not found.name.is_primary and bool(first))
            or b"\n" in first
            or len(first) == WINDOW
            or bool(file.position.trail)
        )
        if kinship.kin is Kin.LONGER and kinship.other is not None:
            self._let_copy_wait(kinship.other, file, now)
        self._files[file.key] = file
        file.seen(found, now)
        file.verified = found.seal
        self._handles.give(file, content)
        self._index().add(file, head_marks(first))
        return file

    def _file_of(self, found: Found, content: Content, kinship: Kinship, now: float) -> Followed:
        """The file to follow: a known one, or a new one."""
        if kinship.kin in (Kin.SAME, Kin.SHORTER) and kinship.other is not None:
            file = kinship.other
            self._handles.close(file)
            if kinship.at != file.position.offset:
                resume_at(file, content, found.path, kinship.at, now)
                file.is_doubtful = not kinship.is_sure
            else:
                judge_own(file, content, now)
            return file
        if kinship.kin is Kin.BEGINNING:
            if kinship.other is not None:
                self._newcomers.went_on(kinship.other)
            position = begin_at(found, content, content.size())
            return Followed(replace(position, seal=found.seal), changed_at=now)
        if kinship.kin is Kin.EDITED and kinship.other is not None:
            known = replace(kinship.other.position, copy=None, begin=kinship.at)
            file = Followed(renewed(known, found), changed_at=now)
            resume_at(file, content, found.path, kinship.at, now)
            return file
        if kinship.kin is Kin.DIVERGED:
            file = Followed(begin_at(found, content, 0), changed_at=now)
            stop(file, content, StopReason.DIVERGED, now)
            return file
        offset = end_of_lines(found, content) if self._from_end else 0
        return Followed(begin_at(found, content, offset), changed_at=now)

    def _let_copy_wait(self, copy: Followed, original: Followed, now: float) -> None:
        """Follow a longer file instead of one that nothing was read of."""
        self._handles.close(copy)
        del self._files[copy.key]
        for inode, waiting in self._waiting.items():
            if waiting.original is copy:
                self._waiting[inode] = replace(waiting, original=original)
        if copy.found is not None:
            waiting = Waiting(copy.found.seal, now, Kin.COPY, original, is_settled=False)
            self._waiting[copy.found.device, copy.found.inode] = waiting
