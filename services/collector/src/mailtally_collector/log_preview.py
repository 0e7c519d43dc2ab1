"""What the latest lines of each log are, for an operator who asks before the collector runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailtally_collector.formats import ByLog, Origin, made
from mailtally_collector.tail import Tailer, bare_name
from mailtally_collector.tail.paths import path_of
from mailtally_shared.wire.status import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.formats import Parsed
    from mailtally_collector.settings import CollectorSettings

#: Most bytes of a log that are read, its last ones.
MOST_READ: Final = 2**20


def previews(settings: CollectorSettings) -> Iterator[str]:
    """Yield for each log, uncompressed, what its latest lines are; nothing is counted."""
    parser = ByLog(made(settings.parsing), settings.format_of)
    tailer = Tailer(settings.logs)
    try:
        paths = tailer.paths()
    finally:
        tailer.close()
    for path in paths:
        if bare_name(path) == path:
            yield from _preview(parser, path)


def _preview(parser: ByLog, path: str) -> Iterator[str]:
    try:
        lines, modified = _last_lines(Path(path_of(path)))
    except OSError:  # another check says so
        return
    if not lines:
        return
    parsed, known = parser.parse(path, lines, Origin(modified))
    if known is None:
        yield f"{printable(path)}: no format is recognised in its latest lines."
        return
    yield f"{printable(path)}, latest lines as {known.format}: {_said(parsed)}"
    for name, counts in sorted(parsed.programs.items()):
        yield f"  {name}: {counts.described}"


def _last_lines(path: Path) -> tuple[bytes, int]:
    """Return whole lines at the end of a file, and Unix seconds of its last change."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        begin = max(0, status.st_size - MOST_READ)
        file.seek(begin)
        read = file.read(MOST_READ)
    whole = read[: read.rfind(b"\n") + 1]
    return (whole.partition(b"\n")[2] if begin else whole), int(status.st_mtime)


def _said(parsed: Parsed) -> str:
    malformed = len(parsed.rejects)
    return f"records {len(parsed.columns)}, passed {parsed.passed}, malformed {malformed}"
