"""What an unknown file has to do with the known ones: the copies that people and rotation make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_collector.tail.discover import log_of
from mailtally_collector.tail.identity import (
    ENOUGH,
    agreement,
    beginning_of,
    first_of,
    is_one_line_repeated,
    shared_beginning,
)
from mailtally_collector.tail.rejoin import How, rejoin

if TYPE_CHECKING:
    from mailtally_collector.positions import Position
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed


class Kin(Enum):
    """What a file is to another one."""

    SAME = "it goes on in here: renamed, compressed, moved, or copied before it was emptied"
    BEGINNING = "all that is in here was read there already"
    SHORTER = "what was read of it ends beyond the end of this file, and it may go on here"
    COPY = "it holds the same and is still there"
    LONGER = "it holds all that is there, and more"
    EDITED = "it took the place of a renamed one, and holds what was read of it up to some place"
    DIVERGED = "it begins the same and goes on differently"
    UNSURE = "it looks like a copy, but is too short to tell"
    STRANGER = "nothing"


@dataclass(frozen=True, slots=True)
class Kinship:
    """What a file is to ``other``.

    Attributes:
        kin: what it is.
        other: the known file.
        at: of the same file, where to read on.
        is_sure: more than the marks tells so.
        at_last: what an unsure one is taken for when waiting has shown nothing.
    """

    kin: Kin
    other: Followed | None = None
    at: int = 0
    at_last: Kin = Kin.STRANGER
    is_sure: bool = True

    def of_a_copy(self, *, is_read: bool) -> Kinship:
        """The same of a file that was a copy, and has not changed: no end of it went missing.

        Args:
            is_read: all that is in it was read in its original before that was changed.
        """
        is_known = self.kin is Kin.SHORTER or (is_read and self.kin is Kin.DIVERGED)
        return replace(self, kin=Kin.BEGINNING) if is_known else self

    def in_the_end(self) -> Kinship:
        """The same when there is no more time to wait."""
        return replace(self, kin=self.at_last) if self.kin is Kin.UNSURE else self


def kin_to_lost(found: Found, content: Content, file: Followed) -> Kinship:
    """What a file is to one that cannot be read any more.

    A line with its time is proof. Less is believed of a rotated file of the same log,
    where a copy is to be expected; a primary with the same first line may well be a new one.
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
    # A copy that was cut short: what was written after that was read in the original.
    is_short = is_enough and reached == content.size() and not found.name.is_primary
    if verdict.how is How.SHORTER or is_short:
        return Kinship(Kin.BEGINNING, file)
    return Kinship(Kin.STRANGER)


def kin_to_present(found: Found, content: Content, file: Followed, original: Content) -> Kinship:
    """What a file is to one that is there as well.

    A copytruncate that is under way, or a backup, holds the first part of the original.
    """
    if _begin_alike(content, original):
        size, original_size = content.size(), original.size()
        common = min(size, original_size)
        window = content.window(common)
        if window == original.window(common):
            if found.name.is_primary and _is_one_line(content, window):
                return Kinship(Kin.STRANGER)  # two logs of the same second look like this
            is_moved = file.is_detached and size == original_size and found.log == file.log
            if common >= ENOUGH or (is_moved and not found.name.is_primary):
                return Kinship(Kin.COPY if size <= original_size else Kin.LONGER, file)
            # Of a log of its own, so few bytes say nothing; it is not held up for them.
            is_unsure = 0 < size <= original_size and not found.name.is_primary
            return Kinship(Kin.UNSURE if is_unsure else Kin.STRANGER, file)
    trail = file.position.trail or beginning_of(original)
    beginning = shared_beginning(trail, content)
    is_other = beginning.reached < ENOUGH or not beginning.is_whole
    return Kinship(Kin.STRANGER) if is_other else Kinship(Kin.DIVERGED, file)


def kin_to_renamed(content: Content, file: Followed) -> Kinship:
    """What a log is to the file that had its name before, is kept under another, and differs.

    Editors and ``sed -i.bak`` leave such files. What is in the log behind the last line that was
    read of the kept one is new, once that one is read to its end.
    """
    if file.unread():
        return Kinship(Kin.UNSURE, file, at_last=Kin.DIVERGED)
    verdict = rejoin(file.position, content, compressed=False)
    is_known = verdict.is_sure and verdict.how in (How.FOUND, How.SHORTER)
    return Kinship(Kin.EDITED if is_known else Kin.DIVERGED, file, verdict.at)


def unread_kin(content: Content, file: Followed) -> Kinship:
    """What a file is to one that cannot be read at the moment: it is waited for."""
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
    """It is where a copy of the lost file would be put."""
    if found.name.is_primary:
        return found.device != lost.device and found.path == lost.path
    return found.log == log_of(lost.path)
