"""The followed files that an unknown one may be, or may be a copy of. Pure."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from mailtally_collector.tail.kinship import Kin, Kinship, kin_to_lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed


def replaced_by(found: Found, files: Iterable[Followed]) -> Followed | None:
    """Return the file that was here last, and has no name any more."""
    gone = [
        f for f in files if f.found is None and f.position.trail and f.position.path == found.path
    ]
    return max(gone, key=lambda f: f.position.gone or inf, default=None)


def took_place(found: Found, file: Followed) -> bool:
    """A log is where another one was before that was renamed."""
    return found.name.is_primary and file.found is not None and file.former_path == found.path


def is_read_first(kinship: Kinship, found: Found, content: Content, file: Followed) -> bool:
    """A removed file is read to its end before what may go on for it, however long that takes."""
    if not file.position.trail:
        return kinship.kin is Kin.DIVERGED  # what holds all of it is read in its stead
    return any(k.kin is not Kin.STRANGER for k in (kinship, kin_to_lost(found, content, file)))


def lost_among(files: Iterable[Followed]) -> list[Followed]:
    """The files that may go on elsewhere; the one with the strongest proof first."""
    lost = [f for f in files if f.is_lost and f.position.trail]
    return sorted(lost, key=lambda f: -f.position.offset)


def present_among(files: Iterable[Followed]) -> list[Followed]:
    """The files that are there, or are still open; the ones that are written to first."""
    return sorted((f for f in files if not f.is_lost), key=lambda f: not f.is_primary)
