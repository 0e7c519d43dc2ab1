"""What a log format is: bytes in, columns out, and what the next chunk has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from mailtally_collector.parse.parsed import Parsed

#: What a log begins with: nothing is known.
NOTHING_KNOWN = b""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a format is told about where it is used.

    Attributes:
        host: the host of lines that name none.
        max_age: seconds after which something is forgotten of which nothing was heard.
        max_entries: things remembered of one log, at most.
    """

    host: str = "localhost"
    max_age: int = 14 * 86_400
    max_entries: int = 250_000


class Format(Protocol):
    """One kind of log. A stateless one has always the same, empty state.

    A state is bytes that only the format itself reads: it goes into the collector's checkpoint,
    with the batch that it belongs to. It is bounded, and ``parse`` changes nothing else: a chunk
    that is parsed again with the same state gives the same again.
    """

    is_stateless: ClassVar[bool]

    def __init__(self, setting: Setting) -> None: ...

    def warm(self) -> None:
        """Get ready, so that the first chunk is not slow."""
        ...

    def first_line(self, chunk: bytes) -> int | None:
        """Where the first line begins that can only be of this format; ``None`` without one."""
        ...

    def parse(
        self, chunk: bytes | bytearray | memoryview, state: bytes = NOTHING_KNOWN
    ) -> tuple[Parsed, bytes]:
        r"""Parse whole lines.

        Args:
            chunk: Bytes that end with ``\n``, or none at all.
            state: What the chunk before this one of the same log gave.

        Returns:
            Records and malformed lines, and the state behind the chunk.

        Raises:
            ValueError: The last line has no ``\n``.
            Refused: The state is none of this format's.
        """
        ...
