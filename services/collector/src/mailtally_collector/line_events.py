"""What is logged of a stretch of a log that did not become records."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_collector.tail import Chunk

_log = logging.getLogger(__name__)


def log_forgotten(chunk: Chunk, forgotten: Mapping[str, int]) -> None:
    """Log that messages were given up before their end, by reason."""
    event(
        _log,
        logging.WARNING,
        "messages-forgotten",
        f"Forgot {sum(forgotten.values())} messages of {chunk.path} before their end.",
        file=str(chunk.path),
        **forgotten,
    )


def log_skipped(chunk: Chunk, nuls: int) -> None:
    """Log that a hole was skipped."""
    event(
        _log,
        logging.WARNING,
        "nuls-skipped",
        f"Skipped {nuls} NUL bytes in front of lines of {chunk.path}: a hole in the file.",
        file=str(chunk.path),
        bytes=nuls,
    )


def log_malformed(chunk: Chunk, labels: list[str]) -> None:
    """Log how many lines were malformed, by reason."""
    counts = dict(sorted(Counter(labels).items()))
    event(
        _log,
        logging.WARNING,
        "malformed-lines",
        f"Kept {len(labels)} malformed lines of {chunk.path} in the reject file.",
        file=str(chunk.path),
        **{reason.replace("-", "_"): count for reason, count in counts.items()},
    )
