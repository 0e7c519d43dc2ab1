"""The checks of ``mailtally-collector check``: connections, logs, directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.tail import Tailer
from mailtally_collector.tail.paths import path_of
from mailtally_shared.checks import unreachable, unwritable
from mailtally_shared.wire.status import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.settings import CollectorSettings


def check(settings: CollectorSettings) -> Iterator[str]:
    """Yield a sentence for each check that fails."""
    yield from unreachable(settings.broker_url, settings.resolved_state_url)
    yield from unreadable_logs(settings.logs)
    yield from unwritable("MAILTALLY_STATE_DIR", settings.state_dir)


def unreadable_logs(globs: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each glob without files, and each file that cannot be read."""
    tailer = Tailer(globs)
    try:
        paths = tailer.paths()
        found = tailer.noticed()
        for path in paths:
            yield from _unreadable(path)
    finally:
        tailer.close()
    for pattern, files in found.patterns.items():
        if not files:
            yield f"MAILTALLY_LOGS: no file matches {printable(pattern)}."
    for trouble in found.troubles:
        yield f"MAILTALLY_LOGS: {printable(trouble.sentence)}"


def _unreadable(path: str) -> Iterator[str]:
    try:
        with Path(path_of(path)).open("rb") as file:
            file.read(1)
    except OSError as error:
        yield f"MAILTALLY_LOGS: {printable(path)} cannot be read: {error.strerror}."
