"""The relation of an unknown file to known ones: copies made by people and by rotation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_collector.tail.discover import log_of
from mailtally_collector.tail.followed import Followed, read_to_its_end
from mailtally_collector.tail.identity.fingerprints import (
    ENOUGH,
    agreement,
    beginning_of,
    first_of,
    is_one_line_repeated,
    last_line_end,
    shared_beginning,
    shared_lines,
)
from mailtally_collector.tail.identity.rejoin import How, rejoin

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.positions import Position


class Kin(Enum):
    """The relation of a file to another one."""

    SAME = "the other continues in this file: renamed, compressed, moved, or copied and emptied"
    BEGINNING = "everything in this file was read in the other already"
    SHORTER = "the other was read beyond the end of this file, and may continue here"
    COPY = "this file holds the same, and the other still exists"
    LONGER = "this file holds everything of the other, and more"
    EDITED = "this file holds up to some offset what was read of the other in former content"
    DIVERGED = "this file begins like the other and continues differently"
    UNSURE = "it looks like a copy, but is too short to tell"
    AFTER = "it may hold lines of a removed file, which is read first"
    ALIKE = "it begins like a file that waits for another one"
    STRANGER = "nothing"


@dataclass(frozen=True, slots=True)
class Kinship:
    """The relation of a file to ``other``.

    Attributes:
        kin: the kind of relation.
        other: the known file.
        at: for the same file, where to resume.
        is_sure: whether there is more proof than the marks.
        at_last: the relation to assume if waiting has not settled an unsure one.
    """

    kin: Kin
    other: Followed | None = None
    at: int = 0
    at_last: Kin = Kin.STRANGER
    is_sure: bool = True

    def of_a_copy(self, *, is_read: bool) -> Kinship:
        """Return the relation of an unchanged file that was a copy: it has lost no end.

        Args:
            is_read: whether all of it was read in its original before that was changed.
        """
        is_other = self.kin in (Kin.EDITED, Kin.DIVERGED, Kin.STRANGER)
        is_known = self.kin is Kin.SHORTER or (is_read and is_other)
        return replace(self, kin=Kin.BEGINNING) if is_known else self

    def in_the_end(self) -> Kinship:
        """Return the relation when there is no more time to wait."""
        return replace(self, kin=self.at_last) if self.kin in (Kin.UNSURE, Kin.AFTER) else self


def kin_to_lost(found: Found, content: Content, file: Followed) -> Kinship:
    """Return the relation of a file to one that can no longer be read.

    A line with its time is proof. Less suffices for a rotated file of the same log, where a copy is
    expected; a primary with the same first line may well be a new file.
    """
    lost = file.position
    reached = agreement(lost.marks(), content)
    is_enough = reached >= ENOUGH or (reached > 0 and _is_expected(found, lost))
    if is_enough and reached >= lost.offset:
        return Kinship(Kin.SAME, file, lost.offset)
    verdict = rejoin(lost, content, compressed=found.name.compressed)
    if verdict.how is How.UNKNOWN:
        return Kinship(Kin.DIVERGED, file)
    if verdict.how is How.FOUND:
        return Kinship(Kin.SAME, file, verdict.at)
    if verdict.how is How.SHORTER and found.name.is_primary:
        return Kinship(Kin.SHORTER, file, verdict.at, is_sure=verdict.is_sure)
    # A truncated copy: what was written after it was read in the original.
    is_short = is_enough and reached == content.size() and not found.name.is_primary
    if verdict.how is How.SHORTER or is_short:
        return Kinship(Kin.BEGINNING, file)
    return Kinship(Kin.STRANGER)


def kin_to_present(found: Found, content: Content, file: Followed, original: Content) -> Kinship:
    """Return the relation of a file to one that exists as well.

    A copytruncate in progress, or a backup, holds the first part of the original.
    """
    if _begin_alike(content, original):
        size, original_size = content.size(), original.size()
        common = min(size, original_size)
        window = content.window(common)
        if window == original.window(common):
            if found.name.is_primary and _is_one_line(content, window):
                return Kinship(Kin.STRANGER)  # two logs of the same second look alike
            is_moved = file.is_detached and size == original_size and found.log == file.log
            if common >= ENOUGH or (is_moved and not found.name.is_primary):
                return Kinship(Kin.COPY if size <= original_size else Kin.LONGER, file)
            # For a log of its own, so few bytes prove nothing; it is not delayed for them.
            is_unsure = 0 < size <= original_size and not found.name.is_primary
            return Kinship(Kin.UNSURE if is_unsure else Kin.STRANGER, file)
    trail = file.position.trail or beginning_of(original)
    beginning = shared_beginning(trail, content)
    is_other = beginning.reached < ENOUGH or not beginning.is_whole
    return Kinship(Kin.STRANGER) if is_other else Kinship(Kin.DIVERGED, file)


def kin_to_renamed(content: Content, file: Followed) -> Kinship:
    """Return the relation of a log to the renamed file that had its name and differs from it.

    Editors and ``sed -i.bak`` leave such files. All that follows the last line of the renamed file
    in the log is new. The log waits until the renamed file is read, but for a limited time: the
    latter may be read slowly, or still be written to.
    """
    whole = read_to_its_end(file)
    verdict = rejoin(whole.position, content, compressed=False)
    is_known = verdict.is_sure and verdict.how in (How.FOUND, How.SHORTER)
    at = min(verdict.at, last_line_end(content, content.size()))
    kin = Kin.EDITED if is_known else Kin.DIVERGED
    if whole is not file:
        return Kinship(Kin.AFTER, file, at, at_last=kin)
    return Kinship(kin, file, at)


def kin_to_former(found: Found, content: Content, file: Followed, present: Content) -> Kinship:
    """Return the relation of a file to the content in which a followed one was read before.

    Of two edited copies of a removed file, one continues it; the other holds what was read as well,
    and the lines after that which both have are read in the first.
    """
    if file.former is None:
        return Kinship(Kin.STRANGER)
    kinship = kin_to_lost(found, content, Followed(file.former, file.changed_at))
    is_known = kinship.is_sure and kinship.kin in (Kin.SAME, Kin.SHORTER, Kin.BEGINNING)
    if not is_known:
        return Kinship(Kin.STRANGER)
    end = last_line_end(content, content.size())
    at = kinship.at if kinship.kin is Kin.SAME else end
    return Kinship(Kin.EDITED, file, at + shared_lines(content, at, present, file.former_end))


def unread_kin(content: Content, file: Followed) -> Kinship:
    """Return the relation of a file to one that cannot be read at present: wait for that."""
    beginning = shared_beginning(file.position.trail, content)
    at_last = Kin.DIVERGED if beginning.reached >= ENOUGH else Kin.STRANGER
    return Kinship(Kin.UNSURE, file, at_last=at_last)


def _begin_alike(content: Content, original: Content) -> bool:
    one, other = first_of(content), first_of(original)
    common = min(len(one), len(other))
    return one[:common] == other[:common]


def _is_one_line(content: Content, window: bytes | None) -> bool:
    first = first_of(content)
    return window is not None and all(is_one_line_repeated(t, first=first) for t in (first, window))


def _is_expected(found: Found, lost: Position) -> bool:
    """Return whether a file is where a copy of the lost file would be."""
    if found.name.is_primary:
        return found.device != lost.device and found.path == lost.path
    return found.log == log_of(lost.path)
