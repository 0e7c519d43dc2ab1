"""What an unknown file has to do with the known ones: the copies that rotation makes. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from mailtally_collector.tail.discover import log_of
from mailtally_collector.tail.identity import WINDOW, agreement, trail_at

if TYPE_CHECKING:
    from mailtally_collector.positions import Position
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found


class Kin(Enum):
    """What a file is to another one."""

    SAME = "it goes on in here: renamed, compressed, moved, or copied before it was emptied"
    BEGINNING = "all that is in here was read there already"
    COPY = "it holds the same and is still there"
    UNSURE = "it looks like a copy, but is too short to tell"
    STRANGER = "nothing"


def kin_to_lost(found: Found, content: Content, lost: Position) -> Kin:
    """What a file is to one that cannot be read any more.

    A whole window of agreement is proof. Less is believed of a rotated file of the same log,
    where a copy is to be expected; a primary with the same first line may well be a new one.
    """
    reached = agreement(lost.trail, content)
    if reached == 0:
        return Kin.STRANGER
    proved = reached >= WINDOW
    if reached >= lost.offset:
        return Kin.SAME if proved or _is_expected(found, lost) else Kin.STRANGER
    if found.name.is_primary:
        return Kin.STRANGER
    # The copy was cut short, and what was written after that was read in the original.
    whole = proved or (_is_expected(found, lost) and reached == content.size())
    return Kin.BEGINNING if whole else Kin.STRANGER


def kin_to_primary(content: Content, primary: Position, original: Content) -> Kin:
    """What a rotated file is to the primary of its log.

    A copytruncate that is under way, or a backup, holds the first part of the
    primary. What of that was read is known from the trail, which stays true when the primary is
    emptied at this very moment; where nothing was read yet, both files are compared.
    """
    trail = primary.trail
    if trail and content.window(trail[0].at) is not None:
        reached = agreement(trail, content)
    else:
        reached = agreement(trail_at(original, content.size()), content)
    if reached == 0 or content.size() > original.size():
        return Kin.STRANGER
    return Kin.COPY if reached >= WINDOW else Kin.UNSURE


def _is_expected(found: Found, lost: Position) -> bool:
    """It stands where a copy of the lost file would be put."""
    if found.name.is_primary:
        return found.device != lost.device and found.path == lost.path
    return found.log == log_of(lost.path)
