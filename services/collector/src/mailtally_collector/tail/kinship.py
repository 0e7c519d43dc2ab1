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
    reached = agreement(lost.marks(), content)
    is_enough = reached >= WINDOW or (reached > 0 and _is_expected(found, lost))
    if is_enough and reached >= lost.offset:
        return Kin.SAME
    # A copy that was cut short: what was written after that was read in the original.
    is_whole = reached >= WINDOW or reached == content.size()
    if is_enough and is_whole and not found.name.is_primary:
        return Kin.BEGINNING
    return Kin.STRANGER


def kin_to_primary(content: Content, original: Content) -> Kin:
    """What a rotated file is to the primary of its log.

    A copytruncate that is under way, or a backup, holds the first part of the primary.
    """
    first = content.window(WINDOW)
    if first is not None and first != original.window(WINDOW):
        return Kin.STRANGER
    reached = agreement(trail_at(original, content.size()), content)
    if reached == 0:
        return Kin.STRANGER
    return Kin.COPY if reached >= WINDOW else Kin.UNSURE


def _is_expected(found: Found, lost: Position) -> bool:
    """It stands where a copy of the lost file would be put."""
    if found.name.is_primary:
        return found.device != lost.device and found.path == lost.path
    return found.log == log_of(lost.path)
