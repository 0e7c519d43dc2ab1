"""The files of a log as tidying up sees them: with what the checkpoint says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.rotation.plan import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position
    from mailtally_collector.tail.discover import Found


def as_seen(files: Iterable[Found], committed: Iterable[Position]) -> list[LogFile]:
    """A log's files, as a look found them, beside the positions that the checkpoint has."""
    read = {(p.device, p.inode): p.seal for p in committed if p.gone is None}
    return [
        LogFile(
            file.path,
            file.seal.size,
            is_packed=file.name.compressed,
            is_read=read.get((file.device, file.inode)) == file.seal,
        )
        for file in files
    ]
