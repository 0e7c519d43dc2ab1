"""Files hashed, written and synced in one thread while their text is made in another."""

from __future__ import annotations

from queue import Queue
from typing import TYPE_CHECKING

from mailtally_shared.day_files.durable import Staged, stage
from mailtally_shared.day_files.text_columns import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from mailtally_shared.columns import Array

#: Texts that wait to be written: memory stays bounded where the disk is slow.
_WAITING = 8


def stage_behind(disk: ThreadPoolExecutor, path: Path, texts: Iterable[Array]) -> Future[Staged]:
    """What ``stage`` does, in a thread; returns once the last text is handed over to it.

    Args:
        disk: one thread for each file; a file that finds none free waits, and we with it.
        path: as for ``stage``.
        texts: still padded. They are made here, and what goes wrong in making them is
            raised here; what was staged is then of no use.
    """
    waiting: Queue[Array | None] = Queue(_WAITING)
    staged = disk.submit(_stage, path, _taken(waiting))
    try:
        for text in texts:
            waiting.put(text)
    finally:
        waiting.put(None)
    return staged


def _taken(waiting: Queue[Array | None]) -> Iterator[Array]:
    while (text := waiting.get()) is not None:
        yield text


def _stage(path: Path, texts: Iterator[Array]) -> Staged:
    try:
        return stage(path, map(bare, texts))
    finally:
        # Where the disk is full, say: who makes the texts must not wait for ever.
        for _ in texts:
            pass
