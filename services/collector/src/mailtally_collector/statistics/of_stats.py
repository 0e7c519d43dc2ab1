"""Only logs of the format ``stats`` are shown: another one's lines would all seem malformed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.statistics.piece import Piece

_STATS: Final = "stats"
#: Of a line, so much tells what it is.
_FIRST_BYTES: Final = 4096


def of_stats(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces; what a log begins with tells whether it is of another format.

    Raises:
        Refused: it is.
    """
    for piece in pieces:
        if piece.offset == 0 and _other_format(piece.data) is not None:
            raise Refused(
                f"{piece.path} is qmail's own log (maillog), of which this command shows nothing: "
                "it reads the format stats. 'mailtally analyze' counts both."
            )
        yield piece


def _other_format(lines: memoryview) -> str | None:
    first = bytes(lines[:_FIRST_BYTES]).partition(b"\n")[0]
    if b"|" in first:
        return None  # as in each line of stats
    # Not above: the other formats' code takes long to load, and is not wanted with stats.
    from mailtally_collector.parse.format import Setting  # noqa: PLC0415 - see above
    from mailtally_collector.parse.formats import made, recognised  # noqa: PLC0415 - see above

    found = recognised(lines, made(Setting()))
    return None if found == _STATS else found
