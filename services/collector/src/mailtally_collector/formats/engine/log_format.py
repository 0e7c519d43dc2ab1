"""The protocol of a log format: bytes in, columns out, and a state for the next chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.formats.engine.parsed import Parsed

#: The state at the beginning of a log.
NOTHING_KNOWN = b""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a format needs to know about its mail host.

    Attributes:
        host: the host of lines that name none.
        max_age: seconds after its last event when a message is dropped from the state.
        max_entries: most entries in the state of one log.
        offset_at: offset of stamps without one, in seconds east, by Unix seconds; unset: UTC.
        first_year: year of a log's first stamp without one; unset: by its file's last change.
        session_bytes: what is counted of a session: bytes in both directions, or those sent.
    """

    host: str = "localhost"
    max_age: int = 14 * 86_400
    max_entries: int = 250_000
    offset_at: Callable[[int], int] | None = None
    first_year: int | None = None
    session_bytes: Literal["both", "out"] = "both"


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a chunk was read from.

    Attributes:
        modified: Unix seconds of its last change.
        begins: whether the chunk is its first one.
    """

    modified: int = 0
    begins: bool = False


class Format(Protocol):
    """A log format. The state of a stateless format is always empty.

    A state is opaque bytes that only the format itself reads. It is stored in the collector's
    checkpoint together with the batch that it belongs to. It is bounded, and ``parse`` has no other
    memory: parsing a chunk again with the same state gives the same result.
    """

    is_stateless: ClassVar[bool]

    def __init__(self, setting: Setting) -> None: ...

    def warm(self) -> None:
        """Load what the first chunk needs, so that what is missing is noticed at the start."""
        ...

    def first_line(self, chunk: bytes) -> int | None:
        """Return the offset of the first line that only this format has, or ``None``."""
        ...

    def parse(
        self,
        chunk: bytes | bytearray | memoryview,
        state: bytes = NOTHING_KNOWN,
        origin: Origin | None = None,
    ) -> tuple[Parsed, bytes]:
        r"""Parse whole lines.

        Args:
            chunk: Bytes that end with ``\n``, or none at all.
            state: The state that the previous chunk of the same log returned.
            origin: The file that it was read from. Only stamps without a year depend on it.

        Returns:
            Records and malformed lines, and the state after the chunk.

        Raises:
            ValueError: The last line has no ``\n``.
            Refused: The state was not written by this format.
        """
        ...
