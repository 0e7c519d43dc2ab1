"""Place unknown files: rules 3 to 6 of the roster."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import Followed, begin_at, renewed
from mailtally_collector.tail.identity.candidates import (
    Beginnings,
    continues,
    holds_window_of,
    is_read_first,
    lost_among,
    note_window,
    present_among,
    removed_from,
    took_place,
)
from mailtally_collector.tail.identity.fingerprints import (
    WINDOW,
    first_of,
    head_marks,
    with_other_line_ends,
)
from mailtally_collector.tail.identity.kinship import (
    Kin,
    Kinship,
    kin_to_former,
    kin_to_lost,
    kin_to_present,
    kin_to_renamed,
    unread_kin,
)
from mailtally_collector.tail.identity.newcomer import Newcomers, end_of_lines
from mailtally_collector.tail.identity.resuming import (
    judge_counted,
    judge_own,
    resume_at,
    stop,
)
from mailtally_collector.tail.identity.waiting import UNDECIDED, Waiting, WaitingFiles
from mailtally_collector.tail.stopped import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.doubts import Doubts
    from mailtally_collector.tail.handles import Handles

_STRONGEST_FIRST = (
    Kin.SAME,
    Kin.BEGINNING,
    Kin.COPY,
    Kin.SHORTER,
    Kin.AFTER,
    Kin.LONGER,
    Kin.EDITED,
    Kin.UNSURE,
    Kin.DIVERGED,
)


class Placing:
    """The part that adds unknown files to the followed ones, or has them wait."""

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
        self._waiting = WaitingFiles(rotate_wait)
        #: Logs that have waited long for a removed file, with the path of that.
        self.held_up: tuple[tuple[str, str], ...] = ()
        self._beginnings: Beginnings | None = None

    @property
    def is_undecided(self) -> bool:
        """Return whether a later scan has to decide about some files."""
        return self._waiting.is_undecided

    def note_read(self) -> None:
        """Note, before a scan, which copies hold nothing unread."""
        self._waiting.note_read()

    def begin_look(self, found: Iterable[Found]) -> None:
        """Drop the waiting files that no longer exist."""
        self._waiting.begin_look(found)
        self._beginnings = None
        self._newcomers.begin_look(self._handles.failed)

    def end_look(self, now: float, reach: float, *, is_first: bool) -> None:
        """End a scan; from the second one on, new files are read from their beginning."""
        self._from_end = False
        self._beginnings = None
        undecided = self.is_undecided
        self._newcomers.end_look(now, reach, is_first=is_first, is_undecided=undecided)
        self.held_up = tuple(self._waiting.held_up(now))
        if not undecided:
            self._note_succeeded()

    def _note_succeeded(self) -> None:
        """Note the paths at which another file is followed than the one that left them."""
        primaries = {file.position.path for file in self._files.values() if file.is_primary}
        for file in self._files.values():
            if file.position.left in primaries:
                file.position = replace(file.position, left="")

    def place(self, strangers: Iterable[Found], now: float, *, finishing: bool) -> None:
        """Place unknown files. With ``finishing``, no later scan will decide."""
        # A file that lacks the end of a lost one continues it only if no other file has that end.
        short: list[tuple[Found, Waiting | None]] = []
        for found in strangers:
            before = self._waiting.of(found)
            if before is not None and not finishing and self._still_waits(found, before, now):
                continue
            if before is not None and before.seal != found.seal:
                before = None
            if before is not None and before.is_decided:
                continue
            self._waiting.take(found)
            if not self._placed(found, before, now, finishing=finishing):
                short.append((found, before))
        for found, before in short:
            self._waiting.take(found)
            self._placed(found, before, now, finishing=finishing, may_lack_end=True)

    def _still_waits(self, found: Found, before: Waiting, now: float) -> bool:
        """Return whether a file still waits for one that is read first.

        To find that out by their content takes megabytes of reading, and the other one may be
        written to for hours. While it is there, its first bytes show that this is the same file.
        """
        other = before.original
        if before.kin is not Kin.AFTER or other is None or other.is_lost:
            return False
        if not other.is_detached:
            is_in_time = now - before.since < self._rotate_wait
            return before.seal == found.seal and is_in_time and other.unread() > 0
        if before.seal == found.seal:
            return True
        content = self._handles.open(found)
        if content is None:
            return False
        with closing(content), suppress(*READ_ERRORS):
            return before.is_begun_by(first_of(content))
        return False

    def _placed(
        self,
        found: Found,
        before: Waiting | None,
        now: float,
        *,
        finishing: bool,
        may_lack_end: bool = False,
    ) -> bool:
        """Place a file; return false if it lacks the end of a lost one and must not."""
        if found.seal.size == 0 and not found.name.is_primary:
            return True  # a copy that has just begun
        content = self._handles.open(found)
        if content is None:
            return True
        since = before.since if before else now
        try:
            kinship = self._kinship(found, content)
            if kinship.kin is Kin.SHORTER and not may_lack_end:
                self._waiting.put_related(
                    found, content, Kinship(Kin.AFTER), since
                )  # its copies do as well
                return False
            if before is not None and before.kin is Kin.COPY:
                kinship = kinship.of_a_copy(is_read=before.is_read)
            if kinship.other and (finishing or now - since >= self._rotate_wait):
                kinship = kinship.in_the_end()
            if kinship.kin in (Kin.COPY, *UNDECIDED):
                self._waiting.put_related(found, content, kinship, since)
            else:
                file = self._follow(found, content, kinship, now, finishing=finishing)
                if kinship.kin is Kin.STRANGER:
                    self._newcomers.add(found, since, is_judged=file.is_judged)
        except READ_ERRORS as error:
            content.close()
            self._let_wait_unread(found, since, error)
        return True

    def _kinship(self, found: Found, content: Content) -> Kinship:
        """Return the relation of a file to the followed ones, the strongest proof first."""
        if self._waiting.plain_twin(found):
            content.size()  # fails while it is being compressed
        first = first_of(content)
        alike = self._alike(found, first)
        to_lost = [kin_to_lost(found, content, file) for file in lost_among(alike)]
        to_present = [self._kin_to_present(found, content, file) for file in present_among(alike)]
        kinships = to_lost + to_present
        for kin in _STRONGEST_FIRST:
            if (kinship := next((k for k in kinships if k.kin is kin), None)) is not None:
                return kinship
        if self._may_be_drained(found):
            return Kinship(Kin.AFTER)
        if self._waiting.is_like_one(found, first):
            return Kinship(Kin.ALIKE)
        return Kinship(Kin.STRANGER)

    def _alike(self, found: Found, first: bytes) -> list[Followed]:
        """Return the files that it may be a copy or a continuation of.

        A rotated file may always be a copy of its log's primary. Both may be an edited copy,
        without its first lines, of the file that had the primary's path before: removed or renamed.
        """
        alike = self._index().alike(first) or self._index().alike(with_other_line_ends(first))
        alike = [file for file in alike if file.key in self._files]
        primary = None if found.name.is_primary else self._primary(found.log)
        others = [primary] if primary else []
        logs = self._waiting.logs_of(found)
        others += [file for log in logs for file in removed_from(log, self._files.values())]
        others += [f for f in self._files.values() if took_place(logs, f) or continues(logs, f)]
        return list({file.key: file for file in (*alike, *others)}.values())

    def _index(self) -> Beginnings:
        if self._beginnings is None:
            self._beginnings = Beginnings(self._files.values(), self._handles)
        return self._beginnings

    def _may_be_drained(self, found: Found) -> bool:
        """Return whether a removed file of the log is still being read, which this may be."""
        is_drained = any(f.is_detached and f.log == found.log for f in self._files.values())
        return is_drained and not found.name.is_primary

    def _primary(self, log: str) -> Followed | None:
        return next((f for f in self._files.values() if f.is_primary and f.log == log), None)

    def _kin_to_present(self, found: Found, content: Content, file: Followed) -> Kinship:
        original = self._handles.of(file)
        if original is None:
            return unread_kin(content, file)
        kinship = kin_to_present(found, content, file, original)
        if kinship.kin in (Kin.DIVERGED, Kin.STRANGER):
            if not file.still_holds():
                return Kinship(Kin.UNSURE, file)  # it was emptied meanwhile; this may be the copy
            if edited := self._kin_to_edited(found, content, file, original, kinship.kin):
                return edited
        if file.is_detached and is_read_first(kinship, found, content, file):
            note_window(content, file)
            return Kinship(Kin.AFTER, file, at_last=Kin.AFTER)
        if kinship.kin is Kin.LONGER and file.position.trail:
            # Copies may grow in turns; one that stays ahead holds unread lines.
            return Kinship(Kin.UNSURE, file, at_last=Kin.DIVERGED)
        return kinship

    def _kin_to_edited(
        self, found: Found, content: Content, file: Followed, original: Content, kin: Kin
    ) -> Kinship | None:
        """Return the relation to a file that was renamed, or that continues another one."""
        logs = self._waiting.logs_of(found)
        if took_place(logs, file):
            is_edited = (
                found.name.is_primary
                if kin is Kin.DIVERGED
                else holds_window_of(file, original, content)
            )
            if is_edited:
                return kin_to_renamed(content, file)
        if file.is_detached:  # it is read to its end, and continues elsewhere only then
            return None
        kinship = kin_to_former(found, content, file, original)
        return None if kinship.kin is Kin.STRANGER else kinship

    def _let_wait_unread(self, found: Found, since: float, error: Exception) -> None:
        """Skip a file until it changes; one that is being compressed is not reported."""
        twin = self._waiting.plain_twin(found)
        original = self._waiting.original_of(twin, self._files.values()) if twin else None
        kin = Kin.COPY if original else None
        self._waiting.put(found, Waiting(found.seal, since, kin, original))
        if original is None:
            self._handles.tell(found.path, error)

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
        """Return the file to follow, a known one or a new one."""
        if kinship.kin in (Kin.SAME, Kin.SHORTER) and kinship.other is not None:
            file = kinship.other
            self._handles.close(file)
            if kinship.at == file.position.offset and file.holds(content):
                judge_counted(file, content, now)
                judge_own(file, content, now)
            else:
                resume_at(file, content, found.path, kinship.at, now)
                file.is_doubtful = not kinship.is_sure
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
        """Follow a longer file instead of an unread one."""
        self._handles.close(copy)
        del self._files[copy.key]
        self._waiting.replace_original(copy, original)
        if copy.found is not None:
            waiting = Waiting(copy.found.seal, now, Kin.COPY, original, is_settled=False)
            self._waiting.put(copy.found, waiting)
