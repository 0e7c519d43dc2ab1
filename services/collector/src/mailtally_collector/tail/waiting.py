"""A file that is not followed, for now: a copy, or one that a later look tells more of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity import trail_at
from mailtally_collector.tail.kinship import Kin

if TYPE_CHECKING:
    from mailtally_collector.positions import Seal
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that is not followed, for now.

    Attributes:
        seal: how it looks.
        since: since when it looks so.
        kin: what it was found to be; ``None`` if it cannot be read.
        original: what it seems to be a copy of.
        is_settled: the original is known well enough to notice when it is emptied.
        end: where it ends.
        is_read: the original was read beyond that when it still held the same.
    """

    seal: Seal
    since: float
    kin: Kin | None = None
    original: Followed | None = None
    is_settled: bool = True
    end: int = 0
    is_read: bool = False

    @property
    def is_decided(self) -> bool:
        """Nothing has happened that could change the verdict."""
        if self.kin is Kin.COPY:
            return self.is_settled and self._is_of_the_same()
        return self.kin is None

    def _is_of_the_same(self) -> bool:
        """The original is there, and was not edited since: that makes a new start of its marks."""
        if self.original is None or self.original.is_lost:
            return False
        return not self.end or self.original.position.copy is not None


def as_read(waiting: Waiting) -> Waiting:
    """Note whether all that is in a copy was read in its original, as long as that is the same."""
    original = waiting.original
    is_read = (
        waiting.kin is Kin.COPY and original is not None and original.position.offset >= waiting.end
    )
    return replace(waiting, is_read=True) if is_read and waiting.is_settled else waiting


def note_copy(original: Followed, copy: Content) -> bool:
    """Remember how far a copy goes; it may be all that is left of the original.

    Returns:
        Whether enough was read of the original to notice when it is emptied.
    """
    for end in trail_at(copy, copy.size())[-1:]:
        original.position = replace(original.position, copy=end)
    return bool(original.position.trail)
