"""Parse each log in its own format, with the state carried from chunk to chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.engine.folding import Folding, folded
from mailtally_collector.formats.engine.log_format import NOTHING_KNOWN
from mailtally_collector.formats.registry import DEFAULT, recognised
from mailtally_shared.rows import UNFOLDED

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from mailtally_collector.formats.engine.folding import FoldedChunk, Folder
    from mailtally_collector.formats.engine.log_format import Format, Origin
    from mailtally_collector.formats.engine.parsed import Parsed
    from mailtally_shared.rows import Rows


@dataclass(frozen=True, slots=True)
class Known:
    """The format of a log and its parser state.

    Attributes:
        log: the primary's path.
        format: the name of its format.
        state: the parser state after its last chunk.
    """

    log: str
    format: str
    state: bytes = NOTHING_KNOWN


class ByLog:
    """A parser for chunks of several logs; the chunks of each log come in order.

    Nothing is remembered until ``keep`` confirms that a chunk was accepted: one that was not may be
    parsed again.

    Args:
        formats: by name.
        chosen: returns the configured format of a log, or ``None`` to detect it from the lines.
        known: what an earlier instance knew.
    """

    def __init__(
        self,
        formats: Mapping[str, Format],
        chosen: Callable[[str], str | None] = lambda _: None,
        known: Iterable[Known] = (),
    ) -> None:
        self._formats: Final = formats
        self._chosen: Final = chosen
        self._known: Final = {one.log: one for one in known}
        self._folders: Final[dict[str, Folder]] = {}
        self._step = UNFOLDED

    def format_of(self, log: str, chunk: bytes | memoryview) -> str | None:
        """Return the name of a log's format, or ``None`` while no line shows it.

        Args:
            log: the primary's path.
            chunk: the next lines of it. Once a log's format is known, it is not detected again.
        """
        chosen = self._chosen(log)
        before = self._known.get(log)
        return chosen or (before.format if before else recognised(chunk, self._formats))

    def stateless(self, log: str, chunk: bytes | memoryview) -> Format | None:
        """Return a log's format if its chunks may be parsed in any order, else ``None``."""
        name = self.format_of(log, chunk)
        parser = self._formats[name or DEFAULT]
        if not parser.is_stateless:
            return None
        self.keep(Known(log, name) if name else None)
        return parser

    def parse(
        self, log: str, chunk: bytes | memoryview, origin: Origin | None = None
    ) -> tuple[Parsed, Known | None]:
        """Parse whole lines, and return the records and what is known of the log after them.

        Raises:
            Refused: the earlier state cannot be read.
        """
        name = self.format_of(log, chunk)
        if name is None:
            return self._formats[DEFAULT].parse(chunk)[0], None
        before = self._known.get(log)
        state = before.state if before and before.format == name else NOTHING_KNOWN
        parsed, state = self._formats[name].parse(chunk, state, origin)
        return parsed, Known(log, name, state)

    def fold(
        self, log: str, chunk: bytes | memoryview, step: int, origin: Origin | None = None
    ) -> tuple[FoldedChunk, Known | None]:
        """Do as ``parse``, and fold the records by a step (``mailtally_shared.rows``).

        Rows that the result lacks are held until ``taken``, so that those of the next chunks are
        added to them. The step may be another one only after that. Fold each chunk once.

        Raises:
            Refused: the earlier state cannot be read.
        """
        name = self.format_of(log, chunk)
        log_format = self._formats[name or DEFAULT]
        if step != UNFOLDED and isinstance(log_format, Folding):
            folder = self._folder(name or DEFAULT, log_format, step)
            return folder.fold(chunk), Known(log, name) if name else None
        parsed, known = self.parse(log, chunk, origin)
        return folded(parsed, step), known

    @property
    def rows_held(self) -> int:
        """Return the number of rows to be taken."""
        return sum(map(len, self._folders.values()))

    def taken(self) -> list[Rows]:
        """Return the rows of all chunks that were folded since the last time."""
        return [folder.take() for folder in self._folders.values() if len(folder)]

    def _folder(self, name: str, log_format: Folding, step: int) -> Folder:
        """Return the folder of a format, a new one if its step is another one."""
        if step != self._step:
            self._folders.clear()
            self._step = step
        if name not in self._folders:
            self._folders[name] = log_format.folder(step)
        return self._folders[name]

    def learn(self, log: str, chunk: bytes | memoryview, origin: Origin | None = None) -> bool:
        """Parse lines that were counted before, only for the state that later lines need.

        Returns:
            Whether this log's format has a state.
        """
        if self.stateless(log, chunk) is not None:
            return False
        self.keep(self.parse(log, chunk, origin)[1])
        return True

    def keep(self, known: Known | None) -> None:
        """Remember the state after a chunk that was accepted."""
        if known is not None:
            self._known[known.log] = known

    def known(self, logs: Container[str]) -> tuple[Known, ...]:
        """Return what is known of these logs, and forget all others."""
        for log in [log for log in self._known if log not in logs]:
            del self._known[log]
        return tuple(self._known.values())
